import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diffAccess } from '../src/policy/diff/diff.ts';
import { type AccessChange, mayWiden, type RequestExample } from '../src/policy/diff/types.ts';
import { outcomeOf, type Question, versionOf } from '../src/policy/diff/version.ts';
import { resolvePolicy } from '../src/policy/resolve.ts';
import type { Policy } from '../src/policy/types.ts';
import { type Spec, specSchema } from '../src/spec/schema.ts';
import { policyOf } from './support/policy.ts';

const base = {
  upstreams: { gitlab: { url: 'https://gitlab.example.com' }, other: { url: 'https://other.example.com' } },
  routes: {
    read: { upstream: 'gitlab', allow: ['GET /groups', 'GET /groups/{id:int}', 'GET /p/{project:encodedPath}'] },
    write: { upstream: 'gitlab', allow: ['POST,PUT /groups/{id:int}'] },
    runner: { upstream: 'gitlab', auth: 'passthrough', allow: ['POST /jobs/request'] },
  },
  apiKeys: {
    reader: { key: 'env:R', token: 'env:T', routes: ['read'] },
    writer: {
      key: 'env:W',
      token: 'env:T',
      routes: ['read', 'write'],
      ipRanges: ['10.1.0.0/16'],
      expires: '2027-01-01',
    },
  },
  proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'], answer: [{ request: 'GET /', status: 204 }] } },
  domainRewrites: [
    { from: 'git.example.com', to: 'git.link.example.com' },
    { from: '*.pages.example.com', to: '*.pages.link.example.com' },
  ],
};
type Base = typeof base;
type Draft = { [K in keyof Base]: Record<string, Record<string, unknown>> } & {
  domainRewrites: Record<string, unknown>[];
};

/** Changes or adds an entry of a section. */
function set(section: Record<string, Record<string, unknown>>, id: string, fields: object = {}): void {
  section[id] = { ...section[id], ...fields };
}

const test = suite('access diff');

function changed(edit: (spec: Draft) => void, from: object = base): readonly AccessChange[] {
  const after = structuredClone(from) as unknown as Draft;
  edit(after);
  const { value = [], diagnostics } = diffAccess(policyOf(from), policyOf(after));
  assert.equal(diagnostics, []);
  return value;
}

const lines = (changes: readonly AccessChange[]) =>
  changes.map(({ kind, effect, message }) => `${effect} ${kind}: ${message}`);

function words(change: AccessChange | undefined): string {
  const { example } = change ?? {};
  if (example?.kind !== 'request') return example ? `${example.name}: ${example.before} -> ${example.after}` : 'none';
  const { method, target, key, from, before, after } = example;
  return `${method} ${target} as ${key?.id ?? 'nobody'} from ${from}: ${before} -> ${after}`;
}

