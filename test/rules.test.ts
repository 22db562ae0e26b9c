import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { resolvePolicy } from '../src/policy/resolve.ts';
import { decodedTwice, expiry } from '../src/rules/access.ts';
import { lint } from '../src/rules/index.ts';
import { type Spec, specSchema } from '../src/spec/schema.ts';

const test = suite('rules');

function read(spec: object) {
  const parsed = specSchema({}).parse({ version: 1, name: 'test', ...spec }) as Spec;
  const { value, diagnostics } = resolvePolicy(parsed, () => undefined);
  if (!value) throw new Error(JSON.stringify(diagnostics));
  return { policy: value, spec: parsed };
}

const lints = (spec: object) => {
  const { policy, spec: parsed } = read(spec);
  const clients = { nodes: [], pods: false, proxies: true, sites: true, uncounting: [], certificates: [], opened: [] };
  return lint(policy, parsed, { clients, read: () => undefined })
    .filter(({ severity }) => severity === 'warning')
    .map(({ at, code }) => `${at.join('.')} ${code}`);
};

const tests = [{ resolve: 'a.example', expect: 'a.example' }];
const upstreams = { u: { url: 'https://a.example' } };
const proxies = { p: { listen: 1, ipRanges: ['10.0.0.0/8'] } };

test('a spec that is in order has nothing to be said about', () => {
  const apiKeys = { k: { key: 'env:K', token: 'env:T' } };
  assert.equal(
    lints({
      upstreams,
      proxies,
      tests,
      apiKeys,
      routes: { r: { upstream: 'u', allow: ['GET /a/{x}', 'POST /a/{x:int}'] } },
    }),
    [],
  );
});

test('what every name refers to, and nobody reaches', () => {
  const routes = { r: { upstream: 'u', allow: ['GET /a'] }, s: { upstream: 'u', allow: ['GET /b'] } };
  const key = (more: object) => ({ key: 'env:K', token: 'env:T', ...more });
  const found = (apiKeys: object, more: object = {}) => lints({ upstreams, proxies, tests, routes, apiKeys, ...more });
  assert.equal(found({ k: key({}) }), []);
  assert.equal(found({ k: key({ routes: ['r'] }) }), ['routes.s rule/unreachable-group']);
  assert.equal(found({ k: key({}), l: key({ key: 'env:L', ipRanges: ['192.0.2.1'] }) }), [
    'apiKeys.l.ipRanges rule/unreachable-key',
  ]);
  assert.equal(found({ k: key({ ipRanges: ['192.0.2.1', '10.1.0.0/16'] }) }), []);
  const two = { ...proxies, q: { listen: 2, ipRanges: ['192.0.2.0/24'], routes: ['s'] } };
  assert.equal(found({ k: key({ ipRanges: ['10.0.0.1'] }) }, { proxies: two }), ['proxies.q rule/unreachable-proxy']);
  // The ranges of the one key and the routes of the other do not make a way in.
  assert.equal(found({ k: key({ routes: ['r'] }), l: key({ key: 'env:L', routes: ['s'], ipRanges: ['192.0.2.1'] }) }), [
    'routes.s rule/unreachable-group',
    'apiKeys.l.ipRanges rule/unreachable-key',
  ]);
});

test('what nothing refers to', () => {
  const spec = {
    ipRanges: { a: ['10.0.0.1'], b: ['@a'] },
    upstreams: { ...upstreams, v: { url: 'http://b.example' } },
    proxies: { p: { ...proxies.p, routes: ['r'] } },
    tests,
  };
  const routes = {
    r: { upstream: 'u', auth: 'passthrough', allow: ['GET /a'] },
    s: { upstream: 'u', allow: ['GET /b'] },
  };
  const found = lints({ ...spec, routes, apiKeys: { k: { key: 'env:K', token: 'env:T' } } });
  assert.equal(found, [
    'ipRanges.b rule/unused',
    'upstreams.v rule/unused',
    'routes.s rule/unused',
    'apiKeys.k rule/unused',
  ]);
});

test('an entry that a wider one of its group covers', () => {
  const routes = {
    r: { upstream: 'u', allow: ['GET,POST /a/{x}', 'GET /a/{x:int}', 'PUT /a/{x:int}', 'GET /b', 'GET /b'] },
    s: { upstream: 'u', allow: ['GET /a/7'] },
  };
  const found = lints({ upstreams, proxies, tests, routes, apiKeys: { k: { key: 'env:K', token: 'env:T' } } });
  assert.equal(found, ['routes.r.allow.3 rule/redundant', 'routes.r.allow.1 rule/redundant']);
});

test('text that is escaped once, for a server that decodes twice', () => {
  const routes = { r: { upstream: 'u', allow: ['GET /a/{id:int}/{ref:encodedText}/x', 'GET /b/{rest:encodedText*}'] } };
  const spec = { upstreams, proxies, tests, routes, apiKeys: { k: { key: 'env:K', token: 'env:T' } } };
  assert.equal(lints(spec), ['routes.r.allow.0 rule/decoded-twice', 'routes.r.allow.1 rule/decoded-twice']);
  const [first] = decodedTwice(read(spec).policy);
  assert.match(
    first?.message ?? '',
    '/a/42/x%252F..%252Fy/x, in which a server that decodes twice reads /a/42/x/../y/x',
  );
});

