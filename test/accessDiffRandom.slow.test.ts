import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diffAccess } from '../src/accessDiff/diff.ts';
import { type AccessChange, mayWiden, type RequestExample } from '../src/accessDiff/types.ts';
import { outcomeOf, type Question, versionOf } from '../src/accessDiff/version.ts';
import { resolveName } from '../src/policy/names.ts';
import { resolvePolicy } from '../src/policy/resolve.ts';
import type { Policy } from '../src/policy/types.ts';
import { type Spec, specSchema } from '../src/spec/schema.ts';

const test = suite('access diff of random specs');

const METHODS = ['GET', 'HEAD', 'POST', 'DELETE'];
const WORDS = ['a', 'b', '42', 'c0ffee', 'x~1', 'x%2Fy'];
const ADDRESSES = ['10.0.0.1', '10.0.0.200', '10.0.1.1', '192.0.2.1', '2001:db8::1'];
const RANGES = ['10.0.0.0/24', '10.0.0.0/25', '10.0.1.0/24', '10.0.0.0/8', '2001:db8::/32', '192.0.2.0/24'];
const DAYS = ['2026-01-01', '2026-06-01', '2027-01-01'];

const pattern = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', '42', '{p}', '{p:int}', '{p:hex}', '{p:slug}', '{p:encodedPath}', '{p:a|42}'), {
      minLength: 1,
      maxLength: 3,
    }),
    fc.constantFrom('', '', '/{rest*}', '/'),
  )
  .map(([parts, end]) => `/${parts.map((part, index) => part.replace('{p', `{p${index}`)).join('/')}${end}`);
const request = fc
  .tuple(fc.uniqueArray(fc.constantFrom(...METHODS), { minLength: 1, maxLength: 2 }), pattern)
  .map(([methods, path]) => `${methods.join(',')} ${path}`);
const ranges = fc.oneof(fc.constant('any'), fc.uniqueArray(fc.constantFrom(...RANGES), { minLength: 1, maxLength: 3 }));
const maybe = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined, freq: 2 });

/** Conflicts are errors, so what must agree is drawn once for a spec, and sometimes for a group. */
const specOf = fc.record({
  shared: fc.record({
    contentTypes: fc.constantFrom('any', ['application/json'], ['application/json', 'text/plain'], ['text/plain']),
    maxBody: fc.constantFrom('1kB', '2kB', 'unlimited'),
    headers: fc.constantFrom([], ['x-one'], ['x-one', 'x-two']),
    websocket: fc.boolean(),
    upstream: fc.constantFrom('u', 'v'),
  }),
  groups: fc.array(fc.record({ open: fc.boolean(), allow: fc.array(request, { minLength: 1, maxLength: 3 }) }), {
    minLength: 1,
    maxLength: 3,
  }),
  keys: fc.array(
    fc.record({
      secret: fc.constantFrom(['A'], ['B'], ['A', 'B']),
      rateLimit: maybe(fc.constantFrom('5/s', '100/m')),
      token: fc.constantFrom('env:T', 'env:U'),
      groups: maybe(fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 2 })),
      ipRanges: maybe(ranges),
      expires: maybe(fc.constantFrom(...DAYS)),
    }),
    { maxLength: 3 },
  ),
  ipRanges: ranges,
  methodNotAllowed: fc.constantFrom(404, 405),
  answer: fc.array(fc.tuple(fc.constantFrom('GET /', 'GET /', 'POST /zz'), fc.constantFrom(200, 204, 401)), {
    maxLength: 1,
  }),
  upstream: fc.record({
    url: fc.constantFrom('https://one.example.com', 'https://two.example.com'),
    tokenHeader: maybe(fc.constantFrom('PRIVATE-TOKEN', 'X-Token')),
    servers: maybe(fc.uniqueArray(fc.constantFrom('10.9.0.1:443', '10.9.0.2:443'), { minLength: 1, maxLength: 2 })),
    tls: maybe(
      fc.record(
        {
          serverName: fc.constantFrom('one.example.com', 'other.example.com'),
          caFile: fc.constantFrom('/a.pem', '/b.pem'),
          insecureSkipVerify: fc.constantFrom(true),
        },
        { requiredKeys: [] },
      ),
    ),
  }),
});
type Shape = typeof specOf extends fc.Arbitrary<infer T> ? T : never;

