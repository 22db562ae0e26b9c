import { isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { below, caseless, escapeRegex, IPV4 } from '../../../src/plan/regex.ts';
import { accessOf, routeClassOf } from '../../../src/policy/access.ts';
import { run } from '../../../src/policy/automaton.ts';
import { contains, formatAddress, unionOf } from '../../../src/policy/cidr.ts';
import { PARAMETER_TYPES } from '../../../src/policy/segment.ts';
import type { Proxy } from '../../../src/policy/types.ts';
import { addressTest, IPV6 } from '../../../src/targets/caddy/addresses.ts';
import { ENFORCED } from '../../../src/targets/caddy/names.ts';
import type { CaddyToken } from '../../../src/targets/caddy/quote.ts';
import { allowTable, type Limits, pathRows, routeTable } from '../../../src/targets/caddy/routes.ts';
import { safeTarget } from '../../../src/targets/caddy/safeTarget.ts';
import type { Table } from '../../../src/targets/caddy/table.ts';
import { onlyProxy, policyOf } from '../../support/policy.ts';

// The sources mean the same to RE2 and to JavaScript, so that here the first match is found as Caddy's `map` finds it.
const test = suite('caddy: regular expressions');

const matches = (source: string, text: string) => new RegExp(source).test(text);

test('numbers below a limit', () => {
  const number = fc.oneof(fc.nat(), fc.nat(2000), fc.constantFrom(1, 9, 10, 99, 100, 101, 1_048_577, 4_102_444_800));
  const check = (limit: number, value: number, zeros: number) => {
    const is = matches(`^${below(limit)}$`, '0'.repeat(zeros) + value);
    assert.is(is, value < limit, `${value} < ${limit}`);
  };
  fc.assert(
    fc.property(
      number.filter((limit) => limit > 0),
      number,
      fc.nat(3),
      check,
    ),
    { numRuns: 2000 },
  );
  for (const limit of [1, 2, 10, 11, 100, 1000, 1025])
    for (let value = 0; value < 1100; value++) check(limit, value, 0);
});

test('a text is matched as it is, or in any case of its ASCII letters', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme-ascii', maxLength: 12 }),
      fc.string({ unit: 'grapheme-ascii', maxLength: 12 }),
      (text, other) => {
        assert.ok(matches(`^${escapeRegex(text)}$`, text));
        assert.ok(matches(`^${caseless(text)}$`, text.toUpperCase()));
        assert.is(matches(`^${escapeRegex(text)}$`, other), text === other);
      },
    ),
  );
  assert.not.ok(matches(`^${caseless('json')}$`, 'j\u017fon'), 'U+017F folds to "s" where (?i) is used');
});

test('addresses are what node takes for addresses', () => {
  const group = fc.constantFrom('0', '1', 'ffff', 'FfFf', '00a', '12345', '', 'g');
  const part = fc.oneof(
    { weight: 8, arbitrary: group },
    { weight: 1, arbitrary: fc.constantFrom('1.2.3.4', '01.2.3.4', '256.1.1.1', '255.255.255.255', '1.2.3') },
  );
  const text = fc
    .array(fc.tuple(part, fc.constantFrom(':', ':', ':', '::')), { maxLength: 10 })
    .map((parts) => parts.flat().join('').replace(/:$/, ''));
  const check = (address: string) => {
    assert.is(matches(`^${IPV4}$`, address), isIPv4(address), address);
    assert.is(matches(`^${IPV6}$`, address), isIPv6(address), address);
  };
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        fc.ipV4(),
        fc.ipV6(),
        fc.ipV6().map((address) => address.replace(/0+(?=:)/, '')),
      ),
      check,
    ),
    { numRuns: 2000 },
  );
  for (const address of [
    '::',
    '::1',
    '1::',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:8',
    '::ffff:1.2.3.4',
    '1:2:3:4:5:6:1.2.3.4',
    '1:2:3:4:5:6:7:1.2.3.4',
    '1:2:3:4:5::1.2.3.4',
    '1::2::3',
  ])
    check(address);
});

test('a long list of addresses is one regular expression', () => {
  const range = fc.tuple(fc.bigInt(0n, (1n << 32n) - 1n), fc.bigInt(0n, 1n << 14n)).map(([first, size]) => {
    const last = first + size;
    return { family: 4 as const, first, last: last < 1n << 32n ? last : (1n << 32n) - 1n };
  });
  const many = Array.from({ length: 700 }, (_, index) => ({
    family: 4 as const,
    first: BigInt(index) << 12n,
    last: BigInt(index) << 12n,
  }));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 40 }), (ranges) => {
      const set = unionOf([...ranges, ...many, { family: 6, first: 5n, last: 6n }]);
      const { text, cidrs } = addressTest(set);
      assert.ok(text);
      assert.equal(cidrs, ['::5/128', '::6/128']);
      const regex = new RegExp(text ?? '');
      for (const { first, last } of ranges) {
        for (const value of [first - 1n, first, (first + last) / 2n, last, last + 1n]) {
          if (value < 0n || value >= 1n << 32n) continue;
          const address = { family: 4 as const, value };
          assert.is(regex.test(formatAddress(address)), contains(set, address), formatAddress(address));
        }
      }
    }),
    { numRuns: 30 },
  );
});

