import { suite } from 'uvu';

import * as assert from 'uvu/assert';
import { problemsOf } from '../support/policy.ts';

const test = suite('fields that look legal');

const url = 'https://gitlab.example.com';
const proxy = { listen: 8080, ipRanges: ['10.0.0.0/8'] };
const keyHeader = (apiKeyHeader: string) => problemsOf({ proxies: { a: { ...proxy, apiKeyHeader } } });
const tokenHeader = (name: string) => problemsOf({ upstreams: { u: { url, tokenHeader: name } } });
const passing = (header: string) =>
  problemsOf({ upstreams: { u: { url } }, routes: { r: { upstream: 'u', headers: [header], allow: ['GET /a'] } } });
const ranges = (ipRanges: readonly string[], rest: object = {}, files = {}) =>
  problemsOf({ proxies: { a: { ...proxy, ipRanges } }, ...rest }, files);

const NEVER_A_KEY = [
  ...['Host', 'content-length', 'Transfer-Encoding', 'Connection', 'Keep-Alive', 'Proxy-Connection', 'TE', 'Trailer'],
  ...['Trailers', 'Upgrade', 'Expect', 'Via', 'Forwarded', 'X-Forwarded-For', 'X-Forwarded-Any', 'X-Real-IP', 'Date'],
  ...['X-Postern-Site', 'Postern-Absent', 'Server', 'Cookie', 'Proxy-Authorization', 'HTTP2-Settings'],
  ...['User-Agent', 'Accept', 'Content-Type', 'RANGE', 'If-Match', 'Sec-WebSocket-Key'],
];

test('keys and tokens travel in headers that nothing else needs', () => {
  for (const name of NEVER_A_KEY) {
    assert.equal(keyHeader(name), ['proxies.a.apiKeyHeader policy/unusable-header'], name);
    assert.equal(tokenHeader(name), ['upstreams.u.tokenHeader policy/unusable-header'], name);
  }
  for (const name of ['PRIVATE-TOKEN', 'Job-Token', 'X-Api-Key', 'X-Gitlab-Token', 'X-Vault-Token']) {
    assert.equal([...keyHeader(name), ...tokenHeader(name)], [], name);
  }
});

test('a header that holds keys is not forwarded', () => {
  const spec = (routes: readonly string[]) => ({
    upstreams: { u: { url } },
    routes: {
      r: { upstream: 'u', allow: ['GET /a', { request: 'GET /b', headers: ['X-Own-KEY'] }] },
      s: { upstream: 'u', allow: ['GET /c'] },
    },
    proxies: { a: { ...proxy, apiKeyHeader: 'X-Own-Key', routes } },
  });
  assert.equal(problemsOf(spec(['r', 's'])), ['proxies.a.apiKeyHeader policy/forwarded-key']);
  assert.equal(problemsOf(spec(['s'])), []);
});

const NEVER_FORWARDED = [
  ...['Remote-User', 'X-Remote-User', 'X-Forwarded-User', 'X-Webauth-User', 'Proxy', 'X-Sendfile-Type'],
  ...['X-Accel-Mapping', 'HTTP2-Settings', 'X-Auth-Request-Email', 'X-Authenticated-User', 'SSL-Client-Verify'],
  ...['X-SSL-Client-Cert', 'X-Client-IP', 'True-Client-IP', 'CF-Connecting-IP', 'X-Postern-Site', 'X-Script-Name'],
  ...['X-Http-Method', 'COOKIE', 'X-Scheme', 'X-Amzn-Oidc-Data', 'Client-Ip', 'X-User', 'X-Host'],
];

test('no route forwards who the client says it is', () => {
  for (const name of NEVER_FORWARDED) {
    assert.equal(passing(name), ['routes.r.headers.0 policy/credential-header'], name);
  }
  for (const name of ['X-Request-Id', 'Content-Range', 'traceparent', 'Referer', 'X-User-Defined']) {
    assert.equal(passing(name), [], name);
  }
});

test('the client address comes from a header that proxies write', () => {
  const from = (header: string, apiKeyHeader?: string) =>
    problemsOf({ proxies: { a: { ...proxy, apiKeyHeader, clientIp: { trustedProxies: ['10.0.0.1'], header } } } });
  for (const name of ['Forwarded', 'Host', 'User-Agent', 'Connection', 'Cookie', 'Private-Token', 'Authorization'])
    assert.equal(from(name), ['proxies.a.clientIp.header policy/unusable-header'], name);
  assert.equal(from('X-Key', 'x-key'), ['proxies.a.clientIp.header policy/unusable-header']);
  for (const name of ['X-Forwarded-For', 'X-Real-IP', 'CF-Connecting-IP', 'X-Envoy-External-Address'])
    assert.equal(from(name), [], name);
});