function specFrom(shape: Shape): object {
  const { upstream, ...shared } = shape.shared;
  const groups = shape.groups.map(
    ({ open, allow }, index) =>
      [`g${index}`, { upstream, auth: open ? 'passthrough' : 'apiKey', ...shared, allow }] as const,
  );
  const keyed = shape.groups.flatMap(({ open }, index) => (open ? [] : [`g${index}`]));
  const keys = shape.keys.map(({ secret, token, groups: wanted, ipRanges, expires, rateLimit }, index) => {
    const routes = wanted?.map((group) => `g${group}`).filter((group) => keyed.includes(group)) ?? [];
    const optional = {
      ...(routes.length > 0 ? { routes } : {}),
      ...(ipRanges === undefined ? {} : { ipRanges }),
      ...(expires === undefined ? {} : { expires }),
      ...(rateLimit === undefined ? {} : { rateLimit }),
    };
    return [`k${index}`, { key: secret.map((name) => `env:K${index}${name}`), token, ...optional }] as const;
  });
  return {
    version: 1,
    name: 'test',
    upstreams: { u: JSON.parse(JSON.stringify(shape.upstream)), v: { url: 'https://one.example.com' } },
    routes: Object.fromEntries(groups),
    apiKeys: Object.fromEntries(keys),
    proxies: {
      api: {
        listen: 1,
        ipRanges: shape.ipRanges,
        methodNotAllowed: shape.methodNotAllowed,
        answer: shape.answer.map(([line, status]) => ({ request: line, status })),
      },
    },
  };
}

function policyFrom(shape: Shape): Policy | undefined {
  return resolvePolicy(specSchema({}).parse(specFrom(shape)) as Spec, () => undefined).value;
}

/** The other version: all different, or one thing only, so that small differences do not drown in large ones. */
const MIXTURES: readonly ((before: Shape, other: Shape) => Shape)[] = [
  (_, other) => other,
  ...(['shared', 'groups', 'keys', 'ipRanges', 'methodNotAllowed', 'answer', 'upstream'] as const).map(
    (part) => (before: Shape, other: Shape) => ({ ...before, [part]: other[part] }),
  ),
  ...(['groups', 'expires', 'ipRanges', 'token', 'secret', 'rateLimit'] as const).map(
    (part) => (before: Shape, other: Shape) => ({
      ...before,
      keys: before.keys.map((key, index) => ({ ...key, [part]: (other.keys[index] ?? key)[part] })),
    }),
  ),
  ...(['tls', 'servers'] as const).map((part) => (before: Shape, other: Shape) => ({
    ...before,
    upstream: { ...before.upstream, [part]: other.upstream[part] },
  })),
];
const shapes = fc
  .tuple(specOf, specOf, fc.constantFrom(...MIXTURES))
  .map(([before, other, mix]): [Shape, Shape] => [before, mix(before, other)]);
const pairs = shapes.map(([a, b]) => [policyFrom(a), policyFrom(b)] as const);

