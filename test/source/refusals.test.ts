import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { yamlCodes } from '../../src/source/codes.ts';
import { decodeSource } from '../../src/source/decode.ts';
import { parseDocument } from '../../src/source/document.ts';

const refusals = suite('refusals');

const bomb = Array.from(
  { length: 12 },
  (_, level) => `a${level}: &a${level} [${Array(9).fill(level === 0 ? 'x' : `*a${level - 1}`)}]\n`,
);

/** Text, code, and the text that is pointed at. */
const table: readonly (readonly [string, string, string])[] = [
  ['', 'empty', ''],
  ['# nothing\n', 'empty', ''],
  ['---\n', 'empty', ''],
  ['a: 1\n---\nb: 2\n', 'second-document', '---'],
  ['a: "---"\n# ---\n---\nb: 2\n', 'second-document', '---'],
  ['a:\n\tb: 1\n', 'tab-indentation', '\t'],
  ['a: 1\na: 2\n', 'duplicate-key', 'a'],
  ['1: 3\n"1": 4\n', 'duplicate-key', '"1"'],
  ['__proto__: { x: 1 }\n', 'forbidden-key', '__proto__'],
  ['a: { "__proto_\\u005f": 1 }\n', 'forbidden-key', '"__proto_\\u005f"'],
  ['? [1, 2]\n: 3\n', 'bad-key', '['],
  ['a: *nope\n', 'unknown-alias', '*nope'],
  ['a: &a [*a]\n', 'alias-cycle', '*a'],
  ['a: &a { b: { c: *a } }\n', 'alias-cycle', '*a'],
  [bomb.join(''), 'alias-bomb', '*a5'],
  ['a: !!js/function x\n', 'unsupported-tag', '!!js/function'],
  ['a: !!str 1\n', 'unsupported-tag', '!!str'],
  ['a: "b\0c"\n', 'bad-character', '\0'],
  ['# a comment with \x1b[31m\na: 1\n', 'bad-character', '\x1b'],
  ['a: b\u202E # reordered\n', 'bad-character', '\u202E'],
  ['a: \uFEFFb\n', 'bad-character', '\uFEFF'],
  ['a: \uD800\n', 'bad-character', '\uD800'],
  ['a: "\\u0000"\n', 'bad-character', '"\\u0000"'],
  ['a: "\\uFEFFb"\n', 'bad-character', '"\\uFEFFb"'],
  [`${'['.repeat(70)}${']'.repeat(70)}`, 'too-deep', '['],
  ['a: [1, 2\nb: 3\n', 'syntax', 'b'],
  ['a: b: c\n', 'syntax', ':'],
  ['a: "\\q"\n', 'syntax', 'q'],
  ['a:\n  b: 1\n c: 2\n', 'syntax', 'c'],
];

for (const [text, code, pointed] of table) {
  refusals(`${code}: ${JSON.stringify(text.slice(0, 40))}`, () => {
    const { value, diagnostics } = parseDocument({ name: 'spec.yaml', text });
    assert.is(value, undefined);
    assert.is(diagnostics[0]?.code, `yaml/${code}`);
    const place = diagnostics[0]?.place;
    assert.is(place?.text.slice(place.start, place.end), pointed);
  });
}

refusals('a file that is too large is not read', () => {
  const { diagnostics } = parseDocument({ name: 'spec.yaml', text: '#'.repeat(64 * 2 ** 20 + 1) });
  assert.is(diagnostics[0]?.code, 'yaml/too-large');
});

refusals('an alias that is used often is no bomb', () => {
  const text = `a: &a [${Array(100).fill('x')}]\nb: [${Array(1000).fill('*a')}]\n`;
  const value = parseDocument({ name: 'spec.yaml', text }).value?.value;
  assert.is((value as { b: unknown[] }).b.length, 1000);
});

refusals('whatever the text, there is a value or a diagnostic, and never an exception', () => {
  const pieces = fc.constantFrom(
    'a',
    ':',
    ' ',
    '\n',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '"',
    "'",
    '&a',
    '*a',
    '!',
    '|',
    '>',
    '#',
    '%',
    '@',
    '?',
    '\t',
    '~',
    '<<',
    '---\n',
    '0',
    '\\',
    '\uFEFF',
  );
  fc.assert(
    fc.property(
      fc.array(pieces, { maxLength: 30 }).map((list) => list.join('')),
      (text) => {
        const { value, diagnostics } = parseDocument({ name: 'spec.yaml', text });
        assert.is(value === undefined, diagnostics.length > 0);
        if (value !== undefined) assert.ok(value.locate(['a', 0, 'b']).end <= text.length);
        for (const { place } of diagnostics) {
          assert.ok(place !== undefined && place.start <= place.end && place.end <= text.length, JSON.stringify(text));
        }
      },
    ),
    { numRuns: 3000 },
  );
});

refusals.run();

const decoding = suite('decoding');

decoding('UTF-8 with and without a byte order mark', () => {
  for (const start of ['', '\uFEFF']) {
    assert.equal(decodeSource('s', Buffer.from(`${start}a: ü\n`)).value, { name: 's', text: 'a: ü\n' });
  }
});

decoding('other encodings are named', () => {
  for (const [bytes, words] of [
    [Buffer.from('\uFEFFa: 1', 'utf16le'), 'UTF-16 (little endian)'],
    [Buffer.from([0xfe, 0xff, 0, 0x61]), 'UTF-16 (big endian)'],
  ] as const) {
    const { value, diagnostics } = decodeSource('s', bytes);
    assert.is(value, undefined);
    assert.is(diagnostics[0]?.code, 'yaml/bad-encoding');
    assert.match(diagnostics[0]?.message ?? '', words);
  }
});

decoding('the first broken byte is pointed at, not a replacement character that was written', () => {
  const written = Buffer.from('\uFEFFa: "\uFFFD"\nb: ü');
  const { value, diagnostics } = decodeSource('s', Buffer.concat([written, Buffer.from([0xff]), Buffer.from('x\n')]));
  assert.is(value, undefined);
  assert.is(diagnostics[0]?.code, 'yaml/bad-encoding');
  assert.is(diagnostics[0]?.place?.start, 'a: "\uFFFD"\nb: ü'.length);
});

decoding('too many bytes are not decoded', () => {
  assert.is(decodeSource('s', new Uint8Array(64 * 2 ** 20 + 1)).diagnostics[0]?.code, 'yaml/too-large');
});

decoding('every code of this area is in this file', () => {
  const tested = new Set([...table.map(([, code]) => code), 'too-large', 'bad-encoding']);
  assert.equal(
    Object.keys(yamlCodes.table).filter((code) => !tested.has(code)),
    [],
  );
});

decoding.run();
