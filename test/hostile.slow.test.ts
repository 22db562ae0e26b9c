import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../src/compile.ts';
import { fullSpec, replaced, stringPlaces } from './support/fullSpec.ts';
import { argumentsOf } from './support/grammars.ts';

const HOSTILE: readonly string[] = [
  '"',
  "'",
  '`',
  ';',
  '{',
  '}',
  '{}',
  '$',
  '$uri',
  '${uri}',
  '#',
  '# comment',
  '\\',
  '\\"',
  '\n',
  '\r\n',
  '\t',
  '\0',
  '\u007f',
  ' ',
  '',
  '{$HOME}',
  '{env.HOME}',
  '{{',
  '{{ 1 }}',
  '{% if %}',
  '~',
  '~*x',
  '*',
  '@name',
  '-',
  '<<EOF',
  'default',
  'include',
  'hostnames',
  'x";return 200;#',
  "x'; } server { listen 1; }",
  'a}\n}\nrespond "owned" 200\n',
  '[[x]]',
  '"""',
  "'''",
  '%s%n',
  '../../etc/passwd',
  '/etc/passwd',
  'é',
  'ünïcode',
  '\u202e',
  '\ufeff',
  '\ud800',
  '日本',
  '__proto__',
  'constructor',
  'x'.repeat(5000),
  'a b',
  'a,b',
  'a|b',
  '(?=x)',
  '(.*)+',
  '0',
  'null',
  'true',
  '!!js/function x',
];

const read = () => undefined;

function compiled(spec: unknown) {
  return compile(JSON.stringify(spec), { file: 'postern.json', read });
}

/** Every file of the output, read back by the rules of its own language. */
function shape(spec: unknown): ReadonlyMap<string, readonly string[]> | undefined {
  const { files, diagnostics } = compiled(spec);
  for (const { severity, message, code } of diagnostics) {
    assert.ok(message !== '' && code.includes('/'), JSON.stringify(diagnostics));
    assert.ok(severity === 'error' || severity === 'warning');
  }
  assert.is(
    files === undefined,
    diagnostics.some(({ severity }) => severity === 'error'),
    'neither files nor an error',
  );
  return files && new Map(files.map(({ path, text }) => [path, argumentsOf(path, text)]));
}

/**
 * What is accepted must stand in the files as one token of the engine's language wherever an innocent string
 * of the same place stands, and nowhere may a token be added or lost.
 */
function check(place: ReturnType<typeof stringPlaces>[number], text: string): void {
  const where = `${place.path.join('.')}${place.key ? ' (key)' : ''} = ${JSON.stringify(text.slice(0, 60))}`;
  const hostile = shape(replaced(fullSpec, place, text));
  if (!hostile) return;
  accepted += 1;
  for (const [path, tokens] of hostile) {
    const before =
      innocent.get(path) ?? [...innocent].find(([other]) => kindOf(other) === kindOf(path) && !hostile.has(other))?.[1];
    if (!before) continue;
    assert.is(tokens.length, before.length, `${where}: ${path} has another structure`);
    if (place.key) continue;
    const from = valueAt(place.path);
    for (const [index, token] of before.entries()) {
      if (isFreeText(place.path) && token === from)
        assert.is(spoken(path, tokens[index] ?? ''), text, `${where}: ${path} says something else`);
    }
  }
}

/** Folder and ending: a file that is named after the place has kept these. */
function kindOf(path: string): string {
  return path.replace(/\/[^.]*/, '');
}

/** Fields that any text may be put into, so that it has to come out again as it went in. */
function isFreeText(path: readonly (string | number)[]): boolean {
  return path.includes('responseHeaders') || path.at(-1) === 'body' || path.at(-1) === 'caFile';
}

function valueAt(path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, step) => Object.entries(value ?? {}).find(([name]) => name === String(step))?.[1],
    fullSpec,
  );
}

/** What a word means once the engine has put variables and placeholders into it. */
function spoken(path: string, word: string): string {
  if (path.startsWith('nginx/')) return word.replace(/\$\{[a-z0-9_]*dollar\}/g, () => '$');
  return path.startsWith('caddy/') ? word.replace(/\\([{}])/g, '$1') : word;
}

const places = stringPlaces(fullSpec);
const innocent = shape(fullSpec) ?? new Map<string, readonly string[]>();
let accepted = 0;

const test = suite('hostile strings, every one in every place');

test('the whole spec is accepted as it is', () =>
  assert.ok(shape(fullSpec), JSON.stringify(compiled(fullSpec).diagnostics)));

for (const place of places) {
  test(`${place.path.join('.')}${place.key ? ' (key)' : ''}: refused, or one token`, () => {
    for (const text of HOSTILE) check(place, text);
    const nasty = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc
        .array(fc.constantFrom(...HOSTILE.filter((text) => text.length < 40), 'a', 'example.com', '/', ':', '443'), {
          maxLength: 4,
        })
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(nasty, (text) => check(place, text)),
      { numRuns: 25, seed: 11 },
    );
  });
}

test('not everything is refused, or nothing would have been compared', () =>
  assert.ok(accepted > 500, String(accepted)));

test.run();
