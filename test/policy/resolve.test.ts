import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toCidrs } from '../../src/policy/cidr.ts';
import { onlyProxy, policyOf, problemsOf } from '../support/policy.ts';

const test = suite('resolve');

const upstreams = { gitlab: { url: 'https://gitlab.example.com' }, other: { url: 'http://10.0.0.1:8080' } };
const proxy = { listen: 8080, ipRanges: 'any' };
const spec = (routes: object, rest: object = {}) => ({ upstreams, routes, proxies: { api: proxy }, ...rest });
const key = { key: 'env:K', token: 'env:T' };

const BAD: readonly [what: string, spec: object, problems: string[]][] = [
  [
    'an unknown upstream',
    spec({ r: { upstream: 'gitlba', allow: ['GET /a'] } }),
    ['routes.r.upstream policy/unknown-reference'],
  ],
  [
    'an unknown group of a key',
    spec({}, { apiKeys: { k: { ...key, routes: ['r'] } } }),
    ['apiKeys.k.routes.0 policy/unknown-reference'],
  ],
  [
    'an unknown group of a proxy',
    { proxies: { api: { ...proxy, routes: ['r'] } } },
    ['proxies.api.routes.0 policy/unknown-reference'],
  ],
  [
    'a request without a path',
    spec({ r: { upstream: 'gitlab', allow: ['GET'] } }),
    ['routes.r.allow.0 policy/bad-request'],
  ],
  [
    'a pattern that no request can match',
    spec({ r: { upstream: 'gitlab', allow: [{ request: 'GET /a/../b' }] } }),
    ['routes.r.allow.0.request policy/bad-pattern'],
  ],
  [
    'an upstream url with a path',
    { upstreams: { u: { url: 'https://gitlab.example.com/gitlab' } } },
    ['upstreams.u.url policy/bad-url'],
  ],
  [
    'an upstream url with a user',
    { upstreams: { u: { url: 'https://me:pw@gitlab.example.com' } } },
    ['upstreams.u.url policy/bad-url'],
  ],
  ['another scheme', { upstreams: { u: { url: 'ftp://gitlab.example.com' } } }, ['upstreams.u.url policy/bad-url']],
  [
    'a bad server',
    { upstreams: { u: { url: 'http://a.example', servers: ['10.0.0.1:99999'] } } },
    ['upstreams.u.servers.0 policy/bad-host-port'],
  ],
  [
    'a token for an unverified upstream',
    {
      upstreams: { u: { url: 'https://a.example', tls: { insecureSkipVerify: true } } },
      routes: { r: { upstream: 'u', allow: ['GET /a'] } },
    },
    ['upstreams.u.tls.insecureSkipVerify policy/insecure-token'],
  ],
  [
    'credentials in Authorization without a scheme',
    {
      upstreams: { u: { url: 'https://a.example', tokenHeader: 'authorization' } },
      proxies: { api: { listen: 1, ipRanges: 'any', apiKeyHeader: 'Authorization' } },
    },
    ['upstreams.u.tokenHeader policy/no-scheme', 'proxies.api.apiKeyHeader policy/no-scheme'],
  ],
  [
    'a secret that would have to be user:password and a token',
    {
      upstreams: { u: { url: 'https://a.example', tokenScheme: 'Basic' }, v: { url: 'https://b.example' } },
      routes: { r: { upstream: 'u', allow: ['GET /a'] }, s: { upstream: 'v', allow: ['GET /b'] } },
      apiKeys: {
        both: { key: 'env:A', token: 'env:T' },
        one: { key: 'env:B', token: 'env:U', routes: ['r'] },
        other: { key: 'env:C', token: 'env:U', routes: ['s'] },
      },
    },
    ['apiKeys.both.token policy/two-forms', 'apiKeys.other.token policy/two-forms'],
  ],
  [
    'a credential header',
    spec({ r: { upstream: 'gitlab', headers: ['Accept-Foo', 'Sudo'], allow: ['GET /a'] } }),
    ['routes.r.headers.1 policy/credential-header'],
  ],
  [
    'a forwarding header',
    spec({ r: { upstream: 'gitlab', headers: ['X-Forwarded-Host'], allow: ['GET /a'] } }),
    ['routes.r.headers.0 policy/credential-header'],
  ],
  [
    'host bits',
    { proxies: { api: { listen: 1, ipRanges: ['10.0.0.1/8'] } } },
    ['proxies.api.ipRanges.0 policy/bad-range'],
  ],
  [
    'everybody by another name',
    { proxies: { api: { listen: 1, ipRanges: ['0.0.0.0/0'] } } },
    ['proxies.api.ipRanges.0 policy/bad-range'],
  ],
  [
    'an unknown set',
    { proxies: { api: { listen: 1, ipRanges: ['@x'] } } },
    ['proxies.api.ipRanges.0 policy/unknown-reference'],
  ],
  ['sets in a circle', { ipRanges: { a: ['@b'], b: ['@a'] } }, ['ipRanges.b.0 policy/range-cycle']],
  ['a missing range file', { ipRanges: { a: { file: 'nope.txt' } } }, ['ipRanges.a.file policy/unreadable-file']],
  [
    'patterns that overlap and disagree',
    spec({
      a: { upstream: 'gitlab', allow: ['GET /x/{id:int}'] },
      b: { upstream: 'other', allow: ['GET,POST /x/{name}'] },
    }),
    ['routes.b.allow.0 policy/overlap-conflict'],
  ],
  [
    'a request answered and forwarded',
    {
      upstreams,
      routes: { a: { upstream: 'gitlab', allow: ['GET /x'] } },
      proxies: { api: { ...proxy, answer: [{ request: 'GET /x', status: 200 }] } },
    },
    ['proxies.api.answer.0 policy/answer-conflict'],
  ],
  [
    'a public URL in plain HTTP of a proxy that speaks TLS',
    { proxies: { api: { ...proxy, tls: { certFile: '/c', keyFile: '/k' }, publicUrl: 'http://api.example.com' } } },
    ['proxies.api.publicUrl policy/plain-public-url'],
  ],
  [
    'a name that two proxies of one port have',
    {
      proxies: {
        a: { ...proxy, hosts: ['a.example.com'] },
        b: { ...proxy, hosts: ['b.example.com', 'A.example.com.'] },
      },
    },
    ['proxies.b.hosts policy/shared-host'],
  ],
  [
    'two proxies of one port without names, beside one that has some',
    { proxies: { a: proxy, b: { ...proxy, hosts: ['b.example.com'] }, c: proxy } },
    ['proxies.c.listen policy/duplicate-listen'],
  ],
  [
    'names on one address and on all',
    {
      proxies: {
        a: { ...proxy, listen: 8080, hosts: ['a.example.com'] },
        b: { ...proxy, listen: '127.0.0.1:8080', hosts: ['b.example.com'] },
      },
    },
    ['proxies.b.listen policy/duplicate-listen'],
  ],
  [
    'TLS and plain HTTP on one port',
    {
      proxies: {
        a: { ...proxy, hosts: ['a.example.com'] },
        b: { ...proxy, hosts: ['b.example.com'], tls: { certFile: '/c', keyFile: '/k' } },
      },
    },
    ['proxies.b.listen policy/shared-listen'],
  ],
  [
    'a proxy without names on a port that others share with TLS',
    {
      proxies: {
        a: { ...proxy, hosts: ['a.example.com'], tls: { certFile: '/c', keyFile: '/k' } },
        b: { ...proxy, tls: { certFile: '/c', keyFile: '/k' } },
      },
    },
    ['proxies.b.listen policy/shared-listen'],
  ],
  [
    'a wildcard and an address for names',
    { proxies: { a: { ...proxy, hosts: ['*.example.com', '10.0.0.1'] } } },
    ['proxies.a.hosts.0 policy/bad-domain', 'proxies.a.hosts.1 policy/bad-domain'],
  ],
  [
    'an answer to every method, and a route',
    {
      upstreams,
      routes: { a: { upstream: 'gitlab', allow: ['DELETE /x/{y}'] } },
      proxies: { api: { ...proxy, answer: [{ request: '* /x/y', status: 200 }] } },
    },
    ['proxies.api.answer.0 policy/answer-conflict'],
  ],
  [
    'two answers, one of them to every method',
    {
      proxies: {
        api: {
          ...proxy,
          answer: [
            { request: '* /x', status: 200 },
            { request: 'HEAD /x', status: 204 },
          ],
        },
      },
    },
    ['proxies.api.answer.1 policy/answer-conflict'],
  ],
  [
    'every method of a route',
    spec({ a: { upstream: 'gitlab', allow: ['* /x'] } }),
    ['routes.a.allow.0 policy/bad-request'],
  ],
  [
    'a health check and a route',
    {
      upstreams,
      routes: { a: { upstream: 'gitlab', allow: ['HEAD /{x}'] } },
      proxies: { api: { ...proxy, health: '/healthz' } },
    },
    ['proxies.api.health policy/health-conflict'],
  ],
  [
    'a health check and an answer',
    { proxies: { api: { ...proxy, answer: [{ request: '* /h', status: 200 }], health: '/h' } } },
    ['proxies.api.health policy/health-conflict'],
  ],
  [
    'a health check with a parameter',
    { proxies: { api: { ...proxy, health: { path: '/h/{x}' } } } },
    ['proxies.api.health.path policy/health-path'],
  ],
  [
    'an answer that is not JSON',
    { proxies: { api: { ...proxy, answer: [{ request: 'GET /x', status: 200, body: 'ok' }] } } },
    ['proxies.api.answer.0.body policy/bad-answer-body'],
  ],
  [
    'a key for a group that takes none',
    spec(
      { r: { upstream: 'gitlab', auth: 'passthrough', allow: ['GET /a'] } },
      { apiKeys: { k: { ...key, routes: ['r'] } } },
    ),
    ['apiKeys.k.routes.0 policy/unusable-group'],
  ],
  [
    'a key that is the token',
    { apiKeys: { k: { key: 'env:K', token: 'env:K' } } },
    ['apiKeys.k.token policy/key-is-token'],
  ],
  [
    'one key for two callers',
    { apiKeys: { a: key, b: { key: ['env:B', 'env:K'], token: 'env:T2' } } },
    ['apiKeys.b.key.1 policy/shared-key'],
  ],
  [
    'one secret in other spellings',
    {
      apiKeys: {
        a: { key: 'file:k/a', token: 'file:./k//a' },
        b: { key: ['vault:kv/b#key', 'sops:x/../s.yaml#k'], token: 'env:T' },
        c: { key: ['vault:kv/data/b#key', 'sops:./s.yaml#k'], token: 'env:T' },
        d: { key: ['vault:kv/b#other', 'env:D'], token: 'env:T' },
        e: { key: 'vault:kv/data/e#key', token: 'vault:kv/e#data/key' },
        f: { key: ['vault:team/kv/data/f#key', 'vault:team/data#key'], token: 'vault:team/kv/f#token' },
        g: { key: ['vault:team/kv/f#key', 'vault:team/x#key'], token: 'vault:team/kv/data#key' },
      },
    },
    [
      'apiKeys.a.token policy/key-is-token',
      'apiKeys.e.token policy/key-is-token',
      'apiKeys.c.key.0 policy/shared-key',
      'apiKeys.c.key.1 policy/shared-key',
      'apiKeys.g.key.0 policy/shared-key',
    ],
  ],
  [
    'a day that does not exist',
    { apiKeys: { k: { ...key, expires: '2027-02-30' } } },
    ['apiKeys.k.expires policy/bad-date'],
  ],
  [
    'a listen address that is a name',
    { proxies: { api: { listen: 'localhost:80', ipRanges: 'any' } } },
    ['proxies.api.listen policy/bad-host-port'],
  ],
  [
    'two proxies on one port',
    { proxies: { a: proxy, b: { listen: '127.0.0.1:8080', ipRanges: 'any' } } },
    ['proxies.b.listen policy/duplicate-listen'],
  ],
  [
    'all IPv4 addresses of a port, and IPv6 ones before and after in the alphabet',
    {
      proxies: {
        a: { ...proxy, listen: '[::1]:8080' },
        b: { ...proxy, listen: 8080 },
        c: { ...proxy, listen: '[::]:8080' },
        d: { ...proxy, listen: '127.0.0.1:8080' },
      },
    },
    ['proxies.d.listen policy/duplicate-listen'],
  ],
  [
    'a header that is ours',
    { proxies: { a: { ...proxy, responseHeaders: { Location: 'x' } } } },
    ['proxies.a.responseHeaders.Location policy/reserved-header'],
  ],
  [
    'a header value with a line feed',
    { proxies: { a: { ...proxy, responseHeaders: { 'X-A': 'a\nb' } } } },
    ['proxies.a.responseHeaders.X-A policy/bad-header-value'],
  ],
  [
    'a header and the PROXY protocol',
    {
      proxies: { a: { ...proxy, clientIp: { trustedProxies: ['10.0.0.0/8'], header: 'X-Real', proxyProtocol: true } } },
    },
    ['proxies.a.clientIp.header policy/two-address-sources'],
  ],
  [
    'a name in U-labels',
    { domainRewrites: [{ from: 'bücher.example', to: 'b.example' }] },
    ['domainRewrites.0.from policy/bad-domain'],
  ],
  [
    'a label over 63 bytes',
    { domainRewrites: [{ from: `${'a'.repeat(64)}.example`, to: 'b.example' }] },
    ['domainRewrites.0.from policy/bad-domain'],
  ],
  [
    'a wildcard in the middle',
    { domainRewrites: [{ from: 'a.*.example', to: 'b.example' }] },
    ['domainRewrites.0.from policy/bad-domain'],
  ],
  [
    'a target that is an address',
    { domainRewrites: [{ from: 'a.example', to: '10.0.0.1' }] },
    ['domainRewrites.0.to policy/bad-domain'],
  ],
  [
    'two rewrites of one name',
    {
      domainRewrites: [
        { from: 'a.example', to: 'b.example' },
        { from: 'A.example.', to: 'c.example' },
      ],
    },
    ['domainRewrites.1.from policy/rewrite-conflict'],
  ],
  [
    'a loop',
    {
      domainRewrites: [
        { from: 'a.example', to: 'b.example' },
        { from: 'b.example', to: 'a.example' },
      ],
    },
    ['domainRewrites.0.to policy/rewrite-conflict', 'domainRewrites.1.to policy/rewrite-conflict'],
  ],
  [
    'a name that stands for itself',
    { domainRewrites: [{ from: 'a.example', to: 'a.example' }] },
    ['domainRewrites.0.to policy/rewrite-conflict'],
  ],
  [
    'a wildcard that catches its own target',
    { domainRewrites: [{ from: '*.example', to: '*.private.example' }] },
    ['domainRewrites.0.to policy/rewrite-conflict'],
  ],
  [
    'a wildcard as the target of a name',
    { domainRewrites: [{ from: 'a.example', to: '*.b.example' }] },
    ['domainRewrites.0.to policy/rewrite-conflict'],
  ],
  [
    'an unknown upstream of a rewrite',
    { domainRewrites: [{ from: 'a.example', to: 'b.example', upstream: 'x' }] },
    ['domainRewrites.0.upstream policy/unknown-reference'],
  ],
];

