/** Sizes of a made-up spec. */
export interface Size {
  readonly routes: number;
  readonly keys: number;
  readonly cidrs: number;
  /** How many groups the routes are in; one where absent. */
  readonly groups?: number;
  /** How many proxies serve all of them; one where absent. */
  readonly proxies?: number;
  /** How many names are rewritten beside the registry's; none where absent. */
  readonly rewrites?: number;
}

const SHAPES = [
  (n: number) => `GET /api/v4/area${n % 97}/{id:encodedPath}/thing${n}`,
  (n: number) => `GET,POST /api/v4/area${n % 97}/{id:encodedPath}/thing${n}/{item:int}`,
  (n: number) => `GET /api/v4/area${n % 97}/{id:encodedPath}/group${n % 31}/thing${n}/{item:int}/parts`,
  (n: number) => `PUT,DELETE /api/v4/area${n % 97}/{id:encodedPath}/thing${n}/{name}`,
];

/** The request line of the n-th route, and a request that it allows. */
export function route(n: number): { readonly allow: string; readonly request: string } {
  const allow = (SHAPES[n % SHAPES.length] ?? (() => ''))(n);
  const [methods = '', path = ''] = allow.split(' ');
  const target = path.replace('{id:encodedPath}', '4242').replace('{item:int}', '42').replace('{name}', 'v1.2');
  return { allow, request: `${methods.split(',')[0]} ${target}` };
}

function address(n: number): string {
  return `${10 + (n >> 20)}.${(n >> 12) & 255}.${(n >> 4) & 255}.${(n << 4) & 255}`;
}

const WORDS = ['api', 'auth', 'billing', 'cart', 'docs', 'events', 'files', 'git', 'hooks', 'images', 'jobs', 'keys'];
const MORE = ['live', 'main', 'next', 'old', 'prod', 'qa', 'stage', 'test', 'west', 'x'];

/** Names as people give them: services of teams in a hundred zones. */
export function serviceName(n: number): string {
  return `${WORDS[n % 12]}-${MORE[(n >> 2) % 10]}${n}.team${n % 100}`;
}

const REGISTRY = { from: 'registry.example.com', to: 'registry.privatelink.example.com', containerRegistry: true };

/** A spec of that size as JSON, which is YAML too; the same text for the same size. */
export function specText(
  { routes, keys, cidrs, groups = 1, proxies = 1, rewrites = 0 }: Size,
  targets: object,
): string {
  const group = (n: number) => (n % groups === 0 ? 'main' : `group${n % groups}`);
  const key = (n: number) =>
    [
      `caller-${n}`,
      { key: `env:KEY_${n}`, token: `env:TOKEN_${n}`, ...(n % 2 === 0 ? { routes: [group(n)] } : {}) },
    ] as const;
  return JSON.stringify({
    version: 1,
    name: 'bench',
    ipRanges: { clients: Array.from({ length: cidrs }, (_, n) => `${address(n)}/29`) },
    upstreams: { gitlab: { url: 'http://127.0.0.1:9' } },
    routes: routeGroups(routes, groups, group),
    apiKeys: Object.fromEntries(Array.from({ length: keys }, (_, n) => key(n))),
    proxies: Object.fromEntries(
      Array.from({ length: proxies }, (_, n) => [
        n === 0 ? 'api' : `api${n}`,
        { listen: 8080 + n, ipRanges: ['@clients'] },
      ]),
    ),
    domainRewrites: [
      REGISTRY,
      ...Array.from({ length: rewrites }, (_, n) => ({
        from: `${serviceName(n)}.example.com`,
        to: `${serviceName(n)}.link.example.com`,
      })),
    ],
    targets,
  });
}

function routeGroups(routes: number, groups: number, nameOf: (n: number) => string): object {
  const allowed = Array.from({ length: groups }, (): string[] => []);
  for (let n = 0; n < routes; n += 1) allowed[n % groups]?.push(route(n).allow);
  return Object.fromEntries(allowed.map((allow, n) => [nameOf(n), { upstream: 'gitlab', allow }]));
}
