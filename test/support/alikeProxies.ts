/** Proxies by id, with what each has beside its port and its clients. */
export type Proxies = Readonly<Record<string, object>>;

export const specOf = (proxies: Proxies, routes: object = PATHS) =>
  JSON.stringify(
    {
      version: 1,
      name: 'shared',
      upstreams: { gitlab: { url: 'https://gitlab.example.com' } },
      routes,
      apiKeys: { reader: { key: 'env:K', token: 'env:T' } },
      proxies: Object.fromEntries(
        Object.entries(proxies).map(([id, more], n) => [id, { listen: 8080 + n, ipRanges: ['10.0.0.0/8'], ...more }]),
      ),
      targets: { nginx: {}, caddy: {} },
    },
    null,
    1,
  );

export const group = (...allow: string[]) => ({ upstream: 'gitlab', allow });
export const PATHS = {
  read: group('GET /groups/{id:int}/Members', 'GET /files/{rest*}'),
  hooks: group('POST /projects/{id}/hooks'),
  all: group('GET /all'),
};

export const four = (name: string, more: object): Proxies =>
  Object.fromEntries([1, 2, 3, 4].map((n) => [`${name}${n}`, more]));
