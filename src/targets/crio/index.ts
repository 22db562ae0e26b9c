import * as z from 'zod';
import { type Diagnostic, resultOf } from '../../diagnostics/diagnostic.ts';
import { renderTemplate } from '../../render/render.ts';
import type { Token } from '../../render/token.ts';
import {
  endpointParts,
  fallbackTouch,
  jsonString,
  type Mirror,
  mirrorCodes,
  mirrorsOf,
  mirrorsOption,
  mirrorsTouch,
} from '../mirrors.ts';
import { defineTarget } from '../target.ts';
import { readCrio } from './readBack.ts';

const quoted = (text: string) => jsonString('crio', text);

const options = z
  .strictObject({
    mirrors: mirrorsOption,
    fallback: z.boolean().optional().describe('Whether the registry itself is tried last; true where absent'),
  })
  .describe('Registry mirrors for CRI-O, Podman, Buildah and Skopeo');

interface Registry {
  readonly prefix: Token<'crio'>;
  /** Location that CRI-O tries last. */
  readonly location: Location;
  readonly mirrors: readonly Location[];
}

interface Location {
  readonly name: Token<'crio'>;
  /** Whether plain HTTP is tried, too: a location has no scheme. */
  readonly insecure: boolean;
}

export const crio = defineTarget({
  name: 'crio',
  summary: 'registry mirrors of nodes with CRI-O (registries.conf)',
  options,
  access: { mirrors: mirrorsTouch, fallback: fallbackTouch },
  plan({ policy, options: { mirrors = {}, fallback = true }, at }) {
    const all = mirrorsOf(policy, mirrors, [...at, 'mirrors']);
    const problems = all.length === 0 ? [mirrorCodes.report('none', at, {})] : all.flatMap(unsupported);
    const registries = all.map((mirror) => registryOf(mirror, fallback));
    return resultOf({ name: policy.name, registries }, problems);
  },
  files: ({ name, registries }) => [
    {
      path: `crio/registries.conf.d/50-postern-${name}.conf`,
      text: renderTemplate('crio', 'registries.conf.njk', { registries }),
      comment: '#',
    },
  ],
  readBack: { decides: 'pulls', read: readCrio },
  nodes: ({ mirrors = {}, fallback = true }) => ({ mirrors, fallsBack: fallback ? 'configured' : 'never' }),
});

function unsupported({ registry, endpoints, origin }: Mirror): Diagnostic[] {
  const problems = registry === '*' ? [{ what: 'mirror every registry at once', hint: 'name each registry' }] : [];
  for (const endpoint of endpoints) {
    // A location stands for what follows /v2/, so no other path can be written.
    if (/^(?:\/v2(?:\/.*)?)?$/.test(endpointParts(endpoint).path)) continue;
    problems.push({ what: `pull from "${endpoint}"`, hint: 'its registries stand at /v2 of a host' });
  }
  return problems.map((problem) => mirrorCodes.report('unsupported', origin, { product: 'CRI-O', ...problem }));
}

function registryOf({ registry, endpoints }: Mirror, fallback: boolean): Registry {
  const locations = endpoints.map((endpoint): Location => {
    const { plain, host, path } = endpointParts(endpoint);
    return { name: quoted(host + path.replace(/^\/v2/, '')), insecure: plain };
  });
  const [last] = locations.slice(-1);
  // The location is always tried last; without fallback it is the last mirror.
  if (!fallback && last) return { prefix: quoted(registry), location: last, mirrors: locations.slice(0, -1) };
  return { prefix: quoted(registry), location: { name: quoted(registry), insecure: false }, mirrors: locations };
}
