/** A spec that sets every field which takes a string, so that each can be given something nasty. */
export const fullSpec = {
  $schema: '../schema/postern.schema.json',
  version: 1,
  name: 'full',
  ipRanges: { partners: ['192.0.2.0/24', '@offices'], offices: ['198.51.100.7'] },
  upstreams: {
    gitlab: {
      url: 'http://gitlab.example.com:8080',
      servers: ['127.0.0.1:8080'],
      tokenHeader: 'PRIVATE-TOKEN',
      timeouts: { connect: '5s', read: '60s', send: '30s' },
    },
    secure: {
      url: 'https://secure.example.com',
      servers: ['127.0.0.1:8443'],
      tls: { serverName: 'secure.example.com', caFile: '/etc/ssl/certs/ca-certificates.crt' },
    },
  },
  routes: {
    read: {
      upstream: 'gitlab',
      auth: 'apiKey',
      headers: ['X-Extra'],
      allow: [
        'GET /api/literal/{id:int}',
        {
          request: 'POST /api/other/{name}',
          headers: ['X-More'],
          contentTypes: ['text/plain'],
          maxBody: '2MB',
          reason: 'because',
        },
        'GET /api/choice/{state:opened|closed}',
        "GET /api/it's/$uri;v=1/(a)+b,c/{mixed:Case|case}",
      ],
    },
    secure: { upstream: 'secure', allow: ['GET /secure/{rest*}'] },
  },
  apiKeys: {
    partner: {
      key: ['env:KEY_ONE', 'file:/run/secrets/key'],
      token: 'vault:gitlab/token/partner#token',
      routes: ['read', 'secure'],
      ipRanges: ['@partners'],
      expires: '2099-01-01',
      owner: 'platform@example.com',
    },
  },
  proxies: {
    api: {
      listen: '127.0.0.1:18080',
      ipRanges: ['@partners', '127.0.0.0/8'],
      clientIp: { trustedProxies: ['10.0.0.0/8'], header: 'X-Forwarded-For' },
      apiKeyHeader: 'PRIVATE-TOKEN',
      publicUrl: 'https://proxy.example.com',
      routes: ['read', 'secure'],
      answer: [{ request: 'GET /api/answered', status: 200, body: '"answered"' }],
      responseHeaders: { 'X-Version': 'one' },
    },
  },
  domainRewrites: [
    { from: 'gitlab.example.com', to: 'gitlab.private.example.com' },
    { from: 'registry.example.com', to: 'registry.private.example.com', containerRegistry: true },
    { from: '*.pages.example.com', to: '*.pages.private.example.com' },
  ],
  targets: {
    nginx: { caFile: '/etc/ssl/cert.pem' },
    caddy: {},
    coredns: { form: 'configMap', forward: ['/etc/resolv.conf'], clusterDomain: 'cluster.local' },
    bottlerocket: {},
  },
  tests: [
    {
      request: 'GET /api/literal/1',
      apiKey: 'partner',
      from: '192.0.2.1',
      headers: { 'X-Test': 'value' },
      proxy: 'api',
      at: '2026-01-01',
      expect: 'allow',
    },
    { resolve: 'gitlab.example.com', expect: 'gitlab.private.example.com' },
    { pull: 'registry.example.com/a/b:v1', expect: 'registry.private.example.com' },
  ],
} as const;

export type Path = readonly (string | number)[];

/** The place of every string and of every key that the author of a spec chooses. */
export function stringPlaces(value: unknown, path: Path = []): { readonly path: Path; readonly key: boolean }[] {
  if (typeof value === 'string') return [{ path, key: false }];
  if (typeof value !== 'object' || value === null) return [];
  const free =
    ['ipRanges', 'upstreams', 'routes', 'apiKeys', 'proxies', 'responseHeaders', 'headers'].includes(
      String(path.at(-1)),
    ) && !Array.isArray(value);
  return Object.entries(value).flatMap(([name, child]) => {
    const next = [...path, Array.isArray(value) ? Number(name) : name];
    return [...(free ? [{ path: next, key: true }] : []), ...stringPlaces(child, next)];
  });
}

/** A copy of a value with one string, or one key, put in the place of another. */
export function replaced(
  value: unknown,
  { path, key }: { readonly path: Path; readonly key: boolean },
  text: string,
): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return text;
  if (typeof value !== 'object' || value === null) throw new Error('no such place');
  const change = (name: string | number, child: unknown) =>
    String(name) === String(head) ? replaced(child, { path: rest, key }, text) : child;
  if (Array.isArray(value)) return value.map((child, index) => change(index, child));
  const rename = key && rest.length === 0;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) =>
      rename && name === head ? [text, child] : [name, change(name, child)],
    ),
  );
}
