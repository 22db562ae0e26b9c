/** A spec with something of everything that decides about requests. */
export const broadSpec = {
  upstreams: {
    gitlab: { url: 'https://gitlab.example.com' },
    other: {
      url: 'http://other.example.com:8081',
      tokenScheme: 'token',
      servers: ['10.9.0.1:81', '10.9.0.2:81'],
    },
  },
  routes: {
    read: {
      upstream: 'gitlab',
      allow: [
        'GET /api/v4/groups',
        'GET /api/v4/groups/{group:encodedPath}/members/all',
        'GET /api/v4/projects/{id:int}',
        'GET /api/v4/Mixed/{kind:a|B|c}',
        'GET /api/v4/tree/{rest*}',
        'GET,POST /api/v4/branches/{branch:encodedText}',
        'GET /npm/{name:encodedPath*}',
        'GET /npm/{name:encodedText*}/',
      ],
    },
    write: {
      upstream: 'gitlab',
      allow: [
        'POST,PUT /api/v4/projects/{id:slug}',
        {
          request: 'POST /api/v4/upload',
          contentTypes: ['application/json', 'text/plain'],
          maxBody: '1kB',
          headers: ['X-Extra'],
        },
        'DELETE /api/v4/hooks/{id:uuid}/',
      ],
    },
    special: { upstream: 'gitlab', allow: ['GET /api/v4/projects/7', 'PATCH /api/v4/projects/{id:hex}'] },
    runner: {
      upstream: 'other',
      auth: 'passthrough',
      allow: ['POST /api/v4/jobs/request', 'PUT /api/v4/jobs/{id:int}'],
    },
    more: { upstream: 'other', allow: [{ request: 'GET /more/{x}', websocket: true }] },
  },
  apiKeys: {
    reader: { key: 'env:R', token: 'env:RT', routes: ['read'] },
    writer: {
      key: ['env:W', 'env:W2'],
      token: 'env:WT',
      routes: ['read', 'write'],
      ipRanges: ['10.1.0.0/16', '2001:db8:1::/48'],
    },
    special: { key: 'env:S', token: 'env:ST', routes: ['special', 'more'], expires: '2099-01-01' },
    old: { key: 'env:O', token: 'env:OT', expires: '2020-01-01' },
  },
  proxies: {
    api: {
      listen: 8080,
      ipRanges: ['10.0.0.0/8', '192.0.2.7', '2001:db8::/32'],
      answer: [{ request: 'GET /', status: 200 }],
      responseHeaders: { 'X-Policy': 'broad "quoted"' },
    },
    balanced: {
      listen: 8081,
      ipRanges: ['10.0.0.0/8'],
      clientIp: { trustedProxies: ['192.168.0.0/16'], header: 'X-Forwarded-For' },
      methodNotAllowed: 404,
      routes: ['read', 'runner'],
      publicUrl: 'https://api.example.com',
    },
    pages: {
      listen: 8087,
      ipRanges: ['10.0.0.0/8'],
      routes: ['read', 'write', 'runner'],
      cors: {
        origins: ['https://app.example.com', 'http://localhost:3000'],
        headers: ['X-Extra', 'private-token'],
        maxAge: '1h',
      },
      answer: [{ request: '* /api/v4/', auth: 'none', status: 200 }],
      responseHeaders: { 'X-Policy': 'pages' },
    },
    'any-page': {
      listen: 8088,
      hosts: ['pages.example.com'],
      ipRanges: ['10.0.0.0/8'],
      clientIp: { trustedProxies: ['192.168.0.0/16'] },
      methodNotAllowed: 404,
      routes: ['special', 'runner'],
      cors: { origins: 'any' },
      health: { path: '/healthz', from: ['172.16.0.0/12'] },
    },
    checked: {
      listen: 8083,
      ipRanges: ['10.0.0.0/8'],
      routes: ['read', 'runner'],
      health: { path: '/healthz', from: ['172.16.0.0/12', '10.7.0.0/16', '2001:db8:7::/48'] },
      answer: [
        { request: '* /api/v4/', auth: 'none', status: 200 },
        { request: 'GET,POST /version', auth: 'none', status: 200, body: '"1"' },
        { request: 'GET /info', status: 204 },
      ],
    },
    first: { listen: 8085, hosts: ['first.example.com'], ipRanges: ['10.0.0.0/8'], routes: ['read'] },
    second: {
      listen: 8085,
      hosts: ['second.example.com', '2nd.example.com'],
      ipRanges: ['10.0.0.0/9'],
      routes: ['write'],
      responseHeaders: { 'X-Policy': 'second' },
    },
    whatever: { listen: 8085, ipRanges: ['10.0.0.0/8'], routes: ['runner'] },
    third: { listen: 8086, hosts: ['third.example.com'], ipRanges: ['10.0.0.0/8'], routes: ['runner', 'special'] },
    bearer: { listen: 8082, ipRanges: ['10.0.0.0/8'], apiKeyScheme: 'Bearer', routes: ['read', 'more'] },
  },
} as const;
