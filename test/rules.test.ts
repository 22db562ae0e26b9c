import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { resolvePolicy } from '../src/policy/resolve.ts';
import { expiry } from '../src/rules/expiry.ts';
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
  const clients = { nodes: [], pods: false, certificates: [] };
  return lint(policy, parsed, { clients, read: () => undefined }).map(({ at, code }) => `${at.join('.')} ${code}`);
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

test('keys that have stopped or soon will', () => {
  const { policy } = read({ apiKeys: { k: { key: 'env:K', token: 'env:T', expires: '2027-06-30' } } });
  const on = (day: string) =>
    expiry(policy, Date.parse(`${day}T00:00:00Z`) / 1000).map(({ code, severity }) => `${code} ${severity}`);
  assert.equal(on('2027-06-15'), []);
  assert.equal(on('2027-06-16'), ['rule/expiring-key warning']);
  assert.equal(on('2027-06-30'), ['rule/expired-key error']);
});

test.run();
