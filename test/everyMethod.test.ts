import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diffAccess } from '../src/accessDiff/diff.ts';
import { outcomeOf, type Question, versionOf } from '../src/accessDiff/version.ts';
import { runGuarantees } from '../src/commands/guarantees.ts';
import { compile } from '../src/compile.ts';
import { endpointsOf } from '../src/plan/endpoints.ts';
import { accessOf, takes as covers } from '../src/policy/access.ts';
import { redundant, requests } from '../src/rules/access.ts';

const test = suite('"*" of a rule and the method of a request');

/** A rule of a random proxy: of answers, `*` is every method; routes name theirs. */
interface Line {
  readonly methods: readonly string[] | '*';
  readonly path: string;
}

const PATHS = ['/a', '/b', '/{p:int}', '/a/{rest*}'];
const REQUESTED = ['/a', '/b', '/7', '/a/x', '/c'];
const METHODS = ['*', 'get', 'Get', 'CONNECT', 'TRACE', 'FROB', 'GE*', '', 'GET', 'HEAD', 'POST', 'OPTIONS'];

const named = fc.uniqueArray(fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE', 'PATCH', 'PUT', 'PROPFIND'), {
  minLength: 1,
  maxLength: 6,
});
const lines = (methods: fc.Arbitrary<Line['methods']>): fc.Arbitrary<Line[]> =>
  fc.uniqueArray(fc.record({ methods, path: fc.constantFrom(...PATHS) }), {
    maxLength: 3,
    selector: ({ path }) => path,
  });
const spec = fc.record({ answers: lines(fc.oneof(fc.constant('*' as const), named)), routes: lines(named) });
type Shape = typeof spec extends fc.Arbitrary<infer T> ? T : never;

const textOf = ({ methods, path }: Line) => `${methods === '*' ? '*' : methods.join(',')} ${path}`;
const CLAIMS = [...METHODS.filter((method) => /^[A-Z]+$|^\*$/.test(method)), 'PROPFIND'].flatMap((method) =>
  method === 'CONNECT' || method === 'TRACE' ? [] : [`${method} /a`, `${method} /{p:int}`],
);

function compiled({ answers, routes }: Shape) {
  const text = JSON.stringify({
    version: 1,
    name: 'test',
    upstreams: { up: { url: 'https://up.example.com' } },
    routes: { open: { upstream: 'up', auth: 'passthrough', allow: ['GET /always', ...routes.map(textOf)] } },
    proxies: {
      api: { listen: 1, ipRanges: 'any', answer: answers.map((line) => ({ request: textOf(line), status: 200 })) },
    },
    guarantees: CLAIMS.map((never) => ({ never })),
  });
  const read = () => undefined;
  const { composition, policy, spec: parsed } = compile(text, { file: 'postern.json', read, targets: [] });
  return composition && policy && parsed ? { composition, policy, spec: parsed } : undefined;
}

const PATTERNS: Readonly<Record<string, RegExp>> = {
  '/a': /^\/a$/,
  '/b': /^\/b$/,
  '/{p:int}': /^\/\d+$/,
  '/a/{rest*}': /^\/a\/./,
};

/** What a rule takes, written out once more. */
function takes({ methods, path }: Line, method: string, target: string): boolean {
  if (!PATTERNS[path]?.test(target)) return false;
  if (methods === '*') return /^[A-Z_-]+$/.test(method) && method !== 'CONNECT' && method !== 'TRACE';
  return methods.includes(method) || (method === 'HEAD' && methods.includes('GET'));
}

function expected({ answers, routes }: Shape, method: string, target: string): 'forward' | 'answer' | 'deny' {
  if (routes.some((line) => takes(line, method, target))) return 'forward';
  return answers.some((line) => takes(line, method, target)) ? 'answer' : 'deny';
}

const question = (method: string, target: string): Question => ({
  method,
  target,
  headers: [],
  from: '192.0.2.1',
  references: [],
  at: 0,
});

