import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildAutomaton, CLASS_EXAMPLES, run } from '../../src/policy/automaton.ts';
import { type PathPattern, type PatternSegment, parsePattern, parseRequestLine } from '../../src/policy/pattern.ts';
import { ACCEPTED_BY, classify, PARAMETER_TYPES } from '../../src/policy/segment.ts';

const test = suite('patterns');

const SEGMENTS: readonly [segment: string, type: string | undefined][] = [
  ['1', 'int'],
  ['c0ffee', 'hex'],
  ['C0FFEE', 'hex'],
  ['123e4567-e89b-12d3-a456-426614174000', 'uuid'],
  ['a.b_c-d', 'slug'],
  ['...', 'slug'],
  ['.gitlab-ci.yml', 'slug'],
  ['a:b@c', 'segment'],
  ['bug%20fix', 'segment'],
  ['%C3%A9', 'segment'],
  ['a;v=1', 'segment'],
  ['parent%2Fchild', 'encodedPath'],
  ['parent%2fchild%2F.github', 'encodedPath'],
  ['a%252Fb', 'encodedText'],
  ['a%3Fb', 'encodedText'],
  ['a%3f', 'encodedText'],
  ['a%23b', 'encodedText'],
  ['100%25', 'encodedText'],
  ['a%25', 'encodedText'],
  ['feature%2Ffix%20%2342', 'encodedText'],
  ['...%3F', 'encodedText'],
  ['..%25', 'encodedText'],
  ['%3F%2F%23', 'encodedText'],
  ['..%3F', undefined],
  ['..%23x', undefined],
  ['%2e%2E%3f', undefined],
  ['.%23', undefined],
  ['a%2F..%3Fb', undefined],
  ['%23%2F', undefined],
  ['a%3Fb%5C', undefined],
  ['a%3Fb%00', undefined],
  ['', undefined],
  ['.', undefined],
  ['..', undefined],
  ['%2e', undefined],
  ['.%2E', undefined],
  ['..;', undefined],
  ['.;a=b', undefined],
  ['%2e%2e%3bx', undefined],
  ['a%2F..', undefined],
  ['..%2Fa', undefined],
  ['a%2F%2e%2E%2Fb', undefined],
  ['a%2F..;x', undefined],
  ['a%2F', undefined],
  ['%2Fa', undefined],
  ['a%2F%2Fb', undefined],
  ['a%5Cb', undefined],
  ['a\\b', undefined],
  ['a%3Eb%22', 'segment'],
  ['a%00', undefined],
  ['a%0a', undefined],
  ['a%7F', undefined],
  ['a%', undefined],
  ['a%2', undefined],
  ['a%zz', undefined],
  ['a b', undefined],
  ['a"b', undefined],
  ['a#b', undefined],
  ['a?b', undefined],
  ['é', undefined],
  ['a\n', undefined],
];

for (const [segment, type] of SEGMENTS) {
  test(`segment ${JSON.stringify(segment)} is ${type ?? 'nothing'}`, () => assert.is(classify(segment), type));
}

test('each class has an example of its own', () => {
  for (const type of PARAMETER_TYPES) assert.is(classify(CLASS_EXAMPLES[type]), type);
});

const BAD_PATTERNS: readonly [pattern: string, problem: RegExp][] = [
  ['api/v4', /does not start with "\/"/],
  ['/a?b=1', /query/],
  ['/a//b', /empty segment/],
  ['/a/../b', /no request may hold/],
  ['/a/%2e/b', /no request may hold/],
  ['/a/x%2F../b', /no request may hold/],
  ['/a b', /no request may hold/],
  ['/a/{x', /neither literal nor a parameter/],
  ['/a/x{y}', /neither literal nor a parameter/],
  ['/a/{x:number}', /unknown type "number"/],
  ['/a/{x}/{x}', /twice/],
  ['/a/{x*}/b', /before its end/],
  ['/a/{x:slug*}/{y}', /before its end/],
  ['/a/{x*}//', /before its end/],
  ['/a/{x*:slug}', /star stands too early/],
  ['/a/{x:a|b*}', /repeats the list/],
  ['/a/{x:a*|b}', /offers "a\*"/],
  ['/a/{x:*}', /unknown type ""/],
  ['/a/{x**}', /neither literal nor|star/],
  ['/a/x%3F/../b', /no request may hold/],
  ['/a/*', /a star matches only itself/],
  ['/a/(.*)', /a star matches only itself/],
  ['/a/{x:a|..}', /offers "\.\."/],
];

for (const [pattern, problem] of BAD_PATTERNS) {
  test(`pattern ${pattern} is refused`, () => {
    const result = parsePattern(pattern);
    assert.ok('problem' in result, 'was accepted');
    assert.match(result.problem, problem);
    assert.ok(result.hint.length > 0);
  });
}

