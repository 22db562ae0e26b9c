import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { waysOf } from './support/backtracking.ts';
import { broadSpec } from './support/broad.ts';
import { fullSpec } from './support/fullSpec.ts';
import { findCases, readSections } from './support/golden.ts';
import { type Expression, expressionsIn } from './support/nginxExpressions.ts';
import { specFiles } from './support/proofs.ts';
import { randomSpecs } from './verify/randomSpecs.ts';

// Go's expressions, in Caddy and CoreDNS, do not backtrack: they read a text once, whatever is in them. PCRE does.
const test = suite('expressions of nginx read each byte a bounded number of times');
// POSTERN_SEED=$RANDOM looks where nobody has looked before.
const seed = process.env['POSTERN_SEED'] ?? 'backtracking';
const specs = Number(process.env['POSTERN_SPECS'] ?? 3);

/** What was found of an expression. Most are in many files. */
const known = new Map<string, string | undefined>();

function problemOf({ source, ignoreCase }: Expression): string | undefined {
  const key = `${ignoreCase} ${source}`;
  if (!known.has(key)) {
    const ways = waysOf(source, ignoreCase);
    known.set(key, 'problem' in ways ? `${source} ${ways.problem}` : undefined);
  }
  return known.get(key);
}

function check(texts: readonly string[]): number {
  const expressions = expressionsIn(texts);
  const problems = expressions.flatMap((one) => problemOf(one) ?? []);
  assert.equal(problems, []);
  return expressions.length;
}

test('what is known to backtrack is told', () => {
  for (const source of ['^(a+)+$', '^a*a*$', '^(?:a|ab|b)*$', 'a*b', '^(?:a*)+b', '^.*x.*y', '^(?:(?=a*b)a)*$'])
    assert.ok('problem' in waysOf(source), source);
  for (const source of [
    '^a+$',
    '^[^/]*+/x',
    '^(?:[^<]|<(?!x))*+<x.*\\z',
    '^.*,[ \\t]*$',
    '^(?:ab|b)*$',
    '^(?:a|ab)?+(?:a|ab)?+$',
  ])
    assert.ok('most' in waysOf(source), source);
});

test('examples', () => {
  const files = readdirSync('examples', { recursive: true, encoding: 'utf8' }).filter((file) =>
    /nginx\/.*[.]conf$/.test(file),
  );
  assert.ok(check(files.map((file) => readFileSync(`examples/${file}`, 'utf8'))) > 100);
});

test('cases', () => {
  const texts = findCases('test').flatMap(({ path }) =>
    [...readSections(path)].flatMap(([name, text]) =>
      /[.]conf$/.test(name) && !/diagnostics/.test(name) ? [text] : [],
    ),
  );
  assert.ok(check(texts) > 20);
});

for (const [name, spec] of [
  ['something of everything that decides', broadSpec],
  ['every field', fullSpec],
  ['random specs', randomSpecs(seed, specs)],
] as const)
  test(name, () => {
    const whole = { version: 1, name: 'expressions', ...spec, targets: { nginx: {} } };
    const { files } = specFiles(JSON.stringify(whole), 'nginx');
    assert.ok(check(files.map(({ text }) => text)) > 50);
  });

test.run();