const TABLE: readonly [title: string, edit: (spec: Draft) => void, expected: readonly string[], example?: string][] = [
  ['nothing', () => {}, []],
  [
    'a new route',
    (spec) => set(spec.routes, 'read', { allow: [...base.routes.read.allow, 'GET,DELETE /groups/{id:int}/x'] }),
    ['widening allowed: newly allowed: DELETE,GET /groups/{id:int}/x for keys "reader", "writer"'],
    'DELETE /groups/42/x as reader from 10.0.0.0: refused with 404 -> forwarded to gitlab',
  ],
  [
    'a wider parameter',
    (spec) =>
      set(spec.routes, 'read', { allow: ['GET /groups', 'GET /groups/{id:slug}', 'GET /p/{project:encodedPath}'] }),
    ['widening allowed: newly allowed: GET /groups/{id:slug} for keys "reader", "writer"'],
    'GET /groups/c0ffee as reader from 10.0.0.0: refused with 404 -> forwarded to gitlab',
  ],
  [
    'a narrower parameter',
    (spec) => set(spec.routes, 'read', { allow: ['GET /groups', 'GET /groups/{id:int}', 'GET /p/{project}'] }),
    ['narrowing denied: newly denied: GET /p/{project:encodedPath} for keys "reader", "writer"'],
    'GET /p/x%2Fy as reader from 10.0.0.0: forwarded to gitlab -> refused with 404',
  ],
  [
    'a parameter renamed',
    (spec) => set(spec.routes, 'read', { allow: ['GET /groups/{g:int}', 'GET /groups', 'GET /p/{q:encodedPath}'] }),
    [],
  ],
  [
    'a redundant route',
    (spec) =>
      set(spec.routes, 'read', {
        allow: [...base.routes.read.allow, 'GET /groups/7', 'GET /p/{project:a|b}', 'HEAD /groups'],
      }),
    [],
  ],
  [
    'a group split and renamed',
    (spec) => {
      spec.routes['one'] = { upstream: 'gitlab', allow: ['GET /groups'] };
      spec.routes['two'] = { upstream: 'gitlab', allow: ['GET /groups/{id:int}', 'GET /p/{project:encodedPath}'] };
      delete spec.routes['read'];
      set(spec.apiKeys, 'reader', { routes: ['one', 'two'] });
      set(spec.apiKeys, 'writer', { routes: ['one', 'two', 'write'] });
    },
    [],
  ],
  [
    'an upstream renamed',
    (spec) => {
      set(spec.upstreams, 'git', spec.upstreams['gitlab']);
      delete spec.upstreams['gitlab'];
      for (const group of Object.values(spec.routes)) group['upstream'] = 'git';
    },
    [],
  ],
  [
    'a key renamed',
    (spec) => {
      set(spec.apiKeys, 'lector', spec.apiKeys['reader']);
      delete spec.apiKeys['reader'];
    },
    [],
  ],
  [
    'a second secret of a key',
    (spec) => set(spec.apiKeys, 'reader', { key: ['env:R', 'env:R2'] }),
    ['widening key-source: env:R2 is accepted as key "reader"'],
    'GET /groups as reader from 10.0.0.0: refused with 403 -> forwarded to gitlab',
  ],
  [
    'a new key',
    (spec) => set(spec.apiKeys, 'new', { key: 'env:N', token: 'env:T', routes: ['write'] }),
    ['widening key-added: key "new" added: routes of write'],
  ],
  [
    'a key removed',
    (spec) => delete spec.apiKeys['writer'],
    ['narrowing key-removed: key "writer" removed: routes of read, write'],
  ],
  [
    'a scope widened',
    (spec) => set(spec.apiKeys, 'reader', { routes: ['read', 'write'] }),
    ['widening scope: routes of write are open now for key "reader"'],
    'POST /groups/42 as reader from 10.0.0.0: refused with 403 -> forwarded to gitlab',
  ],
  [
    'a scope narrowed',
    (spec) => set(spec.apiKeys, 'writer', { routes: ['read'] }),
    ['narrowing scope: routes of write are closed now for key "writer"'],
  ],
  [
    'a key extended',
    (spec) => set(spec.apiKeys, 'writer', { expires: '2028-01-01' }),
    ['widening expiry: expires 2028-01-01 (before: 2027-01-01) for key "writer"'],
    'GET /groups as writer from 10.1.0.0: refused with 403 -> forwarded to gitlab',
  ],
  [
    'proxy ranges widened, which a key of narrower ranges does not notice',
    (spec) => set(spec.proxies, 'api', { ipRanges: ['10.0.0.0/8', '11.0.0.0/8'] }),
    ['widening addresses: 11.0.0.0/8 may connect now to proxy "api"'],
  ],
  ['ranges written differently', (spec) => set(spec.proxies, 'api', { ipRanges: ['10.0.0.0/9', '10.128.0.0/9'] }), []],
  [
    'key ranges moved',
    (spec) => set(spec.apiKeys, 'writer', { ipRanges: ['10.1.0.0/17', '10.2.0.0/24', '12.0.0.0/8'] }),
    [
      'widening addresses: 10.2.0.0/24 may connect now for key "writer"',
      'narrowing addresses: 10.1.128.0/17 may connect no longer for key "writer"',
    ],
    'GET /groups as writer from 10.2.0.0: refused with 403 -> forwarded to gitlab',
  ],
  [
    'another token',
    (spec) => set(spec.apiKeys, 'reader', { token: 'env:ADMIN' }),
    ['unclear token: key "reader" causes the token env:ADMIN to be sent (before: env:T)'],
    'GET /groups as reader from 10.0.0.0: forwarded to gitlab -> forwarded to gitlab',
  ],
  [
    'another upstream',
    (spec) => set(spec.upstreams, 'gitlab', { url: 'https://evil.example.com' }),
    ['unclear upstream: upstream "gitlab": url https://gitlab.example.com → https://evil.example.com'],
  ],
  [
    'passthrough becomes apiKey',
    (spec) => delete spec.routes['runner']?.['auth'],
    ['narrowing auth: POST /jobs/request needs a key now'],
    'POST /jobs/request as nobody from 10.0.0.0: forwarded to gitlab -> refused with 401',
  ],
  [
    'apiKey becomes passthrough',
    (spec) => {
      set(spec.routes, 'write', { auth: 'passthrough' });
      set(spec.apiKeys, 'writer', { routes: ['read'] });
    },
    ['widening auth: POST,PUT /groups/{id:int} needs no key any more'],
    'POST /groups/42 as nobody from 10.0.0.0: refused with 401 -> forwarded to gitlab',
  ],
  [
    'more body types and larger bodies',
    (spec) => set(spec.routes, 'write', { contentTypes: 'any', maxBody: '2MB' }),
    [
      'widening content-types: POST,PUT /groups/{id:int} takes bodies of any type (before: application/json)',
      'widening max-body: POST,PUT /groups/{id:int} takes bodies of up to 2097152 bytes (before: of up to 1048576 bytes)',
    ],
    'POST /groups/42 as writer from 10.1.0.0: refused with 415 -> forwarded to gitlab',
  ],
  [
    'another refusal is no access',
    (spec) => set(spec.proxies, 'api', { methodNotAllowed: 404 }),
    ['neutral status: a method that is not allowed is refused with 404 (before: 405)'],
    'DELETE /groups as reader from 10.0.0.0: refused with 405 -> refused with 404',
  ],
  [
    'a name led elsewhere',
    (spec) => Object.assign(spec.domainRewrites[0] ?? {}, { to: 'git2.link.example.com' }),
    ['unclear rewrite: git.example.com stands for git2.link.example.com (before: stands for git.link.example.com)'],
    'git.example.com: git.link.example.com -> git2.link.example.com',
  ],
  ['rewrites in another order', (spec) => spec.domainRewrites.reverse(), []],
  ['a proxy removed', (spec) => delete spec.proxies['api'], ['narrowing proxy-removed: proxy "api" removed: 5 routes']],
  [
    'a proxy renamed',
    (spec) => {
      set(spec.proxies, 'front', spec.proxies['api']);
      delete spec.proxies['api'];
    },
    [],
  ],
];