for (const [what, bad, problems] of BAD) test(`${what} is an error`, () => assert.equal(problemsOf(bad), problems));

test('all problems are found in one run', () => {
  const found = problemsOf({
    upstreams: { u: { url: 'x' } },
    routes: { r: { upstream: 'v', allow: ['GET', 'GET /a//b'] } },
    apiKeys: { k: { ...key, routes: ['z'] } },
  });
  assert.is(found.length, 5, found.join('\n'));
});

test('address sets take in other sets and files, and merge', () => {
  const policy = policyOf(
    {
      ipRanges: { a: ['10.0.0.0/9', '@b'], b: { file: 'b.txt' } },
      proxies: { api: { listen: 1, ipRanges: ['@a', '::1'] } },
    },
    { 'b.txt': '# offices\n10.128.0.0/9 # Oslo\n\n192.0.2.1\n' },
  );
  assert.equal(toCidrs(onlyProxy(policy).ranges), ['10.0.0.0/8', '192.0.2.1/32', '::1/128']);
});

test('a key without routes may use every group that takes keys', () => {
  const policy = policyOf(
    spec(
      {
        b: { upstream: 'gitlab', allow: ['GET /b'] },
        a: { upstream: 'gitlab', allow: ['GET /a'] },
        p: { upstream: 'gitlab', auth: 'passthrough', allow: ['GET /p'] },
      },
      { apiKeys: { k: key } },
    ),
  );
  assert.equal(policy.apiKeys[0]?.groups, ['a', 'b']);
});

test('the order of keys in the spec changes nothing', () => {
  const a = { upstream: 'gitlab', allow: ['GET /a', 'HEAD,GET /b'] };
  const b = { upstream: 'other', allow: ['POST /c'] };
  assert.equal(policyOf(spec({ a, b })), policyOf(spec({ b, a })));
});

test.run();
