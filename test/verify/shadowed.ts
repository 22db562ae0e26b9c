/** Wide as it is, and narrow as it is to be: each kind of refusal is in one and not in the other. */
const upstreams = { gitlab: { url: 'https://gitlab.example.com' }, files: { url: 'http://files.example.com:8081' } };
export const spec = {
  ipRanges: { offices: ['10.0.0.0/8', '192.0.2.0/24'], labs: ['198.51.100.0/24'] },
  upstreams,
  routes: {
    read: {
      upstream: 'gitlab',
      allow: ['GET /api/v4/{rest:encodedPath*}', 'POST /api/v4/projects/{p:encodedPath}/hooks'],
    },
    write: {
      upstream: 'gitlab',
      maxBody: '3MB',
      allow: [{ request: 'PUT,POST /api/v4/projects/{p:encodedPath}/notes', contentTypes: 'any' }],
    },
    open: { upstream: 'files', auth: 'passthrough', allow: ['GET,POST /pub/{x*}'] },
  },
  apiKeys: {
    bot: { key: 'env:BOT', token: 'env:T_BOT', routes: ['read'] },
    team: { key: 'env:TEAM', token: 'env:T_TEAM' },
    old: { key: ['env:OLD', 'env:OLD2'], token: 'env:T_OLD', expires: '2099-01-01' },
    gone: { key: 'env:GONE', token: 'env:T_GONE', expires: '2020-01-01' },
    lab: { key: 'env:LAB', token: 'env:T_LAB', ipRanges: ['@labs', '10.1.0.0/16'] },
  },
  proxies: {
    api: {
      listen: 8080,
      ipRanges: ['@offices', '@labs'],
      apiKeyHeader: 'X-Key',
      answer: [{ request: 'GET /version', status: 200, auth: 'none' }],
      health: { path: '/healthz', from: ['10.9.0.0/16'] },
    },
    // A name that the files of a shadow have, too.
    shadow: { listen: 8081, ipRanges: 'any', routes: ['open'] },
  },
};
export const shadow = {
  ipRanges: { offices: ['10.0.0.0/9', '192.0.2.0/24'], labs: ['198.51.100.0/25'] },
  upstreams,
  routes: {
    read: {
      upstream: 'gitlab',
      allow: [
        'GET /api/v4/projects/{p:int}',
        'GET /api/v4/projects/{p:encodedPath}/{x*}',
        'GET /api/v4/Groups/{g:hex}/{m:slug}/a/b/c/d/e/f/{last}',
        { request: 'POST /api/v4/projects/{p:encodedPath}/hooks', maxBody: '10kB' },
      ],
    },
    write: {
      upstream: 'gitlab',
      maxBody: '2MB',
      allow: [
        {
          request: 'PUT,POST /api/v4/projects/{p:encodedPath}/notes',
          contentTypes: ['application/json', 'text/plain'],
        },
        'PATCH /api/v4/projects/{p:encodedPath}/notes',
      ],
    },
    open: {
      upstream: 'files',
      auth: 'passthrough',
      maxBody: '5kB',
      allow: ['GET /pub/{x:slug*}', 'POST /pub/in'],
    },
    keyed: { upstream: 'files', allow: ['GET /priv/{x}'] },
  },
  apiKeys: {
    bot: { key: 'env:BOT', token: 'env:T_BOT', routes: ['read'], ipRanges: ['10.0.0.0/12', '@labs'] },
    team: { key: 'env:TEAM', token: 'env:T_TEAM' },
    old: { key: 'env:OLD', token: 'env:T_OLD', expires: '2021-01-01' },
    gone: { key: 'env:GONE', token: 'env:T_GONE', expires: '2098-01-01T10:00:00Z' },
    fresh: { key: 'env:FRESH', token: 'env:T_FRESH' },
  },
  proxies: {
    api: {
      listen: 8080,
      ipRanges: ['@offices', '@labs', '172.16.0.0/12'],
      apiKeyHeader: 'X-Key',
      routes: ['read', 'write', 'open'],
      methodNotAllowed: 404,
      answer: [
        { request: 'GET /version', status: 404, auth: 'none' },
        { request: 'GET /api/v4/me', status: 204 },
      ],
      health: { path: '/api/v4/alive' },
    },
    shadow: { listen: 8081, ipRanges: ['@offices'], routes: ['open', 'keyed'] },
  },
};

/** Two that are so much alike that most decisions are known beforehand; what differs is told on the right. */
const requests = (what: {
  readonly hooks: string;
  readonly types: 'any' | readonly string[];
  readonly rest: string;
}) => ({
  read: {
    upstream: 'gitlab',
    allow: ['GET /api/v4/projects/{p:encodedPath}', `${what.hooks} /api/v4/projects/{p:encodedPath}/hooks`],
  },
  write: {
    upstream: 'gitlab',
    maxBody: '3MB',
    allow: [{ request: 'PUT,POST /api/v4/projects/{p:encodedPath}/notes', contentTypes: what.types }],
  },
  files: { upstream: 'files', allow: [`GET /pub/{${what.rest}*}`] },
  open: { upstream: 'files', auth: 'passthrough', allow: ['GET,POST /jobs/request'] },
});
const wide = requests({ hooks: 'GET,POST', types: 'any', rest: 'x' });
const proxies = { api: { listen: 8080, ipRanges: ['@offices', '@labs'], apiKeyHeader: 'X-Key' } };
export const alike = {
  spec: {
    ipRanges: spec.ipRanges,
    upstreams,
    routes: {
      ...wide,
      read: { ...wide.read, allow: [...wide.read.allow, 'DELETE /api/v4/projects/{p:encodedPath}/hooks/{hook:int}'] },
    },
    apiKeys: { ...spec.apiKeys, early: { key: 'env:EARLY', token: 'env:T_EARLY', routes: ['files', 'write'] } },
    proxies,
  },
  shadow: {
    ipRanges: { offices: ['10.0.0.0/8', '192.0.2.0/24'], labs: ['198.51.100.0/23'] },
    upstreams,
    routes: requests({ hooks: 'GET', types: ['application/json'], rest: 'x:slug' }),
    apiKeys: {
      bot: { key: 'env:BOT', token: 'env:T_BOT', routes: ['read'] },
      team: { key: 'env:TEAM', token: 'env:T_TEAM', routes: ['read', 'write'] },
      old: { key: 'env:OLD', token: 'env:T_OLD', routes: ['read', 'files'], expires: '2099-01-01' },
      gone: { key: 'env:GONE', token: 'env:T_GONE', routes: ['read', 'files'], expires: '2098-01-01T10:00:00Z' },
      lab: { key: 'env:LAB', token: 'env:T_LAB', routes: ['read'], ipRanges: ['@labs', '10.1.0.0/16'] },
      early: { key: 'env:EARLY', token: 'env:T_EARLY', routes: ['write'] },
    },
    proxies: { api: { ...proxies.api, methodNotAllowed: 404 } },
  },
};
