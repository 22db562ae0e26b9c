import fc from 'fast-check';
import { load } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SpecPath } from '../src/diagnostics/diagnostic.ts';
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
