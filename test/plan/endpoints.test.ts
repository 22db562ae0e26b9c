import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Endpoints, endpointsOf } from '../../src/plan/endpoints.ts';
import { accessOf } from '../../src/policy/access.ts';
import { CLASS_EXAMPLES, run } from '../../src/policy/automaton.ts';
import { ACCEPTED_BY, classify, PARAMETER_TYPES } from '../../src/policy/segment.ts';
import type { Proxy } from '../../src/policy/types.ts';
import { onlyProxy, policyOf } from '../support/policy.ts';

const test = suite('endpoints');

function proxyOf(allow: readonly (string | object)[]): Proxy {
  return onlyProxy(
    policyOf({
      upstreams: { u: { url: 'http://127.0.0.1:1' } },
      routes: { r: { upstream: 'u', auth: 'passthrough', allow } },
      proxies: { p: { listen: 1, ipRanges: 'any' } },
    }),
  );
}

function endpointsFor(allow: readonly (string | object)[]): Endpoints {
  const access = accessOf(proxyOf(allow));
  if (!access) throw new Error('too many overlaps');
  return endpointsOf(access);
}

const namesOf = (allow: readonly (string | object)[]) => endpointsFor(allow).endpoints.map(({ name }) => name);

test('an endpoint is named by its pattern, with the type in place of the name', () => {
  assert.equal(
    namesOf([
      'GET /api/v4/groups/{group:encodedPath}/hooks/',
      'GET /api/v4/groups/{id:int}',
      'GET /files/{rest*}',
      'GET /files/{rest:encodedPath*}/',
      'GET /',
      'GET /Issues/{state:opened|closed}/{name}',
    ]),
    [
      '/',
      '/Issues/closed/{segment}',
      '/Issues/opened/{segment}',
      '/api/v4/groups/{encodedPath}/hooks/',
      '/api/v4/groups/{int}',
      '/files/{encodedPath*}/',
      '/files/{segment*}',
    ],
  );
});

test('where two ways join, the name is the widest pattern that leads there', () => {
  const { junctions } = endpointsFor(['GET /api/{p:encodedPath}/hooks', 'GET /api/groups', 'GET /{a}/{b:int}']);
  const next = Object.fromEntries(
    junctions.map(({ name, literals, parameters }) => [name, [...literals, ...parameters].map(([, to]) => to)]),
  );
  assert.equal(next['/api/groups'], ['/api/{encodedPath}/hooks']);
  assert.equal(next['/api'], ['/api/groups', '/api/{int}', '/api/{encodedPath}']);
  assert.equal(next['/api/{int}'], ['/api/{encodedPath}/hooks']);
});

test('an endpoint says who allows what, and why', () => {
  const [endpoint] = endpointsFor([
    'GET /a/{x}',
    { request: 'POST,GET /a/{y}', reason: 'because' },
    'HEAD /b',
  ]).endpoints;
  assert.equal(endpoint?.allow, ['GET', 'HEAD', 'POST']);
  assert.equal(
    endpoint?.operations.map(({ method, routeClass, rules, reasons }) => [
      method,
      routeClass.id,
      rules.length,
      reasons,
    ]),
    [
      ['GET', 'r', 2, ['because']],
      ['HEAD', 'r', 2, ['because']],
      ['POST', 'r', 1, ['because']],
    ],
  );
  assert.equal(endpoint?.groups, ['r']);
  assert.equal(endpoint?.origins, [
    ['routes', 'r', 'allow', 0],
    ['routes', 'r', 'allow', 1],
  ]);
});

/** Patterns of a small alphabet, so that they overlap in every way. */
const segment = fc.constantFrom('a', 'b', '42', 'A', ...PARAMETER_TYPES.map((type) => `{x:${type}}`), '{x:a|b}');
const end = fc.oneof(
  fc.constantFrom('', '', '/', '/{x*}'),
  fc.constantFrom(...PARAMETER_TYPES).chain((type) => fc.constantFrom(`/{x:${type}*}`, `/{x:${type}*}/`)),
);
const pattern = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), end)
  .map(([parts, end]) => `GET /${parts.join('/')}${end}`)
  .map((text) => {
    let number = 0;
    return text.replaceAll('{x', () => `{x${number++}`);
  });
const patterns = fc.uniqueArray(pattern, { minLength: 1, maxLength: 6 });
const paths = fc
  .array(fc.constantFrom('a', 'b', 'A', '', 'x%2F..', ...Object.values(CLASS_EXAMPLES)), { maxLength: 6 })
  .map((parts) => `/${parts.join('/')}`);

/** Where a path leads by names alone, as engines walk it; "-" where it leads nowhere. */
function walk({ junctions }: Endpoints, path: string): string {
  const byName = new Map(junctions.map((junction) => [junction.name, junction]));
  let name = '';
  for (const part of path.slice(1).split('/')) {
    const from = byName.get(name);
    const type = classify(part);
    const taking = [...(from?.parameters ?? [])].find(([each]) => type && ACCEPTED_BY[type].includes(each));
    name = from?.literals.get(part) ?? taking?.[1] ?? '-';
  }
  return name;
}

test('names lead where the automaton does, and no two places share one', () => {
  fc.assert(
    fc.property(patterns, fc.array(paths, { maxLength: 30 }), (allow, targets) => {
      const access = accessOf(proxyOf(allow));
      if (!access) return;
      const endpoints = endpointsOf(access);
      const names = endpoints.junctions.map(({ name }) => name);
      assert.is(new Set(names).size, names.length);
      for (const target of targets) assert.is(walk(endpoints, target), run(access.automaton, target)?.name ?? '-');
    }),
    { numRuns: 300 },
  );
});

test('another pattern adds names and changes none; without it they are what they were', () => {
  fc.assert(
    fc.property(patterns, pattern, (allow, added) => {
      const before = endpointsFor(allow);
      const after = endpointsFor([...allow, added]);
      const names = new Set(after.junctions.map(({ name }) => name));
      // The rest of a path may be divided: /{x*} beside /{x}/{y*} is never reached by itself.
      for (const { name } of before.junctions) assert.ok(names.has(name) || /\*\}\/?$/.test(name), `${name} is gone`);
    }),
    { numRuns: 300 },
  );
});

test.run();