const SEGMENTS = [
  'a',
  'b',
  '42',
  'c0ffee',
  'x.y',
  'a%2Fb',
  'a%3Fb',
  '.well-known',
  '{x}',
  ...PARAMETER_TYPES.map((type) => `{x:${type}}`),
  '{x:a|42|zz}',
];
const REQUESTED = [
  'a',
  'b',
  '42',
  '7',
  'c0ffee',
  'beef',
  'x.y',
  'x~1',
  'a%2Fb',
  'a%2fb',
  'a%2F..',
  'a%3Fb',
  'a%23%25%2fb',
  'a%3F%2F..',
  '..%3F',
  '..',
  '.',
  '%2e',
  '%2E%2e',
  '..;',
  '',
  'zz',
  '%00',
  'a"',
  'a%2',
  '.well-known',
  '0b0e1d2c-3a4f-4b5c-8d6e-7f8091a2b3c4',
  'é',
  'A',
  '%41',
];
const METHODS = ['GET', 'POST', 'GET,POST', 'HEAD', 'PUT'];

const rule = fc.tuple(
  fc.constantFrom(...METHODS),
  fc.array(fc.constantFrom(...SEGMENTS), { minLength: 1, maxLength: 4 }),
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('', '', '', '/', '/{rest*}') },
    fc.constantFrom(...PARAMETER_TYPES).chain((type) => fc.constantFrom(`/{rest:${type}*}`, `/{rest:${type}*}/`)),
  ),
);
const requests = fc.array(
  fc.tuple(
    fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'get', 'DELETE'),
    fc.array(fc.constantFrom(...REQUESTED), { minLength: 1, maxLength: 5 }),
  ),
  { minLength: 30, maxLength: 60 },
);

function proxyOf(rules: readonly (readonly [string, readonly string[], string])[]): Proxy {
  const routes: Record<string, { upstream: string; allow: string[] }> = {};
  for (const [index, [methods, segments, end]] of rules.entries()) {
    const path = segments.map((segment, endpoint) => segment.replace('{x', `{x${endpoint}`)).join('/');
    const group = `g${index % 4}`;
    routes[group] = { upstream: 'up', allow: [...(routes[group]?.allow ?? []), `${methods} /${path}${end}`] };
  }
  return onlyProxy(
    policyOf({
      upstreams: { up: { url: 'http://up.example' } },
      routes,
      proxies: { api: { listen: 80, ipRanges: 'any' } },
    }),
  );
}

/** What Caddy's `map` makes of a text. */
function lookedUp({ entries }: Table, text: string): string {
  for (const { input, output } of entries) {
    const match = new RegExp(unquoted(input).slice(1)).exec(text);
    if (match) return unquoted(output).replace(/\$([0-9]+)/g, (_, number) => match[number] ?? '');
  }
  return '';
}

const safeTargets = new RegExp(safeTarget());

const unquoted = (token: CaddyToken) => String(token).slice(1, -1);

const limits: fc.Arbitrary<Limits> = fc.record({
  fewPaths: fc.constantFrom(0, 256),
  mostRows: fc.constantFrom(1, 2, 5, 256),
});

test('a target gets the route class and the methods that the automaton gives it', () => {
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 12 }), requests, limits, (rules, asked, most) => {
      const access = accessOf(proxyOf(rules));
      if (!access) throw new Error('too many overlaps');
      const rows = pathRows(access, most).map(({ pattern, classes }) => ({ classes, regex: new RegExp(pattern) }));
      const [byMethod, methods] = [routeTable(access, ENFORCED), allowTable(access)];
      const endpoints = new Map(access.endpoints.map((endpoint) => [endpoint.state.id, endpoint]));
      for (const [method, segments] of [
        ...asked,
        ...access.endpoints.map(({ state }) => ['GET', state.example.slice(1).split('/')] as const),
      ]) {
        const target = `/${segments.join('/')}`;
        const state = run(access.automaton, target);
        const endpoint = state && endpoints.get(state.id);
        const safe = safeTargets.test(target);
        const row = (safe && rows.find(({ regex }) => regex.test(target))?.classes) || '';
        const routeClass = endpoint && routeClassOf(method, endpoint);
        assert.is(lookedUp(byMethod, `${method} ${row}`), routeClass?.id ?? '', `${method} ${target}`);
        assert.is(lookedUp(methods, row), endpoint?.allow.join(', ') ?? '', target);
      }
    }),
    { numRuns: 300 },
  );
});

test('a new path changes three rows at most, however many there are', () => {
  const allow = (name: string) => ['GET', ['api', name], ''] as const;
  const rowsOf = (names: readonly string[]) => {
    const access = accessOf(proxyOf(names.map(allow)));
    if (!access) throw new Error('too many overlaps');
    return new Set(pathRows(access, { fewPaths: 50, mostRows: 20 }).map(({ pattern }) => pattern));
  };
  const names = Array.from({ length: 300 }, (_, n) => `thing${(n * 7919) % 1000}`);
  let before = rowsOf(names.slice(0, 60));
  for (let count = 61; count <= names.length; count++) {
    const after = rowsOf(names.slice(0, count));
    const changed = [...after].filter((row) => !before.has(row)).length;
    assert.ok(after.size === 20 && changed <= 3, `${names[count - 1]} changed ${changed} of ${after.size} rows`);
    before = after;
  }
});

test.run();
