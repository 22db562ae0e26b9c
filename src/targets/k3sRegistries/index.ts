import * as z from 'zod';
import { ok } from '../../diagnostics/diagnostic.ts';
import { renderTemplate } from '../../render/render.ts';
import {
  endpointParts,
  jsonString,
  mirrorCodes,
  mirrorsOf,
  mirrorsOption,
  mirrorsTouch,
  nodeCaTouch,
  nodeFile,
} from '../mirrors.ts';
import { defineTarget } from '../target.ts';
import { readK3s } from './readBack.ts';

const quoted = (text: string) => jsonString('k3sRegistries', text);

const options = z
  .strictObject({
    mirrors: mirrorsOption,
    caFile: nodeFile
      .optional()
      .describe('PEM bundle on the node that the endpoints are verified with; those of the system where absent'),
  })
  .describe('Registry mirrors for k3s and RKE2 (registries.yaml)');

export const k3sRegistries = defineTarget({
  name: 'k3sRegistries',
  summary: 'registry mirrors of k3s and RKE2 nodes',
  options,
  access: { mirrors: mirrorsTouch, caFile: nodeCaTouch },
  plan({ policy, options: { mirrors = {}, caFile }, at }) {
    const all = mirrorsOf(policy, mirrors, [...at, 'mirrors']);
    const parts = all.flatMap(({ endpoints }) => endpoints.map(endpointParts));
    const hosts = new Set(parts.filter(({ plain }) => !plain).map(({ host }) => host));
    const model = {
      mirrors: all.map(({ registry, endpoints }) => ({ registry: quoted(registry), endpoints: endpoints.map(quoted) })),
      // Certificates are looked up by the host that is contacted, not by the registry that it stands for.
      hosts: caFile === undefined ? [] : [...hosts].sort().map(quoted),
      ca: caFile === undefined ? null : quoted(caFile),
    };
    return ok(model, all.length === 0 ? [mirrorCodes.report('none', at, {})] : []);
  },
  files: (model) => [
    {
      path: 'k3sRegistries/registries.yaml',
      text: renderTemplate('k3sRegistries', 'registries.yaml.njk', model),
      comment: '#',
    },
  ],
  readBack: { decides: 'pulls', read: readK3s },
  nodes: ({ mirrors = {} }) => ({ mirrors, fallsBack: 'always' }),
});