test('what is wider than most authors mean', () => {
  const routes = { r: { upstream: 'v', auth: 'passthrough', allow: ['GET,DELETE /a/{rest*}'] } };
  const spec = {
    upstreams: { v: { url: 'https://b.example', tls: { insecureSkipVerify: true } } },
    routes,
    proxies: { p: { listen: 1, ipRanges: 'any' } },
  };
  const found = lints(spec);
  assert.equal(found, [
    'upstreams.v.tls.insecureSkipVerify rule/insecure-tls',
    'routes.r.allow.0 rule/wide-write',
    'proxies.p.ipRanges rule/open-to-all',
    'name rule/untested-policy',
  ]);
});

const apiKeys = { k: { key: 'env:K', token: 'env:T' } };

test('form bodies beside an injected token, once for each list that lets them in', () => {
  const form = 'application/x-www-form-urlencoded';
  const found = (r: object) => lints({ upstreams, proxies, tests, apiKeys, routes: { r: { upstream: 'u', ...r } } });
  const finding = 'routes.r.contentTypes rule/form-body';
  assert.equal(found({ contentTypes: 'any', allow: ['POST /a', 'POST /b'] }), [finding]);
  assert.equal(found({ contentTypes: ['application/json', form], allow: ['POST /a'] }), [finding]);
  assert.equal(found({ contentTypes: ['text/plain'], allow: ['POST /a'] }), []);
  const entry = (...contentTypes: string[]) => ({ request: 'POST /a', contentTypes });
  assert.equal(found({ allow: ['GET /b', entry('multipart/form-data')] }), [
    'routes.r.allow.1.contentTypes rule/form-body',
  ]);
  assert.equal(found({ contentTypes: 'any', allow: [entry('text/plain')] }), [], 'no entry takes it over');
  const open = { upstream: 'u', auth: 'passthrough', contentTypes: 'any', allow: ['POST /a'] };
  assert.equal(lints({ upstreams, proxies, tests, routes: { r: open } }), [], 'no token of ours');
});

test('a token that goes over a network as plain text', () => {
  const found = (u: object, auth = 'apiKey') => {
    const keys = auth === 'apiKey' ? { apiKeys } : {};
    const routes = { r: { upstream: 'u', auth, allow: ['GET /a'] } };
    return lints({ upstreams: { u }, proxies, tests, routes, ...keys });
  };
  const finding = 'upstreams.u.url rule/clear-text';
  assert.equal(found({ url: 'http://git.example.com' }), [finding]);
  assert.equal(found({ url: 'http://git.example.com', servers: ['127.0.0.1:80', '10.0.0.1:80'] }), [finding]);
  for (const servers of [['127.0.0.1:8080'], ['[::1]:8080'], ['localhost:8080']])
    assert.equal(found({ url: 'http://git.example.com', servers }), []);
  assert.equal(found({ url: 'http://127.0.0.1:8080' }), []);
  assert.equal(found({ url: 'http://git.example.com' }, 'passthrough'), []);
});

test('methods and segments that look like something else', () => {
  const routes = (...allow: string[]) => ({ r: { upstream: 'u', allow } });
  const answered = (...allow: string[]) => lints({ upstreams, proxies, tests, apiKeys, routes: routes(...allow) });
  assert.equal(answered('GTE /a', 'PROPFIND /a', 'LIST /a', 'GET /a/$metadata/b:c/f()'), [
    'routes.r.allow.0 rule/odd-method',
  ]);
  assert.equal(answered('GET /a/:version', 'GET /a/$id', 'GET /a/(.+)'), [
    'routes.r.allow.0 rule/odd-literal',
    'routes.r.allow.1 rule/odd-literal',
    'routes.r.allow.2 rule/odd-literal',
  ]);
  const answer = [{ request: 'GTE /health', status: 200 }];
  const own = { p: { ...proxies.p, answer } };
  assert.equal(lints({ upstreams, proxies: own, tests, apiKeys, routes: routes('GET /a') }), [
    'proxies.p.answer.0 rule/odd-method',
  ]);
  const { policy, spec } = read({ upstreams, proxies, tests, apiKeys, routes: routes('GTE /a/:version') });
  const clients = { nodes: [], pods: false, proxies: true, sites: true, uncounting: [], certificates: [], opened: [] };
  const [method, literal] = lint(policy, spec, { clients, read: () => undefined });
  assert.is(method?.message, '"GTE" is no method of HTTP, did you mean GET?');
  assert.is(literal?.hint, 'a parameter is {version}, and the rest of a path {version*}');
});

test('keys that have stopped or soon will', () => {
  const { policy } = read({ apiKeys: { k: { key: 'env:K', token: 'env:T', expires: '2027-06-30' } } });
  const on = (day: string) =>
    expiry(policy, { members: [] as never }, Date.parse(`${day}T00:00:00Z`) / 1000).map(
      ({ code, severity }) => `${code} ${severity}`,
    );
  assert.equal(on('2027-06-15'), []);
  assert.equal(on('2027-06-16'), ['rule/expiring-key warning']);
  assert.equal(on('2027-06-30'), ['rule/expired-key error']);
});

test.run();
