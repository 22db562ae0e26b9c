/** Sizes of a made-up spec. */
export interface Size {
  readonly routes: number;
  readonly keys: number;
  readonly cidrs: number;
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

/** A spec of that size as JSON, which is YAML too; the same text for the same size. */
export function specText({ routes, keys, cidrs }: Size, targets: object): string {
  const key = (n: number) =>
    [
      `caller-${n}`,
      { key: `env:KEY_${n}`, token: `env:TOKEN_${n}`, ...(n % 2 === 0 ? { routes: ['main'] } : {}) },
    ] as const;
  return JSON.stringify({
    version: 1,
    name: 'bench',
    ipRanges: { clients: Array.from({ length: cidrs }, (_, n) => `${address(n)}/29`) },
    upstreams: { gitlab: { url: 'http://127.0.0.1:9' } },
    routes: { main: { upstream: 'gitlab', allow: Array.from({ length: routes }, (_, n) => route(n).allow) } },
    apiKeys: Object.fromEntries(Array.from({ length: keys }, (_, n) => key(n))),
    proxies: { api: { listen: 8080, ipRanges: ['@clients'] } },
    domainRewrites: [{ from: 'registry.example.com', to: 'registry.privatelink.example.com', containerRegistry: true }],
    targets,
  });
}