for (const [title, edit, expected, example] of TABLE) {
  test(title, () => {
    const changes = changed(edit);
    assert.equal(lines(changes), expected);
    if (example !== undefined) assert.is(words(changes[0]), example);
  });
}

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
      secret: fc.constantFrom('env:A', 'env:B', 'env:C'),
      token: fc.constantFrom('env:T', 'env:U'),
      groups: maybe(fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 2 })),
      ipRanges: maybe(ranges),
      expires: maybe(fc.constantFrom(...DAYS)),
    }),
    { maxLength: 3 },
  ),
  ipRanges: ranges,
  methodNotAllowed: fc.constantFrom(404, 405),
  answer: fc.array(fc.tuple(fc.constantFrom('GET /', 'GET /a/', 'POST /zz'), fc.constantFrom(200, 204)), {
    maxLength: 1,
  }),
  url: fc.constantFrom('https://one.example.com', 'https://two.example.com'),
});
type Shape = typeof specOf extends fc.Arbitrary<infer T> ? T : never;

function specFrom(shape: Shape): object {
  const { upstream, ...shared } = shape.shared;
  const groups = shape.groups.map(
    ({ open, allow }, index) =>
      [`g${index}`, { upstream, auth: open ? 'passthrough' : 'apiKey', ...shared, allow }] as const,
  );
  const keyed = shape.groups.flatMap(({ open }, index) => (open ? [] : [`g${index}`]));
  const keys = shape.keys.map(({ secret, token, groups: wanted, ipRanges, expires }, index) => {
    const routes = wanted?.map((group) => `g${group}`).filter((group) => keyed.includes(group)) ?? [];
    const optional = {
      ...(routes.length > 0 ? { routes } : {}),
      ...(ipRanges === undefined ? {} : { ipRanges }),
      ...(expires === undefined ? {} : { expires }),
    };
    return [`k${index}`, { key: secret, token, ...optional }] as const;
  });
  return {
    version: 1,
    name: 'test',
    upstreams: { u: { url: shape.url }, v: { url: 'https://one.example.com' } },
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

/** Half of the pairs differ in one thing only, so that small differences do not drown in large ones. */
const shapes = fc
  .tuple(
    specOf,
    specOf,
    fc.constantFrom('all', ...(['shared', 'groups', 'keys', 'ipRanges', 'methodNotAllowed', 'answer', 'url'] as const)),
  )
  .map(([before, other, part]): [Shape, Shape] => [
    before,
    part === 'all' ? other : { ...before, [part]: other[part] },
  ]);
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
  reference: fc.constantFrom(undefined, 'env:A', 'env:B', 'env:C'),
  at: fc.constantFrom('2025-01-01', '2026-03-01', '2026-09-01', '2028-01-01').map((day) => Date.parse(day) / 1000),
});

