import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as yaml from 'js-yaml';
import { specText } from '../bench/specs.ts';

/** As much of a spec as additions look at. */
export interface SpecText {
  version?: number;
  name?: string;
  routes?: Record<string, { upstream: string; auth?: string; allow: (string | { request: string })[] }>;
  ipRanges?: Record<string, unknown>;
  upstreams?: Record<string, unknown>;
  apiKeys?: Record<string, unknown>;
  proxies?: Record<string, { ipRanges: string[]; routes?: string[] }>;
  domainRewrites?: object[];
  targets: Record<string, unknown>;
  tests?: unknown;
}

export interface Base {
  readonly name: string;
  readonly spec: SpecText;
  /** In which the files are that the spec names. */
  readonly folder: string;
}

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const TARGETS = ['bottlerocket', 'caddy', 'containerd', 'coredns', 'crio', 'k3sRegistries', 'nginx', 'talos'];

/** Every example that has a spec. */
export function examples(): Base[] {
  const named = readdirSync(EXAMPLES).filter((name) => readdirSync(join(EXAMPLES, name)).includes('postern.yaml'));
  return named.map((name) => {
    const folder = join(EXAMPLES, name);
    const { tests: _, ...spec } = yaml.load(readFileSync(join(folder, 'postern.yaml'), 'utf8')) as SpecText;
    return { name, spec, folder };
  });
}

/** A made-up spec of so many routes, for every target that takes one. */
export function ofRoutes(routes: number): Base {
  const targets = Object.fromEntries(TARGETS.map((target) => [target, {}]));
  return { name: `${routes} routes`, spec: JSON.parse(specText({ routes, keys: 3, cidrs: 3 }, targets)), folder: '.' };
}

/** A made-up spec of so many names that lead the same way, and one in ten that does not. */
export function ofRewrites(count: number): Base {
  const domainRewrites = Array.from({ length: count }, (_, n) => {
    const name = `${String.fromCharCode(97 + (n % 26))}${n}.team${n % 97}`;
    return {
      from: `${name}.example.com`,
      to: n % 10 === 0 ? `odd${n}.example.net` : `${name}.privatelink.example.com`,
    };
  });
  const targets = { coredns: { form: 'configMap' } };
  return { name: `${count} rewrites`, spec: { version: 1, name: 'rewrites', domainRewrites, targets }, folder: '.' };
}

/** Puts one thing into a list of so many, at a place that it is told. */
type Place = (length: number) => number;

/** Adds one thing to a spec; false where such a spec has no room for it. */
type Add = (spec: SpecText, place: Place) => boolean;

export interface RouteAddition {
  readonly what: string;
  /** Given the path of a route that there is. */
  readonly request: (path: string) => string;
}

const below = (path: string, rest: string) => `${path.replace(/\/$/, '')}/${rest}`;

export const ROUTES: readonly RouteAddition[] = [
  { what: 'a last segment', request: (path) => `GET ${below(path, 'badges')}` },
  { what: 'another method', request: (path) => `PATCH ${path}` },
  { what: 'a new type', request: (path) => `GET ${below(path, '{new:uuid}/keys')}` },
  { what: 'another beginning', request: () => 'GET /health' },
  { what: 'what sorts first', request: () => 'GET,POST /aaa/{x:int}' },
  { what: 'what sorts last', request: () => 'GET,POST /zzz/{x:slug}' },
  { what: 'the rest of a path', request: () => 'GET /files/{rest*}' },
  { what: 'a choice', request: () => 'GET /kinds/{kind:one|two}' },
  { what: 'odd characters', request: () => 'GET /a~b/c.d%20e' },
];

/** Adds a route to the first group. */
export function addRoute({ request }: RouteAddition): (spec: SpecText, place: Place) => string | undefined {
  return ({ routes = {} }, place) => {
    const allow = Object.values(routes)[0]?.allow;
    const near = allow?.[allow.length >> 1];
    if (!allow || near === undefined) return undefined;
    const line = request((typeof near === 'string' ? near : near.request).split(' ')[1] ?? '');
    allow.splice(place(allow.length), 0, line);
    return line;
  };
}

