import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../src/compile.ts';
import { formatDiagnostics } from '../../src/diagnostics/format.ts';

/** What a user reads who writes these rewrites, the first on line 4. */
function said(rewrites: readonly (readonly [from: string, to: string])[]): string {
  const lines = rewrites.map(([from, to]) => `  - { from: "${from}", to: "${to}" }`);
  const text = `version: 1\nname: wrong\ndomainRewrites:\n${lines.join('\n')}\ntargets: { coredns: {} }\n`;
  const { document, diagnostics, files } = compile(text, { file: 'postern.yaml', read: () => undefined });
  assert.is(files, undefined);
  return formatDiagnostics(diagnostics, document);
}

const long = `${'a'.repeat(64)}.example.com`;
const TURNS: readonly [what: string, rewrites: readonly (readonly [string, string])[], ...words: string[]][] = [
  [
    'a name that stands for itself',
    [['a.example', 'A.example.']],
    'postern.yaml:4:30: error: "a.example" is rewritten by this very rule',
    'hint: a name cannot stand for itself',
  ],
  [
    'a loop of three',
    [
      ['a.example', 'b.example'],
      ['b.example', 'c.example'],
      ['c.example', 'a.example'],
    ],
    'postern.yaml:4:30: error: "b.example" is rewritten again, and in the end back to here: a loop',
    '5 |   - { from: "b.example", to: "c.example" }',
    'postern.yaml:6:30: error: "a.example" is rewritten again',
    'hint: keep one direction',
  ],
  [
    'a loop by way of a wildcard',
    [
      ['*.a.example', '*.b.example'],
      ['*.b.example', '*.a.example'],
    ],
    'postern.yaml:4:32: error: "b.example" is rewritten again, and in the end back to here: a loop',
  ],
  [
    'a name on both sides',
    [
      ['a.example', 'b.example'],
      ['b.example', 'c.example'],
    ],
    'postern.yaml:4:30: error: "b.example" is both the target of this rewrite and rewritten itself',
    '5 |   - { from: "b.example", to: "c.example" }',
    'hint: rewrite straight to the last name',
  ],
  [
    'a chain into a loop that it is no part of',
    [
      ['a.example', 'b.example'],
      ['b.example', 'c.example'],
      ['c.example', 'b.example'],
    ],
    'postern.yaml:4:30: error: "b.example" is both the target',
  ],
  [
    'letters beyond ASCII',
    [['bücher.example', 'b.example']],
    'postern.yaml:4:13: error: "bücher.example"',
    'is not in ASCII',
    'hint: write its A-labels: xn--bcher-kva.example',
  ],
  [
    'letters beyond ASCII in the target',
    [['b.example', 'straße.例え.テスト']],
    'postern.yaml:4:30',
    'hint: write its A-labels: xn--',
  ],
  ['a label over 63', [[long, 'b.example']], 'postern.yaml:4:13', 'of 64 characters', 'hint: a label has 63 at most'],
  ['a label over 63 in the target', [['b.example', long]], 'postern.yaml:4:30', 'of 64 characters'],
  [
    'a wildcard in the middle',
    [['a.*.example', 'b.example']],
    'postern.yaml:4:13',
    'has a wildcard that is not its first label',
    'hint: only *.example.com, with the star alone and in front',
  ],
  [
    'a name for a wildcard',
    [['a.example', '*.b.example']],
    'postern.yaml:4:30',
    'does not go with "a.example"',
    'hint: one name stands for one name, so write it without "*."',
  ],
  [
    'an address',
    [['a.example', '10.0.0.9']],
    'postern.yaml:4:30',
    'is an address, not a name',
    'hint: a rewrite leads from a name to a name',
  ],
  ['an address with six colons', [['a.example', '2001:db8::1']], 'postern.yaml:4:30', 'is an address, not a name'],
  [
    'two rewrites of one name',
    [
      ['a.example', 'b.example'],
      ['x.example', 'y.example'],
      ['A.example.', 'c.example'],
    ],
    'postern.yaml:6:13: error: "a.example" is rewritten twice',
    '4 |   - { from: "a.example", to: "b.example" }',
    'hint: keep one of the two',
  ],
];

const test = suite('wrong turns of rewrites');
for (const [what, rewrites, ...words] of TURNS) {
  test(what, () => {
    const text = said(rewrites);
    for (const word of words) assert.match(text, word);
  });
}
test.run();
