import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as yaml from 'js-yaml';
import { specText } from '../bench/specs.ts';

/** As much of a spec as additions look at. */
export interface SpecText {
  version?: number;
  name?: string;
  include?: unknown;
  routes?: Record<string, { upstream: string; auth?: string; allow: (string | { request: string })[] }>;
  ipRanges?: Record<string, unknown>;
  upstreams?: Record<string, unknown>;
  apiKeys?: Record<string, { routes?: string[]; [field: string]: unknown }>;
  proxies?: Record<
    string,
    { listen?: number; publicUrl?: string; ipRanges: string[]; routes?: string[]; answer?: object[]; cors?: object }
  >;
  domainRewrites?: object[];
  targets: Record<string, { mirrors?: Record<string, string[]>; stores?: Record<string, number> } | undefined>;
  tests?: unknown;
}

export interface Base {
  readonly name: string;
  readonly spec: SpecText;
  /** In which the files are that the spec names. */
  readonly folder: string;
  /** Whether paths share rows of Caddy, where a new row moves the start of another one. */
  readonly sharesRows?: boolean;
}

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const TARGETS = ['bottlerocket', 'caddy', 'containerd', 'coredns', 'crio', 'k3sRegistries', 'nginx', 'talos'];

/** Every example whose spec is one file, to which anything can be added. */
export function examples(): Base[] {
  const named = readdirSync(EXAMPLES).filter((name) => readdirSync(join(EXAMPLES, name)).includes('postern.yaml'));
  return named.flatMap((name) => {
    const folder = join(EXAMPLES, name);
    const { tests: _, ...spec } = yaml.load(readFileSync(join(folder, 'postern.yaml'), 'utf8')) as SpecText;
    return spec.include ? [] : [{ name, spec, folder }];
  });
}

/** A made-up spec of so many routes, for every target that takes one. */
export function ofRoutes(routes: number): Base {
  const targets = Object.fromEntries(TARGETS.map((target) => [target, {}]));
  return {
    name: `${routes} routes`,
    spec: JSON.parse(specText({ routes, keys: 3, cidrs: 3 }, targets)),
    folder: '.',
    sharesRows: routes > 256,
  };
}

/** With one more of what has a name, so that a name can sort between two; no proxy: each has tables of its own to change. */
export function withNeighbours({ spec, ...base }: Base): Base {
  const { routes, ipRanges, upstreams, apiKeys, domainRewrites = [] } = spec;
  return {
    ...base,
    spec: {
      ...spec,
      ipRanges: { ...ipRanges, office: ['203.0.113.0/24'] },
      upstreams: { ...upstreams, other: { url: 'http://127.0.0.1:19' } },
      routes: { ...routes, other: { upstream: 'other', allow: ['GET /other'] } },
      apiKeys: { ...apiKeys, tester: { key: 'env:TESTER_KEY', token: 'env:TESTER_TOKEN' } },
      domainRewrites: [{ from: 'cache.example.com', to: 'cache.privatelink.example.com' }, ...domainRewrites],
    },
  };
}

/** With one more proxy, which has fewer routes. */
export function withProxy({ spec, ...base }: Base): Base {
  const web = { listen: 8081, ipRanges: ['@office'], routes: ['other'] };
  return { ...base, spec: { ...spec, proxies: { ...spec.proxies, web } } };
}

/** With so many more proxies of the same routes, and so of the same keys. */
export function withTwins({ spec, ...base }: Base, count: number): Base {
  const [proxy] = Object.values(spec.proxies ?? {});
  const twins = Array.from({ length: count }, (_, n) => [`twin${n + 1}`, { ...proxy, listen: 8081 + n }]);
  return { ...base, spec: { ...spec, proxies: { ...spec.proxies, ...Object.fromEntries(twins) } } } as Base;
}