const outcomes = (before: Policy, after: Policy) => {
  const versions = [versionOf(before, before.proxies[0]), versionOf(after, after.proxies[0])] as const;
  return (one: Question) => versions.map((version) => outcomeOf(version.decide(one), version));
};

test('every example is decided differently, and no request is where nothing was reported', () => {
  let compared = 0;
  let silent = 0;
  fc.assert(
    fc.property(pairs, fc.array(question, { minLength: 100, maxLength: 100 }), ([before, after], questions) => {
      if (!before || !after) return;
      compared++;
      const { value: changes = [] } = diffAccess(before, after);
      const ask = outcomes(before, after);
      for (const change of changes) checkExample(change, before, after);
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
    { numRuns: 400, seed: 11 },
  );
  assert.ok(compared > 150, `only ${compared} pairs were valid`);
  assert.ok(silent > 10, `only ${silent} pairs were equal`);
});

function checkExample(change: AccessChange, before: Policy, after: Policy): void {
  if (
    change.kind === 'listen' ||
    change.kind === 'client-address' ||
    change.kind === 'key-header' ||
    change.kind === 'rate-limit'
  )
    return;
  const { example } = change;
  assert.ok(example, `${change.message} has no example`);
  if (example?.kind !== 'request') return;
  const [left, right] = outcomes(before, after)(asked(example));
  if (change.kind === 'status') assert.is.not(example.before, example.after);
  else assert.is.not(left, right, `${change.message}: ${JSON.stringify(example)}`);
  if (change.effect === 'widening') assert.is.not(right, 'refused');
  if (change.effect === 'narrowing') assert.is.not(left, 'refused');
}

function asked({ method, target, headers, from, key, at }: RequestExample): Question {
  return { method, target, headers, from, reference: key?.reference, at: at ?? 0 };
}

test('a spec against itself in other words has no change', () => {
  fc.assert(
    fc.property(specOf, (shape) => {
      const turned = {
        ...shape,
        groups: shape.groups.map((group) => ({ ...group, allow: [...group.allow, ...group.allow].reverse() })),
      };
      const [before, after] = [policyFrom(shape), policyFrom(turned)];
      if (before && after) assert.equal(lines(diffAccess(before, after).value ?? []), []);
    }),
    { numRuns: 200, seed: 5 },
  );
});

test('thousands of paths of one line are one change', () => {
  const paths = Array.from({ length: 5000 }, (_, index) => `GET /r/${index}/{id:int}`);
  const one = {
    ...base,
    routes: { read: { upstream: 'gitlab', allow: paths } },
    apiKeys: { reader: { key: 'env:R', token: 'env:T' } },
  };
  assert.equal(lines(changed((spec) => set(spec.routes, 'read', { allow: ['GET /r/{any:int}/{id:int}'] }), one)), [
    'widening allowed: newly allowed: GET /r/{any:int}/{id:int} for key "reader"',
  ]);
});

test.run();
