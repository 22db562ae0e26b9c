import { PARAMETER_TYPES } from '../../src/policy/segment.ts';
import { type Random, randomOf } from '../../src/verify/random.ts';
import { problemsOf } from '../support/policy.ts';

/** Literals that mean something to some engine, look like another segment's type, or differ in case alone. */
const LITERALS = [
  'api',
  'v4',
  'groups',
  'Groups',
  'a',
  'A',
  '42',
  '042',
  'c0ffee',
  'x-1',
  'a.b',
  'axb',
  '...',
  '_',
  '-',
  'default',
  'include',
  'hostnames',
  '~x',
  '$uri',
  '$1',
  'a$',
  '(b)',
  'a+b',
  "it's",
  'a;b',
  'a:b',
  'a@b',
  'a,b',
  '!',
  '&',
  'x=y',
  '%C3%A9',
  '%c3%a9',
  'a%2Fb',
  'a%20b',
  'a%3Fb',
  '%25',
  'x%23',
  '.well-known',
  'path',
  'null',
  '00',
];
const TYPES = PARAMETER_TYPES;
const METHODS = [
  'GET',
  'GET',
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'HEAD',
  'PROPFIND',
  'M-SEARCH',
  'GET,POST',
  'PUT,PATCH,DELETE',
  'GET,HEAD',
];
const RANGES = [
  '10.0.0.0/8',
  '10.1.2.0/23',
  '192.0.2.7',
  '198.51.100.128/25',
  '203.0.113.0/31',
  '2001:db8::/32',
  '2001:db8:7::1',
  'fe80::/10',
  '::1',
  '172.16.0.0/12',
  '0.0.0.0/1',
  '255.255.255.255',
  '255.255.255.254/31',
  '255.0.0.0/8',
  '0.0.0.0/8',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
];
const VALUES = [
  'plain',
  'two words',
  'a"b',
  "it's",
  'back\\slash',
  '$host',
  '{http.request.host}',
  '{env.HOME}',
  '#no comment',
  ';',
  '{',
  '}',
  '`',
  '%41',
  "default-src 'self'; img-src *",
  '<x>',
  '~',
  '\\',
  '$',
  '${x}',
];

type Entry = string | Record<string, unknown>;

function segment(random: Random, index: number): string {
  const roll = random.below(10);
  if (roll < 6) return random.pick(LITERALS);
  if (roll < 9) return `{p${index}:${random.pick(TYPES)}}`;
  return `{p${index}:${[...new Set([random.pick(LITERALS), random.pick(LITERALS), 'zz'])].join('|')}}`;
}

function rest(random: Random): string {
  return `/{rest:${random.pick(TYPES)}*}`;
}

function path(random: Random, beginning: string): string {
  const segments = Array.from({ length: 1 + random.below(4) }, (_, index) => segment(random, index));
  return `${beginning}/${segments.join('/')}${random.pick(['', '', '', '', '/', '/{rest*}', rest(random), `${rest(random)}/`])}`;
}

/** Patterns that share beginnings, so that they overlap; some lie deeper than engines look up segment by segment. */
function paths(random: Random, count: number): string[] {
  const deep = Array.from({ length: random.pick([0, 0, 0, 6, 7, 8, 11]) }, (_, index) => segment(random, index + 20));
  const beginning = deep.map((each) => `/${each}`).join('');
  const found = [path(random, beginning)];
  while (found.length < count) {
    const base = random.pick(found).split('/');
    const cut = base.slice(0, 1 + deep.length + random.below(base.length - deep.length));
    const grown =
      random.chance(0.5) && !cut.some((part) => part.endsWith('*}'))
        ? [...cut, segment(random, cut.length + 5)].join('/')
        : path(random, beginning);
    found.push(grown === '' ? '/' : grown);
  }
  return found;
}

function entry(random: Random, pool: readonly string[]): Entry {
  const request = `${random.pick(METHODS)} ${random.pick(pool)}`;
  if (random.chance(0.8)) return request;
  return random.pick<Entry>([
    { request, contentTypes: 'any' },
    { request, contentTypes: ['application/json', 'text/plain'] },
    { request, maxBody: random.pick(['1kB', '64kB', 'unlimited']) },
    { request, headers: ['X-Extra', 'Referer'] },
    { request, websocket: true },
  ]);
}

function some<T>(random: Random, items: readonly T[], least = 1): T[] {
  return random.shuffled(items).slice(0, least + random.below(Math.min(4, items.length)));
}

function clientIp(random: Random): object {
  return random.pick<object>([
    {},
    {},
    { clientIp: { trustedProxies: ['192.168.0.0/16', '10.0.0.0/24'] } },
    { clientIp: { trustedProxies: ['fd00::/8', '192.168.7.0/24'] } },
    { clientIp: { trustedProxies: ['192.168.1.1'], proxyProtocol: true } },
  ]);
}