test('parameters of other tools are shown as they are written here', () => {
  for (const [pattern, meant] of [
    ['/a/<id>', '{id}'],
    ['/a/[id]/b', '{id}'],
    ['/a/%s', '{name}'],
  ] as const) {
    const result = parsePattern(pattern);
    assert.ok('problem' in result && result.hint.startsWith(`a parameter is ${meant};`), pattern);
  }
});

test('methods are sorted, once, and HEAD goes with GET', () => {
  assert.equal(parseRequestLine('POST,GET,HEAD,GET /a'), { methods: ['GET', 'POST'], path: '/a' });
  assert.equal(parseRequestLine('/a'), { problem: 'the method is missing', meant: 'GET /a' });
  assert.equal(parseRequestLine('HEAD /a'), { methods: ['HEAD'], path: '/a' });
  for (const bad of ['GET', 'get /a', 'GET, /a', 'GET /a b', 'TRACE /a', 'CONNECT /a', '/a', '']) {
    assert.ok('problem' in parseRequestLine(bad), `${bad} was accepted`);
  }
});

test('lists of values that multiply are given up on early, not when memory ends', () => {
  const text = `/${Array.from({ length: 20 }, (_, index) => `{p${index}:a|b|c}`).join('/')}`;
  const pattern = parsePattern(text);
  assert.ok(!('problem' in pattern));
  assert.is(buildAutomaton([{ pattern }]), undefined);
});

/** A second, slow reading of what a pattern means, written without the automaton. */
function matches(pattern: PathPattern, path: string): boolean {
  return matchesParts(pattern.segments, path.slice(1).split('/'));
}

function matchesParts([segment, ...after]: readonly PatternSegment[], parts: readonly string[]): boolean {
  const [part, ...others] = parts;
  if (segment === undefined || part === undefined) return segment === undefined && part === undefined;
  const own = classify(part);
  switch (segment.kind) {
    case 'literal':
      return part === segment.text && matchesParts(after, others);
    case 'choice':
      return segment.values.includes(part) && matchesParts(after, others);
    case 'parameter':
      return own !== undefined && ACCEPTED_BY[own].includes(segment.type) && matchesParts(after, others);
    case 'rest':
      return (
        own !== undefined &&
        ACCEPTED_BY[own].includes(segment.type) &&
        (matchesParts(after, others) || matchesParts([segment, ...after], others))
      );
  }
}

const WORDS = ['a', 'b', '42', 'c0ffee', 'A', 'x-1', 'x~1', 'x%2Fy', 'x%3Fy', '0b0e1d2c-3a4f-4b5c-8d6e-7f8091a2b3c4'];
const patternText = fc
  .tuple(
    fc.array(
      fc.oneof(
        fc.constantFrom(...WORDS),
        fc.constantFrom(...PARAMETER_TYPES).map((type) => `{p:${type}}`),
        fc.constant('{p:a|42|b}'),
      ),
      { minLength: 1, maxLength: 4 },
    ),
    fc.oneof(
      fc.constantFrom('', '/', '/{rest*}', '/{rest*}/'),
      fc.constantFrom(...PARAMETER_TYPES).chain((type) => fc.constantFrom(`/{rest:${type}*}`, `/{rest:${type}*}/`)),
    ),
  )
  .map(([parts, end]) => `/${parts.map((part, index) => part.replace('{p:', `{p${index}:`)).join('/')}${end}`);

test('the automaton knows exactly the patterns that match a path', () => {
  const path = fc
    .array(fc.constantFrom(...WORDS, '', '..', 'z', '7', 'a%2F..'), { minLength: 1, maxLength: 6 })
    .map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(
      fc.array(patternText, { maxLength: 8 }),
      fc.array(path, { minLength: 20, maxLength: 20 }),
      (texts, paths) => {
        const items = texts.map((text) => {
          const pattern = parsePattern(text);
          assert.not.ok('problem' in pattern, `${text}: ${JSON.stringify(pattern)}`);
          return { pattern: pattern as PathPattern };
        });
        const automaton = buildAutomaton(items);
        assert.ok(automaton);
        const examples = automaton ? automaton.states.slice(1).map((state) => state.example) : [];
        for (const state of automaton?.states.slice(1) ?? []) {
          assert.is(
            automaton && run(automaton, state.example)?.id,
            state.id,
            `${state.example} does not lead to its state`,
          );
        }
        for (const candidate of [...paths, ...examples]) {
          const found = automaton ? (run(automaton, candidate)?.accepts ?? []) : [];
          assert.equal(
            found.map((item) => item.pattern.text),
            items.filter((item) => matches(item.pattern, candidate)).map((item) => item.pattern.text),
            candidate,
          );
        }
      },
    ),
    { numRuns: 300, seed: 7 },
  );
});

test.run();
