import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../src/compile.ts';
import { grantSetOf } from '../src/plan/callers.ts';
import { foreseen } from '../src/plan/foreseen.ts';
import { run } from '../src/policy/automaton.ts';
import { parseAddress } from '../src/policy/cidr.ts';
import { evaluatorOf } from '../src/policy/decide.ts';
import type { Policy, Proxy } from '../src/policy/types.ts';
import { type Line, line, METHODS, PATHS, textOf } from './guarantees/judges.ts';

const test = suite('what is foreseen of a shadow');
const BODIES = [
  [],
  ...['application/json', 'text/plain'].flatMap((type) =>
    ['1', '20000'].map((length) => [
      ['Content-Type', type],
      ['Content-Length', length],
    ]),
  ),
] as [string, string][][];

const group = fc.record(
  {
    allow: fc.array(line, { minLength: 1, maxLength: 3 }),
    contentTypes: fc.constantFrom('any' as const, ['application/json'], ['application/json', 'text/plain']),
    maxBody: fc.constantFrom('10kB', '1MB'),
    auth: fc.constantFrom('apiKey' as const, 'apiKey' as const, 'apiKey' as const, 'passthrough' as const),
  },
  { requiredKeys: ['allow'] },
);
const key = fc.record(
  {
    routes: fc.constantFrom(['one'], ['two'], ['one', 'two']),
    expires: fc.constantFrom('2020-01-01', '2030-01-01'),
    ipRanges: fc.constantFrom(['10.1.0.0/16'], ['10.1.0.0/16', '10.2.0.0/16']),
  },
  { requiredKeys: ['routes'] },
);
const sides = fc.record({
  one: group,
  two: group,
  a: key,
  b: key,
  ranges: fc.constantFrom(['10.1.0.0/16', '10.2.0.0/16'], ['10.0.0.0/8'], ['10.1.0.0/16']),
  methodNotAllowed: fc.constantFrom(404, 405),
});
type Random = typeof sides extends fc.Arbitrary<infer T> ? T : never;

function policyOf({ one, two, a, b, ranges, methodNotAllowed }: Random): Policy | undefined {
  const groupOf = ({ allow, ...rest }: Random['one']) => ({
    upstream: 'up',
    ...rest,
    allow: (allow as readonly Line[]).map(textOf),
  });
  const groups = { one: groupOf(one), two: groupOf(two) };
  const keyed = Object.entries(groups).flatMap(([name, { auth }]) => (auth === 'passthrough' ? [] : [name]));
  const keyOf = ({ routes, ...rest }: Random['a']) => ({
    ...rest,
    routes: routes.filter((name) => keyed.includes(name)),
  });
  const keys = Object.entries({ a: keyOf(a), b: keyOf(b) }).filter(([, { routes }]) => routes.length > 0);
  const spec = {
    version: 1,
    name: 'random',
    upstreams: { up: { url: 'https://up.example.com' } },
    routes: groups,
    apiKeys: Object.fromEntries(keys.map(([id, rest]) => [id, { key: `env:${id}`, token: 'env:T', ...rest }])),
    proxies: { api: { listen: 8080, ipRanges: ranges, methodNotAllowed } },
  };
  return compile(JSON.stringify(spec), { file: 'postern.json', read: () => undefined, targets: [] }).policy;
}

const clients = ['10.1.0.7', '10.2.0.7'].flatMap((text) => parseAddress(text) ?? []);
const times = ['2019-06-01', '2025-06-01'].map((day) => Date.parse(day) / 1000);

/** Each request that can be told apart, with its decision, in one policy and in the other. */
function* forwarded(own: Policy, other: Policy) {
  const [proxy, twin] = [own.proxies[0], other.proxies[0]] as [Proxy, Proxy];
  const [enforced, shadow] = [evaluatorOf(own, proxy), evaluatorOf(other, twin)];
  const ids = [undefined, ...own.apiKeys.map(({ id }) => id)];
  for (const path of PATHS.filter((each) => each.split('/').length <= 3))
    for (const method of METHODS)
      for (const id of ids)
        for (const client of clients)
          for (const at of times)
            for (const headers of BODIES) {
              const credential = id === undefined ? ({ kind: 'missing' } as const) : ({ kind: 'known', id } as const);
              const request = { method, target: path, headers, client, at, credential };
              const decision = enforced.decide(request);
              if (decision.kind === 'forward') yield { request, decision, shadowed: shadow.decide(request), enforced };
            }
}

test('is what the evaluator decides', () => {
  let [foreseenOnes, others] = [0, 0];
  fc.assert(
    fc.property(sides, sides, fc.boolean(), (left, right, isAlike) => {
      const [own, other] = [policyOf(left), policyOf(isAlike ? { ...left, two: right.two, b: right.b } : right)];
      const [proxy, twin] = [own?.proxies[0], other?.proxies[0]];
      if (!own || !other || !proxy || !twin) return;
      const known = foreseen({ policy: own, proxy }, { policy: other, proxy: twin });
      const operations = new Map(known.operations.map((one) => [`${one.method} ${one.endpoint}`, one.beside]));
      const keys = new Map(own.apiKeys.map((one) => [one.id, grantSetOf(one).name]));
      for (const { request, decision, shadowed, enforced } of forwarded(own, other)) {
        const endpoint = run(enforced.access.automaton, request.target)?.name;
        const beside = operations.get(`${request.method.replace('HEAD', 'GET')} ${endpoint}`);
        if (beside === undefined) continue;
        assert.is(typeof beside === 'number' ? '' : beside.id, shadowed.route, `${request.method} ${request.target}`);
        const grants = decision.key && keys.get(decision.key.id);
        const found = known.decisions.find(
          (one) => one.routeClass.id === decision.route && one.grants === grants && one.beside === beside,
        );
        const status = found?.status ?? (found ? null : 'unknown');
        if (status === 'unknown') others += 1;
        else {
          foreseenOnes += 1;
          const about = [
            request.method,
            request.target,
            JSON.stringify(request.headers),
            JSON.stringify([left, right]),
          ].join(' ');
          assert.is(shadowed.kind === 'forward' ? null : shadowed.status, status, about);
        }
      }
    }),
    { numRuns: Number(process.env['RUNS'] ?? 40) },
  );
  // Chance decides how many; none would show nothing.
  assert.ok(foreseenOnes > others / 100 && others > 0, `${foreseenOnes} foreseen, ${others} not`);
});

test.run();