function apiKeys(random: Random, id: string, groups: readonly string[]): Record<string, object> {
  const count = random.below(5);
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => {
      const name = `${id}-k${index}`;
      const key = random.chance(0.2) ? [`env:${id}K${index}`, `env:${id}K${index}B`] : `env:${id}K${index}`;
      const ranges = random.chance(0.3) ? { ipRanges: some(random, RANGES) } : {};
      const expires = random.chance(0.3) ? { expires: random.pick(['2020-01-01', '2099-12-31T23:59:59Z']) } : {};
      return [
        name,
        { key, token: `env:${id}T${random.below(3)}`, routes: some(random, groups), ...ranges, ...expires },
      ];
    }),
  );
}

/** One whole spec of one proxy, whose names all start with an id. */
function randomSpec(id: string, port: number, random: Random, more: Random | undefined): SpecObject {
  const groups = Array.from({ length: 1 + random.below(4) }, (_, index) => `${id}-g${index}`);
  const pool = paths(random, 3 + random.below(12));
  const upstreams = {
    [`${id}-up`]: {
      url: random.pick([
        'https://gitlab.example.com',
        'http://up.example:8080',
        'https://up.example.com:8443',
        'http://192.0.2.1',
      ]),
      ...random.pick([{}, {}, { tokenHeader: 'X-Token' }, { tokenScheme: random.pick(['Bearer', 'token', 'Basic']) }]),
    },
  };
  const routes = groups.map((group, index) => {
    const auth = index === 3 ? { auth: 'passthrough' } : {};
    return [
      group,
      { upstream: `${id}-up`, ...auth, allow: Array.from({ length: 1 + random.below(8) }, () => entry(random, pool)) },
    ] as const;
  });
  const proxy = {
    listen: port,
    ipRanges: random.chance(0.2) ? 'any' : some(random, RANGES, 2),
    ...clientIp(random),
    ...random.pick([{}, {}, { apiKeyHeader: 'X-Api-Key' }, { apiKeyScheme: 'Bearer' }]),
    ...(random.chance(0.3) ? { methodNotAllowed: 404 } : {}),
    ...(random.chance(0.3)
      ? { publicUrl: random.pick(['https://api.example.com', 'http://api.example.com:8080']) }
      : {}),
    ...(random.chance(0.4)
      ? { responseHeaders: { 'X-Policy': random.pick(VALUES), 'Content-Security-Policy': random.pick(VALUES) } }
      : {}),
    ...(random.chance(0.4)
      ? {
          answer: [
            {
              request: `${random.pick(['GET', '*'])} ${random.pick(['/', '/-/health', ...pool])}`,
              ...(random.chance(0.5) ? { auth: random.pick(['none', 'apiKey']) } : {}),
              status: random.pick([200, 204, 404, 410, 503]),
              ...(random.chance(0.5) ? { body: '{"a":"$b {c} \\"d\\""}' } : {}),
            },
          ],
        }
      : {}),
    ...(random.chance(0.3)
      ? { health: random.pick<unknown>(['/-/alive', '/v4/', { path: '/A/alive', from: some(random, RANGES) }]) }
      : {}),
    ...(more ? outside(more) : {}),
    routes: groups,
  };
  return {
    upstreams,
    routes: Object.fromEntries(routes),
    apiKeys: apiKeys(
      random,
      id,
      groups.filter((_, index) => index !== 3),
    ),
    proxies: { [id]: proxy },
  };
}

const NAMES = ['api.example.com', 'API.example.org', 'a-b.example', 'xn--bcher-kva.example', 'localhost', 'a'];
const ORIGINS = ['https://app.example.com', 'https://app.example.com:8443', 'http://localhost:3000'];

/** How clients find a proxy and what their browsers may do there. */
function outside(random: Random): object {
  const cors = {
    origins: random.chance(0.2) ? 'any' : some(random, ORIGINS),
    ...(random.chance(0.5) ? { headers: some(random, ['X-Page', 'X-Extra', 'If-Match']) } : {}),
    ...(random.chance(0.5) ? { maxAge: random.pick(['0s', '10m', '1h']) } : {}),
  };
  return {
    ...(random.chance(0.3) ? { hosts: some(random, NAMES) } : {}),
    ...(random.chance(0.2) ? { tls: { certFile: '/etc/ssl/proxy.pem', keyFile: '/etc/ssl/proxy.key' } } : {}),
    ...(random.chance(0.3) ? { cors } : {}),
  };
}

type SpecObject = Readonly<Record<string, object>>;

/**
 * So many random specs as one, a proxy each; those that the policy layer refuses are made anew. `isPublic` gives some of
 * them hosts, TLS and pages of other origins.
 */
export function randomSpecs(seed: string, count: number, isPublic = true): object {
  const whole: Record<string, object> = {};
  for (let index = 0, attempt = 0; index < count; attempt += 1) {
    // What came later is drawn apart, so that a seed goes on to make the routes that it made.
    const random = randomOf(`${seed} ${attempt}`);
    const more = isPublic ? randomOf(`${seed} ${attempt} outside`) : undefined;
    const spec = randomSpec(`s${index}`, 20_000 + index, random, more);
    if (refused(spec)) continue;
    for (const [section, values] of Object.entries(spec)) whole[section] = { ...whole[section], ...values };
    index += 1;
  }
  return whole;
}

function refused(spec: SpecObject): boolean {
  try {
    return problemsOf(spec).length > 0;
  } catch {
    // The schema throws where a list came out empty.
    return true;
  }
}
