import * as z from 'zod';
import { type Diagnostic, resultOf } from '../../diagnostics/diagnostic.ts';
import { renderTemplate } from '../../render/render.ts';
import {
  endpointParts,
  jsonString,
  type Mirror,
  mirrorCodes,
  mirrorsOf,
  mirrorsOption,
  mirrorsTouch,
} from '../mirrors.ts';
import { defineTarget } from '../target.ts';
import { readDocker } from './readBack.ts';

const quoted = (text: string) => jsonString('docker', text);

const options = z.strictObject({ mirrors: mirrorsOption }).describe('Mirrors of Docker Hub for the Docker daemon');

export const docker = defineTarget({
  name: 'docker',
  summary: 'mirrors of Docker Hub for Docker, which can mirror nothing else',
  options,
  access: { mirrors: mirrorsTouch },
  plan({ policy, options: { mirrors = {} }, at }) {
    const all = mirrorsOf(policy, mirrors, [...at, 'mirrors']);
    const problems = all.length === 0 ? [mirrorCodes.report('none', at, {})] : all.flatMap(unsupported);
    return resultOf({ mirrors: all.flatMap(({ endpoints }) => endpoints.map(quoted)) }, problems);
  },
  files: (model) => [{ path: 'docker/daemon.json', text: renderTemplate('docker', 'daemon.json.njk', model) }],
  readBack: { decides: 'pulls', read: readDocker },
  nodes: ({ mirrors = {} }) => ({ mirrors, fallsBack: 'always' }),
});

/** Docker has one list of mirrors, and asks it for images of Docker Hub only. */
function unsupported({ registry, endpoints, origin }: Mirror): Diagnostic[] {
  const report = (what: string, hint: string) =>
    mirrorCodes.report('unsupported', origin, { product: 'Docker', what, hint });
  if (registry !== 'docker.io') {
    const hint = `only docker.io has mirrors; let the node resolve "${registry.replace(/:\d+$/, '')}" to the private address, in /etc/hosts or its DNS`;
    return [report(`mirror "${registry}"`, hint)];
  }
  return endpoints
    .filter((endpoint) => endpointParts(endpoint).path !== '')
    .map((endpoint) => report(`pull from "${endpoint}"`, 'a mirror is a host without a path'));
}
