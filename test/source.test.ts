import * as fc from 'fast-check';
import { load } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SpecPath } from '../src/diagnostics/diagnostic.ts';
import { yamlCodes } from '../src/source/codes.ts';
import { decodeSource } from '../src/source/decode.ts';
import { parseDocument } from '../src/source/document.ts';
import type { LocatedDocument } from '../src/source/span.ts';

function parse(text: string): LocatedDocument {
  const { value, diagnostics } = parseDocument({ name: 'spec.yaml', text });
  assert.equal(diagnostics, [], text);
  assert.ok(value);
  return value;
}

/** What a place covers, in the text itself. */
function textAt(document: LocatedDocument, path: SpecPath, part?: 'key' | 'value'): string {
  const { start, end } = document.locate(path, part);
  return document.file.text.slice(start, end);
}

const values = suite('values');

values('YAML 1.2: what only YAML 1.1 takes for something else stays text', () => {
  const { value } = parse('a: yes\nb: 2027-06-30\nc: 12:30\nd: 0o17\ne: ~\nf: "1"\n');
  assert.equal(value, { a: 'yes', b: '2027-06-30', c: '12:30', d: 15, e: null, f: '1' });
});

values('JSON, indented with tabs, with escaped pairs', () => {
  const { value } = parse('{\n\t"a": "\\ud83d\\ude00",\n\t"b": [1, {"c": null}]\n}\n');
  assert.equal(value, { a: '😀', b: [1, { c: null }] });
});

values('a byte order mark, CRLF and a missing last line feed do no harm', () => {
  const document = parse('\uFEFFa: 1\r\nb:\r\n  - x\r\n  - y');
  assert.equal(document.value, { a: 1, b: ['x', 'y'] });
  assert.is(textAt(document, ['b', 1]), 'y');
});

values('names of things that every object has are keys like any other', () => {
  const { value } = parse('constructor: 1\ntoString: { hasOwnProperty: 2 }\n');
  assert.equal(Object.keys(value as object), ['constructor', 'toString']);
  assert.is(Object.getPrototypeOf(value), Object.prototype);
});

values.run();

const places = suite('places');

const sample = parse(`a: 1
"quoted key": 'quoted'
list:
  - x
  -
  # - a comment with a dash
  -
  - {c: "q", d: [1, 2 ] , e: []}
  - block: &anchor
      text: |
        two
        lines
    again: *anchor
empty:
0x1F: hex
~: nothing
last: ""
`);

places('of every kind of value', () => {
  const table: readonly (readonly [SpecPath, string])[] = [
    [['a'], '1'],
    [['quoted key'], "'quoted'"],
    [['list', 0], 'x'],
    [['list', 3], '{c: "q", d: [1, 2 ] , e: []}'],
    [['list', 3, 'c'], '"q"'],
    [['list', 3, 'd'], '[1, 2 ]'],
    [['list', 3, 'd', 1], '2'],
    [['list', 3, 'e'], '[]'],
    [['list', 4, 'block', 'text'], 'two\n        lines'],
    [['31'], 'hex'],
    [['null'], 'nothing'],
    [['last'], '""'],
  ];
  for (const [path, text] of table) assert.is(textAt(sample, path), text, JSON.stringify(path));
});

places('of keys, with their quotes', () => {
  assert.is(textAt(sample, ['quoted key'], 'key'), '"quoted key"');
  assert.is(textAt(sample, ['list', 3, 'd'], 'key'), 'd');
  assert.is(textAt(sample, ['31'], 'key'), '0x1F');
});

places('of an empty value the key, of an empty item its own dash', () => {
  assert.is(textAt(sample, ['empty']), 'empty');
  const { start } = sample.locate(['list', 2]);
  assert.is(sample.file.text.slice(0, start).split('\n').length, 7);
  assert.is(textAt(sample, ['list', 2]), '-');
});

places('of one among very many empty items', () => {
  const many = parse('-\n'.repeat(50_000));
  assert.is(many.locate([40_000]).start, 80_000);
  assert.is(many.locate([]).start, 0);
});

places('through an alias to the text that it stands for', () => {
  assert.is(textAt(sample, ['list', 4, 'again', 'text'], 'key'), 'text');
  assert.equal(sample.locate(['list', 4, 'again']), sample.locate(['list', 4, 'block']));
});

places('of what does not exist its nearest parent', () => {
  assert.is(textAt(sample, ['list', 4, 'block', 'nope', 'deeper']), 'block');
  assert.is(textAt(sample, ['a', 'nope']), 'a');
  assert.is(sample.locate(['nope']).start, 0);
});

/** Values whose texts tell apart every place: each scalar is there once. */
const tree = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.constant('scalar'),
    fc.array(tie('node'), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z1-9: #"-]{1,6}$/), tie('node'), { maxKeys: 4 }),
  ),
})).node;

places('of random documents, as JSON: each text is found where it stands', () => {
  fc.assert(
    fc.property(tree, fc.constantFrom(undefined, 1, '\t'), (shape, indent) => {
      let count = 0;
      const expected: [SpecPath, string][] = [];
      const label = (value: unknown, path: SpecPath): unknown => {
        if (Array.isArray(value)) return value.map((item, index) => label(item, [...path, index]));
        if (typeof value === 'object' && value !== null) {
          return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, label(item, [...path, key])]));
        }
        count += 1;
        expected.push([path, `"leaf ${count}"`]);
        return `leaf ${count}`;
      };
      const document = parse(JSON.stringify(label({ root: shape }, []), null, indent));
      for (const [path, text] of expected) assert.is(textAt(document, path), text, document.file.text);
      assert.equal(document.value, load(document.file.text));
    }),
    { numRuns: 300 },
  );
});

places.run();

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
  const { value } = parse(`a: &a [${Array(100).fill('x')}]\nb: [${Array(1000).fill('*a')}]\n`);
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
