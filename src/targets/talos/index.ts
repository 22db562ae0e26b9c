import * as z from 'zod';
import { ok } from '../../diagnostics/diagnostic.ts';
import { renderTemplate } from '../../render/render.ts';
import {
  endpointParts,
  fallbackTouch,
  jsonString,
  mirrorCodes,
  mirrorsOf,
  mirrorsOption,
  mirrorsTouch,
} from '../mirrors.ts';
import { defineTarget } from '../target.ts';
import { readTalos } from './readBack.ts';

const quoted = (text: string) => jsonString('talos', text);

const options = z
  .strictObject({
    mirrors: mirrorsOption,
    fallback: z.boolean().optional().describe('Whether the registry itself is tried last; true where absent'),
  })
  .describe('Registry mirrors for Talos 1.12 and newer, as RegistryMirrorConfig documents');

export const talos = defineTarget({
  name: 'talos',
  summary: 'registry mirrors of Talos nodes',
  options,
  access: { mirrors: mirrorsTouch, fallback: fallbackTouch },
  plan({ policy, options: { mirrors = {}, fallback = true }, at }) {
    const all = mirrorsOf(policy, mirrors, [...at, 'mirrors']);
    const documents = all.map(({ registry, endpoints }) => ({
      name: quoted(registry),
      // Talos appends /v2 to an endpoint unless its path is said to be the whole of it.
      endpoints: endpoints.map((endpoint) => ({
        url: quoted(endpoint),
        wholePath: endpointParts(endpoint).path !== '',
      })),
      fallback,
    }));
    return ok({ documents }, all.length === 0 ? [mirrorCodes.report('none', at, {})] : []);
  },
  files: (model) =>
    model.documents.length === 0
      ? []
      : [{ path: 'talos/registries.yaml', text: renderTemplate('talos', 'registries.yaml.njk', model), comment: '#' }],
  readBack: { decides: 'pulls', read: readTalos },
  nodes: ({ mirrors = {}, fallback = true }) => ({ mirrors, fallsBack: fallback ? 'configured' : 'never' }),
});