/** Names that sort before and after all that a spec has. */
export const NAMES = ['aaa', 'zzz'];

export interface Addition {
  readonly what: string;
  readonly add: (name: string) => Add;
  /** Rows of a target that list several things, and so are replaced; two where it says nothing. */
  readonly mostGone?: number;
  /** Rows of a target that come, where that is bounded. */
  readonly mostAdded?: number;
}

function insert(record: Record<string, unknown> | undefined, place: Place, name: string, value: object): boolean {
  if (!record || Object.keys(record).length === 0) return false;
  const entries = Object.entries(record);
  entries.splice(place(entries.length), 0, [name, value]);
  for (const key of Object.keys(record)) delete record[key];
  Object.assign(record, Object.fromEntries(entries));
  return true;
}

function key(what: string, more: (spec: SpecText) => object): Addition {
  const secrets = { key: 'env:NEW_KEY', token: 'env:NEW_TOKEN' };
  const add = (name: string) => (spec: SpecText, place: Place) =>
    insert(spec.apiKeys, place, name, { ...secrets, ...more(spec) });
  return { what, add };
}

const first = (record: object | undefined) => Object.keys(record ?? {})[0] ?? '';

function proxy(what: string, more: object): Addition {
  const add = (name: string) => (spec: SpecText, place: Place) =>
    insert(spec.proxies, place, name, { listen: 9999, ipRanges: [`@${first(spec.ipRanges)}`], ...more });
  return { what, add };
}

function rewrite(what: string, wildcard: '' | '*.', more: object): Addition {
  const add =
    (name: string): Add =>
    ({ domainRewrites }, place) => {
      const entry = {
        from: `${wildcard}${name}.example.com`,
        to: `${wildcard}${name}.privatelink.example.com`,
        ...more,
      };
      domainRewrites?.splice(place(domainRewrites.length), 0, entry);
      return domainRewrites !== undefined;
    };
  // A rule or a row each, and what it takes the place of; nginx has a row for each header with a name in it.
  return { what, add, mostAdded: 12 };
}

export const OTHERS: readonly Addition[] = [
  key('a key', () => ({})),
  key('a key of one group', ({ routes }) => ({ routes: [first(routes)] })),
  key('a key that ends', () => ({ expires: '2098-01-01' })),
  key('a key with a named range', ({ ipRanges }) => ({ ipRanges: [`@${first(ipRanges)}`] })),
  key('a key with addresses of its own', () => ({ ipRanges: ['198.51.100.0/28'] })),
  proxy('a proxy', {}),
  proxy('a proxy behind another', { clientIp: { trustedProxies: ['10.99.0.0/16'], header: 'X-Forwarded-For' } }),
  {
    what: 'a range',
    add: (name) => (spec, place) => {
      const user = Object.values(spec.proxies ?? {})[0];
      user?.ipRanges.push(`@${name}`);
      return insert(spec.ipRanges, place, name, ['198.51.100.77']) && user !== undefined;
    },
  },
  {
    what: 'an upstream with a route',
    // Caddy has a row each for the route classes whose bodies are alike, and for those that may pass.
    mostGone: 4,
    add: (name) => (spec, place) => {
      for (const { routes } of Object.values(spec.proxies ?? {})) routes?.push(name);
      const isThere = insert(spec.upstreams, place, name, { url: 'https://new.example.com' });
      const auth = Object.values(spec.routes ?? {})[0]?.auth ?? 'apiKey';
      return insert(spec.routes, place, name, { upstream: name, auth, allow: ['GET /new/group'] }) && isThere;
    },
  },
  rewrite('a rewrite', '', {}),
  rewrite('a rewrite of a registry', '', { containerRegistry: true }),
  rewrite('a rewrite of all names below', '*.', {}),
];