/** Mirrors for the one target that has no others. */
export function ofDocker(): Base {
  const mirrors = { 'docker.io': ['https://mirror.example.com', 'https://other.example.com'] };
  const targets = { docker: { mirrors } };
  const { domainRewrites: _, ...spec } = JSON.parse(specText({ routes: 1, keys: 1, cidrs: 1 }, targets));
  return { name: 'docker', spec, folder: '.' };
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
  const spec = { version: 1, name: 'rewrites', domainRewrites, targets: { coredns: { form: 'configMap' } } };
  return { name: `${count} rewrites`, spec: spec as SpecText, folder: '.' };
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
  { what: 'a long path', request: () => 'GET /one/two/three/four/five/six/seven/eight/nine/ten' },
  {
    what: 'a longer path of several types',
    request: (path) => `POST ${below(path, 'v1/p/{a:hex}/q/{b:slug}/r/{c:encodedPath}/s/{d}/t/{e:int}/u/{rest*}')}`,
  },
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

/** Routes that bring more than their path, each with how many lines more than others they change on a target. */
export const RICH_ROUTES: readonly {
  readonly what: string;
  readonly route: string | { readonly request: string; readonly [field: string]: unknown };
  readonly more: Figures;
}[] = [
  {
    what: 'the first capital letters',
    route: 'GET /Big/Letters',
    // Maps ignore case, so that each segment with capital letters has a table of its own: five lines, once.
    more: { nginx: 10 },
  },
  {
    what: 'types of its own',
    route: { request: 'POST /own/types', contentTypes: ['text/plain'] },
    // A route class of its own stands in the lists of what alike classes may do. The first of a proxy whose routes take
    // bodies of any type brings the tables that tell types apart.
    more: { nginx: 26, caddy: 12 },
  },
  {
    what: 'a body of its own',
    route: { request: 'POST /own/body', maxBody: '9MB' },
    // With a way of its own to forward: a location of nginx, a handler and what goes with it of Caddy.
    more: { nginx: 87, caddy: 112 },
  },
  {
    what: 'headers of its own',
    route: { request: 'POST /own/headers', headers: ['X-New'] },
    more: { nginx: 88, caddy: 121 },
  },
];

/**
 * What a proxy answers itself is a route class, a location and a row in a list for each target, beside its path. Where a
 * proxy had one route class alone, nginx looked nothing up by it: two tables come that were one line each.
 */
export const ANSWER = {
  request: 'GET /new/answer',
  more: { postern: 6, nginx: 16, caddy: 10 } as Figures,
  add: ({ proxies = {} }: SpecText, place: Place): boolean => {
    const [proxy] = Object.values(proxies);
    if (!proxy) return false;
    proxy.answer ??= [];
    proxy.answer.splice(place(proxy.answer.length), 0, { request: ANSWER.request, status: 200, body: '{}' });
    return true;
  },
};

/** Adds a route to the first group, as it is. */
export function addGiven(route: object | string): Add {
  return ({ routes = {} }, place) => {
    const allow = Object.values(routes)[0]?.allow as (object | string)[] | undefined;
    allow?.splice(place(allow.length), 0, route);
    return allow !== undefined;
  };
}

/** Names that sort before and after all that a spec has. */
export const NAMES = ['aaa', 'zzz'];

/** Lines by target. */
export type Figures = Readonly<Record<string, number>>;

export interface Addition {
  readonly what: string;
  readonly add: (name: string) => Add;
  /** Lines of a target that list several things, and so are replaced. */
  readonly gone: number;
  /** Lines that come in the files of a target that were there. */
  readonly added: number;
  /** Lines of a target that are the thing itself: what it brings along in a file that it shares. */
  readonly own?: (spec: SpecText) => Figures;
  /** Lines of a target that are replaced beside those, in such a spec. */
  readonly replaced?: (spec: SpecText) => Figures;
  /** What one of the lines of each target that changes holds; the name, where it says nothing. */
  readonly holds?: string;
}

function insert(record: Record<string, unknown> | undefined, place: Place, name: string, value: object): boolean {
  if (!record || Object.keys(record).length === 0) return false;
  const entries = Object.entries(record);
  entries.splice(place(entries.length), 0, [name, value]);
  for (const key of Object.keys(record)) delete record[key];
  Object.assign(record, Object.fromEntries(entries));
  return true;
}

/** @param more what such a key has beside its secrets; undefined where the spec has nothing that it could name */
function key(
  what: string,
  { gone, added }: Pick<Addition, 'gone' | 'added'>,
  more: (spec: SpecText) => object | undefined,
): Addition {
  const add = (name: string) => (spec: SpecText, place: Place) => {
    const fields = more(spec);
    return fields !== undefined && insert(spec.apiKeys, place, name, { ...newSecrets(spec), ...fields });
  };
  const own = ({ targets }: SpecText) => (targets['vault'] ? { vault: DELIVERED } : {});
  const replaced = (spec: SpecText) => ('routes' in (more(spec) ?? {}) ? {} : firstOfAllGroups(spec));
  return { what, add, gone, added, own, replaced };
}

/**
 * A key and its token are read by whatever may deliver them: the templates of an Agent, the same in the annotations of an
 * injector, External Secrets, a policy. Each checks both before it writes its row: up to 17 lines of a file.
 */
const DELIVERED = 36;

/** In a store of Vault where the spec reads one: External Secrets can deliver nothing else. */
function newSecrets({ targets }: SpecText): object {
  const [store] = Object.keys(targets['vault']?.stores ?? {});
  if (store === undefined) return { key: 'env:NEW_KEY', token: 'env:NEW_TOKEN' };
  return { key: `vault:${store}/new#key`, token: `vault:${store}/new#token` };
}

const first = (record: object | undefined) => Object.keys(record ?? {})[0] ?? '';

/** The first key that may use all groups joins those of one in two lists of Caddy's: `(?:[*]|read)` in place of `read`. */
function firstOfAllGroups({ apiKeys = {} }: SpecText): Figures {
  return Object.values(apiKeys).every(({ routes }) => routes !== undefined) ? { caddy: 2 } : {};
}

/** The first range that has a name, as a list that lets it in. */
function namedRange({ ipRanges }: SpecText): string[] | undefined {
  const [name] = Object.keys(ipRanges ?? {});
  return name === undefined ? undefined : [`@${name}`];
}

/** A site of Caddy's is as long as a file of nginx's, and longer by each way to forward. */
function siteOfProxy({ routes = {} }: SpecText): Figures {
  const ways = new Set(Object.values(routes).map(({ allow: _, ...way }) => JSON.stringify(way)));
  return { caddy: 200 + 97 * ways.size };
}

function proxy(what: string, more: object): Addition {
  const add = (name: string) => (spec: SpecText, place: Place) => {
    const ipRanges = namedRange(spec) ?? Object.values(spec.proxies ?? {})[0]?.ipRanges;
    // A pod is asked whether its proxy is alive, and its client is the one that connects.
    const inPods = spec.targets['kubernetes'] !== undefined;
    if (inPods && 'clientIp' in more) return false;
    return insert(spec.proxies, place, name, {
      listen: 9999,
      ipRanges,
      ...(inPods && { health: '/healthz' }),
      ...more,
    });
  };
  // Addresses without a name stand in a table of nginx's that is the proxy's own. The first proxy without a publicUrl
  // brings the tables of addresses in answers, which those after it share.
  // The page has a table of what a proxy answers itself: its health check, in pods.
  const own = (spec: SpecText) => ({
    ...siteOfProxy(spec),
    nginx: (namedRange(spec) ? 0 : 4) + (isFirstWithoutUrl(spec) ? 48 : 0),
    ...(spec.targets['kubernetes'] && { postern: 4, kubernetes: 8 }),
  });
  // A pod is asked at the first of its proxies.
  const replaced = ({ targets }: SpecText): Figures => (targets['kubernetes'] ? { kubernetes: 3 } : {});
  return { what, add, gone: 1, added: 3, own, replaced };
}

function isFirstWithoutUrl({ proxies }: SpecText): boolean {
  return Object.values(proxies ?? {}).every(({ publicUrl }) => publicUrl !== undefined);
}

function rewrite(what: string, wildcard: '' | '*.', more: (spec: SpecText) => object, own?: Figures): Addition {
  const add =
    (name: string): Add =>
    (spec, place) => {
      const { domainRewrites } = spec;
      const entry = {
        from: `${wildcard}${name}.example.com`,
        to: `${wildcard}${name}.privatelink.example.com`,
        ...more(spec),
      };
      domainRewrites?.splice(place(domainRewrites.length), 0, entry);
      return domainRewrites !== undefined && (own === undefined || spec.upstreams !== undefined);
    };
  // Where nginx proxies to plain and to TLS upstreams alike, its log has another word for one that does not answer.
  // Caddy replaces each name in every header that holds one.
  return { what, add, gone: own ? 2 : 1, added: 13, ...(own && { own: () => own }) };
}

export const KEYS: readonly Addition[] = [
  key('a key', { gone: 1, added: 5 }, () => ({})),
  // The first with these groups: a set of groups stands in the lists of Caddy's route classes that it may use.
  key('a key of one group', { gone: 3, added: 4 }, ({ routes }) => ({ routes: [first(routes)] })),
  // The first that ends, or that has addresses of its own: Caddy's table of moments, and its check of addresses.
  key('a key that ends', { gone: 2, added: 7 }, () => ({ expires: '2098-01-01' })),
  key('a key with a named range', { gone: 2, added: 10 }, (spec) => {
    const ipRanges = namedRange(spec);
    return ipRanges && { ipRanges };
  }),
  key('a key with addresses of its own', { gone: 2, added: 10 }, () => ({ ipRanges: ['198.51.100.0/28'] })),
];

export const PROXIES: readonly Addition[] = [
  proxy('a proxy', {}),
  proxy('a proxy behind another', { clientIp: { trustedProxies: ['10.99.0.0/16'], header: 'X-Forwarded-For' } }),
];

/** What else has a name. */
export const THINGS: readonly Addition[] = [
  {
    what: 'a range',
    // The proxy that lets it in says so on the page, and so do the keys and the answers that go by the proxy's ranges.
    gone: 3,
    added: 6,
    // A range of firewalls is a prefix list of Terraform's and two sets of nftables, one a family: it is declared and
    // emptied before its addresses come.
    own: () => ({ ipRanges: 6 }),
    holds: '198.51.100.77',
    add: (name) => (spec, place) => {
      const user = Object.values(spec.proxies ?? {})[0];
      user?.ipRanges.push(`@${name}`);
      return insert(spec.ipRanges, place, name, ['198.51.100.77']) && user !== undefined;
    },
  },
  {
    what: 'an upstream with a route',
    // Caddy has a row each for the route classes whose bodies are alike, and for those that may pass.
    gone: 5,
    added: 9,
    // With cors each forward also hides what the upstream says of it.
    own: ({ proxies }) => ({ nginx: Object.values(proxies ?? {}).some(({ cors }) => cors) ? 134 : 126, caddy: 90 }),
    add: (name) => (spec, place) => {
      for (const { routes } of Object.values(spec.proxies ?? {})) routes?.push(name);
      const isThere = insert(spec.upstreams, place, name, { url: 'https://new.example.com' });
      const auth = Object.values(spec.routes ?? {})[0]?.auth ?? 'apiKey';
      return insert(spec.routes, place, name, { upstream: name, auth, allow: ['GET /new/group'] }) && isThere;
    },
  },
  rewrite('a rewrite', '', () => ({})),
  rewrite('a rewrite of a registry', '', () => ({ containerRegistry: true })),
  // Two sites, one for each of its names.
  rewrite('a rewrite with a site', '', ({ upstreams }) => ({ upstream: first(upstreams) }), { nginx: 280, caddy: 175 }),
  rewrite('a rewrite of all names below', '*.', () => ({})),
  {
    what: 'a mirror of Docker Hub',
    gone: 1,
    added: 2,
    add: (name) => (spec, place) => {
      const mirrors = spec.targets['docker']?.mirrors?.['docker.io'];
      mirrors?.splice(place(mirrors.length), 0, `https://${name}.example.com`);
      return mirrors !== undefined;
    },
  },
];

export const OTHERS: readonly Addition[] = [...KEYS, ...PROXIES, ...THINGS];

/** What a spec has no room for: a mirror where it has none, a key where it has none. */
export function leftOut({ spec }: Base): string[] {
  return OTHERS.filter(({ add }) => !add('aaa')(structuredClone(spec), () => 0)).map(({ what }) => what);
}
