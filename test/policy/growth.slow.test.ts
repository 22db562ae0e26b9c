import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diffAccess } from '../../src/accessDiff/diff.ts';
import { accessOf } from '../../src/policy/access.ts';
import { resolvePolicy } from '../../src/policy/resolve.ts';
import { specSchema } from '../../src/spec/schema.ts';
import { policyOf, problemsOf } from '../support/policy.ts';
import { proxyTargets } from '../verify/proxyTargets.ts';

const test = suite('growth');

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const upstreams = { u: { url: 'https://u.example.com' } };
const proxies = { api: { listen: 8080, ipRanges: 'any' } };

/** Patterns of as many parameters as there are patterns, one of them a literal, at another place in each. */
function diagonal(size: number): string[] {
  return upTo(size).map(
    (row) =>
      `GET /${upTo(size)
        .map((at) => (at === row ? 'a' : `{p${at}}`))
        .join('/')}`,
  );
}

test('patterns that multiply are refused before they do', () => {
  const spec = (size: number) => ({ upstreams, routes: { r: { upstream: 'u', allow: diagonal(size) } }, proxies });
  policyOf(spec(10));
  for (const size of [16, 24]) assert.equal(problemsOf(spec(size)), ['proxies.api.routes policy/too-many-overlaps']);
});

test('two versions that multiply only together are refused too', () => {
  const spec = (literal: string) => {
    const allow = diagonal(11).map((line) => line.replace(/\/a(?=\/|$)/, `/${literal}`));
    return policyOf({ upstreams, routes: { r: { upstream: 'u', allow } }, proxies });
  };
  assert.is(diffAccess(spec('a'), spec('b')).diagnostics[0]?.code, 'policy/too-many-overlaps');
});

test('sets may nest deeper than calls can, and contain each other in a large circle', () => {
  const chain = (last: string[], count = 20_000) =>
    Object.fromEntries(upTo(count).map((at) => [`s${at}`, at === count - 1 ? last : [`@s${at + 1}`]]));
  const routes = { r: { upstream: 'u', allow: ['GET /a'] } };
  const nested = { upstreams, routes, proxies: { api: { listen: 8080, ipRanges: ['@s0'] } } };
  const { proxies: resolved } = policyOf({ ...nested, ipRanges: chain(['10.0.0.0/8']) });
  assert.is(resolved[0]?.ranges.ranges.length, 1);
  assert.equal(problemsOf({ ...nested, ipRanges: chain(['@s0'], 3000) }), ['ipRanges.s2999.0 policy/range-cycle']);
});

test('as many unknown names as known ones: each is told in a few words', () => {
  const spec = {
    version: 1,
    name: 'test',
    upstreams,
    routes: Object.fromEntries(upTo(3000).map((at) => [`r${at}`, { upstream: 'u', allow: [`GET /${at}`] }])),
    proxies: { api: { listen: 8080, ipRanges: 'any', routes: upTo(3000).map((at) => `x${at}`) } },
  };
  const { diagnostics } = resolvePolicy(specSchema({}).parse(spec) as never, () => undefined);
  assert.is(diagnostics.length, 3000);
  assert.ok(diagnostics.every(({ hint = '' }) => hint.length < 300 && hint.endsWith(' and 2980 more')));
});

test('a thousand proxies of the same routes share what follows from these', () => {
  const routes = { r: { upstream: 'u', allow: ['GET /a', 'GET /b/{x}'] } };
  const many = Object.fromEntries(upTo(1000).map((at) => [`p${at}`, { listen: 1000 + at, ipRanges: 'any' }]));
  const policy = policyOf({ upstreams, routes, proxies: many });
  assert.is(new Set(policy.proxies.map(accessOf)).size, 1);
});

test('a thousand names in one list are no expression that an engine cannot read', () => {
  const sets = upTo(1000).map((at) => `s${at}`);
  const groups = upTo(1001).map((at) => `group-${at}`);
  const policy = policyOf({
    upstreams,
    ipRanges: Object.fromEntries(sets.map((name, at) => [name, [`10.${at >> 8}.${at & 255}.1`]])),
    routes: Object.fromEntries(groups.map((name, at) => [name, { upstream: 'u', allow: [`GET /${at}`] }])),
    apiKeys: {
      k: { key: 'env:K', token: 'env:T', ipRanges: sets.map((name) => `@${name}`), routes: groups.slice(1) },
    },
    proxies: {
      api: {
        listen: 8080,
        ipRanges: sets.map((name) => `@${name}`),
        routes: groups,
        health: { path: '/up', from: sets.map((name) => `@${name}`) },
      },
    },
  });
  for (const { target } of proxyTargets) {
    const { diagnostics, value = [] } = target.emit({ policy, options: {}, at: ['targets'], read: () => undefined });
    assert.equal(diagnostics, []);
    assert.ok(value.length > 0);
  }
});

test('a list that nginx could not write is refused with its place', () => {
  const headers = upTo(800).map((at) => `X-Header-Number-${at}`);
  const cors = { origins: ['https://app.example.com'], headers };
  const routes = { r: { upstream: 'u', allow: ['GET /a'] } };
  const policy = policyOf({ upstreams, routes, proxies: { api: { listen: 8080, ipRanges: 'any', cors } } });
  for (const { engine, target } of proxyTargets) {
    const { diagnostics } = target.emit({ policy, options: {}, at: ['targets'], read: () => undefined });
    const refused = engine === 'nginx' ? ['proxies.api.cors.headers nginx/unwritable-text'] : [];
    assert.equal(
      diagnostics.map(({ at, code }) => `${at.join('.')} ${code}`),
      refused,
    );
  }
});

test.run();