const HALVES = ['0.0.0.0/1', '128.0.0.0/1'];

test('everybody is written out, not put together', () => {
  const used = ['proxies.a.ipRanges policy/whole-family'];
  assert.equal(ranges(HALVES), used);
  assert.equal(ranges(['10.0.0.0/8', '::/1', '8000::/1']), used);
  assert.equal(ranges(['::ffff:0:0/96']), ['proxies.a.ipRanges.0 policy/bad-range']);
  assert.equal(ranges(['@low', '@high'], { ipRanges: { low: ['0.0.0.0/1'], high: ['128.0.0.0/1'] } }), used);
  assert.equal(ranges(['@all'], { ipRanges: { all: HALVES } }), ['ipRanges.all policy/whole-family']);
  const filed = ranges(['@f'], { ipRanges: { f: { file: 'f' } } }, { f: `${HALVES.join('\n')}\n` });
  assert.equal(filed, ['ipRanges.f.file policy/whole-family']);
  const key = { key: 'env:K', token: 'env:T', ipRanges: HALVES };
  assert.equal(problemsOf({ apiKeys: { k: key } }), ['apiKeys.k.ipRanges policy/whole-family']);
  const clientIp = { trustedProxies: HALVES };
  assert.equal(problemsOf({ proxies: { a: { ...proxy, clientIp } } }), [
    'proxies.a.clientIp.trustedProxies policy/whole-family',
  ]);
  assert.equal(ranges(['0.0.0.0/1', '128.0.0.0/2']), []);
});

test('proxies listen on addresses that can be bound', () => {
  const listen = (text: string) => problemsOf({ proxies: { a: { ...proxy, listen: text } } });
  for (const text of [
    ...['[::ffff:127.0.0.1]:8080', '[::ffff:7f00:1]:80', '[fe80::1]:80', '[fe80::1%eth0]:80', '[ff02::1]:80'],
    ...['127.0.0.1:0', '127.0.0.1:65536', '0', '65536', 'dead.beef:80', '127.1:80', '224.0.0.1:80', '[::1]', '::1:80'],
  ])
    assert.equal(listen(text), ['proxies.a.listen policy/bad-host-port'], text);
  for (const text of ['127.0.0.1:8080', '[::1]:8080', '[::]:80', '0.0.0.0:80', '8080', '[2001:db8::1]:443'])
    assert.equal(listen(text), [], text);
  const twice = {
    a: { ...proxy, listen: '[::1]:80' },
    b: { ...proxy, listen: '[0:0::0:1]:80' },
  };
  assert.equal(problemsOf({ proxies: twice }), ['proxies.b.listen policy/duplicate-listen']);
});

test('upstreams are names or whole addresses', () => {
  const upstream = (spec: object) => problemsOf({ upstreams: { u: { url, ...spec } } });
  for (const host of ['0x7f.1', '127.1', '2130706433', '0x7f000001', 'a.1', 'a.0x', 'gitlab.example.com.', '0.0.0.0']) {
    assert.equal(upstream({ url: `http://${host}:80` }), ['upstreams.u.url policy/bad-url'], host);
    assert.equal(upstream({ servers: [`${host}:80`] }), ['upstreams.u.servers.0 policy/bad-host-port'], host);
  }
  assert.equal(upstream({ url: 'http://[::]:80' }), ['upstreams.u.url policy/bad-url']);
  for (const host of ['127.0.0.1', 'a1.example', '1a.example', 'x.7f', '[2001:db8::1]', '1.2.example'])
    assert.equal(upstream({ url: `http://${host}` }), [], host);
});

test('one response header is set once, and none of the connection', () => {
  const set = (responseHeaders: object) => problemsOf({ proxies: { a: { ...proxy, responseHeaders } } });
  assert.equal(set({ 'X-A': '1', 'x-a': '2' }), ['proxies.a.responseHeaders.x-a policy/reserved-header']);
  for (const name of ['Keep-Alive', 'Via', 'X-Accel-Redirect', 'Content-Range', 'WWW-Authenticate', 'Proxy-Connection'])
    assert.equal(set({ [name]: 'x' }), [`proxies.a.responseHeaders.${name} policy/reserved-header`], name);
});

test.run();
