import { readdirSync, readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TOO_MANY_STATES, waysOf } from './support/backtracking.ts';
import { expressionsOf, inBytes } from './support/javascriptExpressions.ts';

const test = suite('expressions of the command itself');

/** Where ways grow with a text alone and not with a power of it, a text with 200 of them is longer than this. */
const SHORT = 40;
const STATES = 1_500;

/** Returns what is wrong with an expression that a short text can take more steps than the square of its length. */
function trapOf({ pattern, flags }: { readonly pattern: string; readonly flags: string }): string | undefined {
  const ways = waysOf(Buffer.from(inBytes(pattern)).toString('latin1'), flags.includes('i'), STATES);
  if ('most' in ways || ways.problem === TOO_MANY_STATES) return undefined;
  return (ways.text ?? '').length < SHORT ? ways.problem : undefined;
}

test('a trap is found, and what is merely tried at each place is none', () => {
  for (const { source, flags } of [/^(?:\s|#.*)*rewrite\s/, /^(\w|\d)+$/, /(a*)*b/, /^[^#]+[^#]+[^#]+$/])
    assert.type(trapOf({ pattern: source, flags }), 'string', source);
  for (const { source, flags } of [
    /^(?:\s|#[^\n]*(?:\n|$))*rewrite\s/,
    /[ \t]+$/,
    /^\p{L}+\u2028$/u,
    /(?<=a(?:b|c))d+$/,
  ])
    assert.is(trapOf({ pattern: source, flags }), undefined, source);
});

test('none takes more steps than the square of a text', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const found = files.flatMap((file) =>
    expressionsOf(readFileSync(`src/${file}`, 'utf8')).map((one) => ({ file, ...one })),
  );
  assert.ok(found.length > 900, `${found.length}`);
  const traps = found.flatMap(({ file, line, ...one }) => {
    const problem = trapOf(one);
    return problem === undefined ? [] : [`${file}:${line} ${one.pattern} ${problem}`];
  });
  assert.equal(traps, []);
});

test.run();