const question = fc.record({
  method: fc.constantFrom(...METHODS),
  target: fc.array(fc.constantFrom(...WORDS, ''), { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
  headers: fc.constantFrom<Question['headers'][]>(
    [],
    [
      ['Content-Type', 'text/plain'],
      ['Content-Length', '1'],
    ],
    [
      ['Content-Type', 'application/json'],
      ['Content-Length', '1500'],
    ],
    [
      ['Content-Type', 'image/png'],
      ['Content-Length', '3000'],
    ],
  ),
  from: fc.constantFrom(...ADDRESSES),
  references: fc.constantFrom([], ['env:K0A'], ['env:K0B'], ['env:K1A'], ['env:K1B'], ['env:K2A']),
  at: fc.constantFrom('2025-01-01', '2026-03-01', '2026-09-01', '2028-01-01').map((day) => Date.parse(day) / 1000),
});

const outcomes = (before: Policy, after: Policy) => {
  const versions = [versionOf(before, before.proxies[0]), versionOf(after, after.proxies[0])] as const;
  return (one: Question) => versions.map((version) => outcomeOf(version.decide(one), version));
};

test('every example is decided differently, and no request is where nothing was reported', () => {
  let compared = 0;
  let silent = 0;
  const counts = { fact: 0, name: 0, request: 0 };
  const kinds = new Set<string>();
  fc.assert(
    fc.property(pairs, fc.array(question, { minLength: 100, maxLength: 100 }), ([before, after], questions) => {
      if (!before || !after) return;
      compared++;
      const { value: changes = [] } = diffAccess(before, after);
      const ask = outcomes(before, after);
      for (const change of changes) counts[checkExample(change, before, after)]++;
      for (const { kind, effect } of changes) kinds.add(`${effect} ${kind}`);
      if (changes.length === 0) silent++;
      const widens = changes.some(mayWiden);
      const narrows = changes.some(({ effect }) => effect === 'narrowing' || effect === 'unclear');
      const differs = changes.some(({ kind }) => kind !== 'status');
      for (const one of questions) {
        const [left, right] = ask(one);
        if (left === right) continue;
        assert.ok(differs, `unreported: ${JSON.stringify(one)}: ${left} -> ${right}`);
        if (left === 'refused') assert.ok(widens, `no widening reported: ${JSON.stringify(one)}`);
        if (right === 'refused') assert.ok(narrows, `no narrowing reported: ${JSON.stringify(one)}`);
      }
    }),
    { numRuns: 1000, seed: 11 },
  );
  assert.equal(
    KINDS.filter((kind) => !kinds.has(kind)),
    [],
  );
  assert.ok(counts.request > 10 * counts.fact, JSON.stringify(counts));
  assert.ok(compared > 400, `only ${compared} pairs were valid`);
  assert.ok(silent > 10, `only ${silent} pairs were equal`);
});

/** What must have come up, or nothing has been shown of it. */
const KINDS = [
  ...[
    'addresses',
    'content-types',
    'expiry',
    'headers',
    'key-source',
    'max-body',
    'rate-limit',
    'scope',
    'websocket',
  ].flatMap((kind) => [`widening ${kind}`, `narrowing ${kind}`]),
  ...['widening allowed', 'narrowing denied', 'widening auth', 'narrowing auth', 'unclear auth'],
  ...['widening key-added', 'narrowing key-removed', 'unclear token', 'neutral answer', 'neutral status'],
  ...['widening upstream', 'unclear upstream', 'narrowing upstream'],
];

const FACTS: readonly string[] = [
  ...['addresses', 'answer', 'content-types', 'expiry', 'headers', 'max-body', 'token', 'upstream', 'websocket'],
];

function checkExample(change: AccessChange, before: Policy, after: Policy): 'fact' | 'name' | 'request' {
  const { example } = change;
  // Facts of keys and upstreams may be such that no request gets through in both versions.
  if (change.kind === 'rate-limit' || (!example && FACTS.includes(change.kind))) return 'fact';
  assert.ok(example, `${change.message} has no example`);
  if (example?.kind !== 'request') return 'name';
  const [left, right] = outcomes(before, after)(asked(example));
  if (change.kind === 'status') assert.is.not(example.before, example.after);
  else assert.is.not(left, right, `${change.message}: ${JSON.stringify(example)}`);
  if (change.effect === 'widening') assert.is.not(right, 'refused');
  if (change.effect === 'narrowing') assert.is.not(left, 'refused');
  return 'request';
}

function asked({ method, target, headers, from, key, at }: RequestExample): Question {
  return {
    method,
    target,
    headers,
    from,
    references: key ? [...(key.formerly === undefined ? [] : [key.formerly]), key.reference] : [],
    at: at ?? 0,
  };
}

test('a spec against itself in other words has no change', () => {
  fc.assert(
    fc.property(specOf, (shape) => {
      const turned = {
        ...shape,
        groups: shape.groups.map((group) => ({ ...group, allow: [...group.allow, ...group.allow].reverse() })),
      };
      const [before, after] = [policyFrom(shape), policyFrom(turned)];
      if (before && after) assert.equal(diffAccess(before, after).value, []);
    }),
    { numRuns: 200, seed: 5 },
  );
});

const label = fc.constantFrom('a', 'b', 'c');
const zone = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => `${labels.join('.')}.example`);
const rewrite = fc
  .record({
    from: zone,
    to: fc.constantFrom('one.test', 'two.test', 'name.one.test'),
    stars: fc.constantFrom(['', ''], ['*.', '*.'], ['*.', '']),
  })
  .map(({ from, to, stars: [before, after] }) => ({ from: before + from, to: after + to }));
const rewrites = fc
  .uniqueArray(rewrite, { maxLength: 5, selector: ({ from }) => from })
  .map((domainRewrites) => resolvePolicy({ version: 1, name: 'test', domainRewrites } as Spec, () => undefined).value);
const names = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', 'c', 'x'), { minLength: 1, maxLength: 4 }))
  .map(([labels]) => `${labels.join('.')}.example`);

test('every name that leads elsewhere is reported, with names that do', () => {
  let silent = 0;
  fc.assert(
    fc.property(rewrites, rewrites, fc.array(names, { minLength: 50, maxLength: 50 }), (before, after, asked) => {
      if (!before || !after) return;
      const changes = diffAccess(before, after).value ?? [];
      if (changes.length === 0) silent++;
      for (const { example } of changes) {
        if (example?.kind !== 'name') throw new Error('a change of names without a name');
        assert.is(resolveName(before, example.name).name, example.before);
        assert.is(resolveName(after, example.name).name, example.after);
        assert.is.not(example.before, example.after);
      }
      const moved = asked.filter((name) => resolveName(before, name).name !== resolveName(after, name).name);
      if (moved.length > 0) assert.ok(changes.length > 0, `unreported: ${moved.join(', ')}`);
    }),
    { numRuns: 500, seed: 17 },
  );
  assert.ok(silent > 5, `only ${silent} pairs were equal`);
});

test.run();