const every = METHODS.flatMap((method) => REQUESTED.map((target) => [method, target] as const));

test('the evaluator and the plan decide as the lines say', () => {
  let valid = 0;
  fc.assert(
    fc.property(spec, (shape) => {
      const policy = compiled(shape)?.policy;
      fc.pre(policy !== undefined);
      const [proxy] = policy?.proxies ?? [];
      if (!policy || !proxy) return;
      valid += 1;
      const { decide } = versionOf(policy, proxy);
      for (const [method, target] of every)
        assert.is(decide(question(method, target))?.kind, expected(shape, method, target), `${method} ${target}`);
      for (const method of METHODS)
        assert.is(covers({ methods: ['*'] }, method), takes({ methods: '*', path: '/a' }, method, '/a'), method);
      const access = accessOf(proxy);
      assert.ok(access);
      for (const { operations, allow } of endpointsOf(access).endpoints)
        assert.equal(
          operations.map(({ method }) => method),
          allow,
        );
      // Lint knows no odd method here, and calls an entry redundant only where the others take the same requests.
      assert.equal(requests(policy), []);
      for (const { at } of redundant(policy)) {
        const index = Number(at.at(-1));
        const without = { ...shape, routes: shape.routes.filter((_, place) => place !== index - 1) };
        for (const [method, target] of every)
          assert.is(expected(without, method, target), expected(shape, method, target), `${method} ${target}`);
      }
    }),
    { numRuns: 150, seed: 3 },
  );
  assert.ok(valid > 50, `${valid} valid specs`);
});

const withHead = (methods: Line['methods']) => [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])];

test('a guarantee is broken exactly by methods that somebody can send', () => {
  fc.assert(
    fc.property(spec, (shape) => {
      const found = compiled(shape);
      fc.pre(found !== undefined);
      if (!found) return;
      const project = { entry: () => '', open: () => ({ problem: '' }), wayOut: () => undefined };
      const { outcomes } = runGuarantees({ source: { read: () => undefined, project }, ...found });
      CLAIMS.forEach((claim, index) => {
        const [method = '', path = ''] = claim.split(' ');
        const sent = shape.routes.flatMap((route) => (route.path === path ? withHead(route.methods) : []));
        const breaks = sent.some((one) => method === '*' || one === method || (one === 'HEAD' && method === 'GET'));
        assert.is(outcomes[index]?.passed, !breaks, `never ${claim}: ${outcomes[index]?.actual}`);
        assert.not.match(outcomes[index]?.actual ?? '', /(?:^| )\* \//);
      });
    }),
    { numRuns: 100, seed: 4 },
  );
});

test('a change of access is reported exactly where a request is decided otherwise, and shown by one that can be sent', () => {
  let [changed, compared] = [0, 0];
  fc.assert(
    fc.property(spec, spec, (one, other) => {
      const [before, after] = [compiled(one)?.policy, compiled(other)?.policy];
      fc.pre(before !== undefined && after !== undefined);
      if (!before || !after) return;
      compared += 1;
      const versions = [versionOf(before, before.proxies[0]), versionOf(after, after.proxies[0])] as const;
      const ask = (asked: Question) => versions.map((version) => outcomeOf(version.decide(asked), version));
      const changes = diffAccess(before, after).value ?? [];
      for (const { example, message } of changes) {
        if (example?.kind !== 'request') continue;
        assert.match(example.method, /^[A-Z-]+$/, message);
        const [left, right] = ask(question(example.method, example.target));
        assert.is.not(left, right, message);
      }
      const differing = every.filter(([method, target]) => {
        const [left, right] = ask(question(method, target));
        return left !== right;
      });
      if (differing.length === 0) return;
      changed += 1;
      assert.ok(changes.length > 0, JSON.stringify(differing[0]));
    }),
    { numRuns: 200, seed: 5 },
  );
  assert.ok(changed > compared / 4, `${changed} of ${compared}`);
});

test.run();
