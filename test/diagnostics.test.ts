import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { catalog, defineCodes, error, warning } from '../src/diagnostics/codes.ts';
import type { Diagnostic, TextSpan } from '../src/diagnostics/diagnostic.ts';
import { formatDiagnostics } from '../src/diagnostics/format.ts';
import { jsonDiagnostics } from '../src/diagnostics/json.ts';
import { maskLine, maskSecrets } from '../src/diagnostics/mask.ts';
import { createPositions } from '../src/diagnostics/position.ts';
import { yamlCodes } from '../src/source/codes.ts';
import { parseDocument } from '../src/source/document.ts';
import { specCodes } from '../src/spec/codes.ts';
import { checkGolden } from './support/golden.ts';

/** A problem where `«…»` stands in a text. */
function marked(drawn: string, more: Partial<Diagnostic> = {}): Diagnostic {
  const start = drawn.indexOf('«');
  const end = drawn.indexOf('»') - 1;
  const place: TextSpan = { file: 'a.txt', text: drawn.replace(/[«»]/g, ''), start, end };
  return { code: 'test/marked', severity: 'error', message: 'wrong', at: [], place, ...more };
}

function frameOf(drawn: string, more: Partial<Diagnostic> = {}): string[] {
  return formatDiagnostics([marked(drawn, more)], undefined)
    .split('\n')
    .slice(1, 3);
}

const positions = suite('positions');

positions('lines end with LF, CRLF or CR; columns are code points from 1', () => {
  const text = 'a\nb\r\nc\rd😀e\n';
  const position = createPositions(text);
  const at = (part: string) => Object.values(position(text.indexOf(part)));
  assert.equal(
    [at('a'), at('b'), at('c'), at('d'), at('e')],
    [
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 1],
      [4, 3],
    ],
  );
  assert.equal(Object.values(position(text.length)), [5, 1]);
});

positions('do not depend on the order in which they are asked for', () => {
  const text = '\uFEFFé😀 first\nsecond 日本\nthird';
  const offsets = [...text].map((_, index) => index);
  const fresh = offsets.map((offset) => createPositions(text)(offset));
  for (const order of [offsets, [...offsets].reverse()]) {
    const position = createPositions(text);
    for (const offset of order) assert.equal(position(offset), fresh[offset]);
  }
  assert.equal(createPositions(text)(1), { line: 1, column: 1 });
});

positions.run();

const excerpts = suite('excerpts');

excerpts('carets stand under wide, combined and joined characters', () => {
  const table = ['ab«cd»e', '日本«語»', 'e\u0301e\u0301«x»', '«日本»', '\t\t«x»y', 'a😀«b»', 'x«»y', '«»'];
  const carets = table.map((drawn) => (frameOf(`${drawn}\n`)[1] ?? '').slice(8));
  assert.equal(carets, ['  ^^', '    ^^', '  ^', '^^^^', '\t\t^', '   ^', ' ^', '']);
});

excerpts('a place over several lines is underlined on its first', () => {
  assert.equal(frameOf('one\ntw«o\nthree»\n'), ['    2 | two', '      |   ^']);
});

excerpts('a long line is shown around the place', () => {
  const [line = '', carets = ''] = frameOf(`${'x'.repeat(5000)}«here»${'y'.repeat(5000)}`);
  assert.ok(line.length < 180, `${line.length}`);
  assert.is(line.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1), 'here');
  assert.match(line, /\| ….*…$/);
});

excerpts('a terminal is not steered by a file or a message', () => {
  const text = formatDiagnostics(
    [marked('a \x1b[31m«b»\u202Ec', { message: 'bad \x1b]0;title\x07\n"x"', hint: '\x9b1m' })],
    undefined,
  );
  assert.not.match(text.replaceAll('\n', ''), /\p{Cc}|\u202E/u);
  assert.is(text.split('\n').length, 5);
});

excerpts('what is marked as secret is not shown, nor what follows it', () => {
  assert.equal(frameOf('key: «hunter2», other: 1\n', { secret: true }), ['    1 | key: ***', '      |      ^^^']);
  assert.equal(frameOf('{ «kee»: hunter2 }\n', { secret: true, part: 'key' }), ['    1 | { kee***', '      |   ^^^']);
});

excerpts('a secret is hidden in the excerpts of other problems on its line', () => {
  const text = '{ name: x, kee: hunter2, last: y }\n';
  const at = (word: string, more: Partial<Diagnostic> = {}) =>
    marked(text.replace(word, `«${word}»`), {
      message: word,
      related: [{ at: [], message: 'see', place: { file: 'a.txt', text, start: 2, end: 6 } }],
      ...more,
    });
  const shown = formatDiagnostics([at('last'), at('name'), at('kee', { secret: true, part: 'key' })], undefined);
  assert.not.match(shown, 'hunter2');
  assert.is(shown.match(/\{ name: x, kee\*\*\*$/gm)?.length, 6);
});

excerpts.run();

const masks = suite('masks');

const SECRETS = [
  'glpat-AbCdEfGhIjKlMnOpQrSt',
  'glrt-t1_AbCdEfGhIjKl-Mn',
  'glpat-AbCdEfGhIjKlMnOpQrSt.01.0w1abcdef',
  'GR1348941AbCdEfGhIjKlMnOpQrSt',
  'ghp_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789',
  'AKIAABCDEFGHIJKLMNOP',
  'hvs.CAESIAbCdEfGhIjKlMnOpQrSt',
  's.AbCdEfGhIjKlMnOpQrStUvWx',
  'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
  '-----BEGIN RSA PRIVATE KEY-----',
  '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b',
  'AbCdEfGhIj0123456789KlMn',
  'x4Kp-9sTq_7LmZ2vWb8R',
];
const HARMLESS = [
  'env:POSTERN_KEY_ECHOES',
  'vault:gitlab/token/echoes#token',
  'file:/run/secrets/postern-key',
  'GET /api/v4/projects/{project:encodedPath}/merge_requests/{mr:int}/closes_issues',
  'gitlab-registry.privatelink.example.com',
  'global-gitlab',
  '2001:db8:1234:5678::/64',
  'application/vnd.docker.distribution.manifest.v2+json',
  'key "trustedProxies" is missing',
  'token: Reference to the token that the upstream gets instead of the key',
  'X-Forwarded-For, X-Request-Id',
];

masks('what looks like a secret is taken out of any text, in place', () => {
  for (const secret of SECRETS) {
    const masked = maskSecrets(`before "${secret}" after`);
    assert.not.match(masked, secret.slice(-8), secret);
    assert.match(masked, /^before "\S*\*{8,}/);
    assert.is(masked.length, `before "${secret}" after`.length);
  }
  assert.is(maskSecrets('https://user:swordfish@example.com/'), 'https://user:*********@example.com/');
});

masks('the id of a thing at AWS is none, and what only begins like one is', () => {
  for (const id of ['sg-0123456789abcdef0', 'pl-0fedcba9876543210', 'vpce-0a1b2c3d4e5f60718'])
    assert.is(maskSecrets(`live.json (${id}) lacks it`), `live.json (${id}) lacks it`);
  for (const text of [
    'sg-0123456789abcdef01',
    'sk-0123456789abcdef0',
    'sg-0123456789abcdefg',
    'x-sg-0123456789abcdef0',
  ])
    assert.is(maskSecrets(text), '*'.repeat(text.length));
});

masks('what does not is left alone', () => {
  for (const text of HARMLESS) assert.is(maskSecrets(text), text);
});

masks('a line of a file hides what stands behind the name of a secret, unless it is a reference', () => {
  const hidden = [
    'token: sword',
    '"key": "sword"',
    '- { key: env:A, token: sword }',
    'PRIVATE-TOKEN: sword',
    'Authorization: Basic sword',
    'key: [env:A, sword]',
    'key: env:sword-fish',
    'secret=sword',
  ];
  for (const line of hidden) assert.not.match(maskLine(line), 'sword', line);
  const shown = [
    '  key: env:A',
    '  "key": "env:A",',
    '{ key: [env:A, env:B], token: vault:a/b#c }',
    'apiKeyHeader: PRIVATE-TOKEN',
    'apiKey: echoes',
    'key:',
    'token: # none',
  ];
  for (const line of shown) assert.is(maskLine(line), line);
});

masks('no output of a diagnostic keeps one', () => {
  for (const secret of SECRETS) {
    const diagnostic = marked(`x: «${secret}»`, {
      message: `bad "${secret}"`,
      hint: `not ${secret}`,
      related: [{ at: [], message: secret }],
    });
    for (const output of [
      formatDiagnostics([diagnostic], undefined),
      JSON.stringify(jsonDiagnostics([diagnostic], undefined)),
    ]) {
      assert.not.match(output, secret.slice(-8));
    }
  }
});

masks.run();

const lists = suite('lists');

const spec = parseDocument({
  name: 'spec.yaml',
  text: 'version: 1\nroutes:\n  read: { upstream: a }\n  write: { upstream: b }\n',
}).value;

const several: readonly Diagnostic[] = [
  { code: 'test/b', severity: 'warning', message: 'second code', at: ['routes', 'read'], part: 'key' },
  {
    code: 'test/z',
    severity: 'error',
    message: 'last line',
    at: ['routes', 'write', 'upstream'],
    hint: 'do',
    related: [{ at: ['routes', 'read', 'upstream'], message: 'and here' }],
  },
  { code: 'test/a', severity: 'error', message: 'first code', at: ['routes', 'read'], part: 'key' },
  { code: 'test/a', severity: 'error', message: 'first code', at: ['routes', 'read'], part: 'key' },
  marked('x «y» z'),
  {
    code: 'test/c',
    severity: 'error',
    message: 'in a file of no text',
    at: [],
    place: { file: 'gone.txt', text: '', start: 0, end: 0 },
  },
];

lists('are sorted by file, place and code, and say nothing twice', () => {
  checkGolden('test/diagnostics/text.txt', formatDiagnostics(several, spec));
  assert.is(formatDiagnostics([...several].reverse(), spec), formatDiagnostics(several, spec));
});

lists('in JSON have every key and all entries', () => {
  checkGolden('test/diagnostics/list.json', `${JSON.stringify(jsonDiagnostics(several, spec), null, 2)}\n`);
  const many = Array.from({ length: 60 }, (_, index) => marked('«x»', { message: `number ${index}` }));
  assert.is(jsonDiagnostics(many, undefined).length, 60);
});

lists('in text end after fifty, with a count of the rest', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => marked('«x»', { message: `number ${index}` }));
  const endOf = (count: number) => formatDiagnostics(many(count), undefined).trimEnd().split('\n').at(-1);
  assert.equal([endOf(51), endOf(60)], ['… and 1 more problem', '… and 10 more problems']);
  assert.not.match(formatDiagnostics(many(50), undefined), 'more problem');
});

lists('without a text have no place and are complete all the same', () => {
  const diagnostic: Diagnostic = { code: 'test/a', severity: 'error', message: 'no file', at: [] };
  assert.is(formatDiagnostics([diagnostic], undefined), 'error: no file [test/a]\n');
  assert.is(jsonDiagnostics([diagnostic], undefined)[0]?.line, null);
});

lists('are coloured only where asked', () => {
  const plain = formatDiagnostics(several, spec);
  const coloured = formatDiagnostics(several, spec, { colour: true });
  assert.not.match(plain, '\x1b');
  assert.match(coloured, '\x1b[31merror\x1b[39m');
  assert.is(coloured.replace(/\x1b\[\d+m/g, ''), plain);
});

lists.run();

const codes = suite('codes');

codes('put parameters where their names stand, and keep the braces of a pattern', () => {
  const zoo = defineCodes('zoo', {
    ape: error('{name} has {count} bananas').hint('write /{ape:int}/{rest*} or { {name}: {name} }, not {}'),
    lion: warning(({ meals }: { meals: readonly string[] }) => meals.join()).hint('feed {keeper}'),
    fish: error('wet').hint(({ deep }: { deep: boolean }) => (deep ? 'dive' : undefined)),
  });
  const said = ({ severity, message, hint }: Diagnostic) => [severity, message, hint];
  assert.equal(said(zoo.report('ape', [], { name: '$& {count}', count: 2 })), [
    'error',
    '$& {count} has 2 bananas',
    'write /{ape:int}/{rest*} or { $& {count}: $& {count} }, not {}',
  ]);
  assert.equal(said(zoo.report('lion', [], { meals: ['a', 'b'], keeper: 'K' })), ['warning', 'a,b', 'feed K']);
  assert.equal(said(zoo.report('fish', [], { deep: false })), ['error', 'wet', undefined]);
  // @ts-expect-error: the text names a count.
  zoo.report('ape', [], { name: 'Kong' });
  // @ts-expect-error: a list is no text.
  zoo.report('lion', [], { meals: ['a'], keeper: ['K'] });
});

codes('are joined in alphabetical order', () => {
  const area = defineCodes('zoo', {
    lion: warning(''),
    ape: error(''),
  });
  assert.equal(catalog([area]), [
    { code: 'zoo/ape', severity: 'error' },
    { code: 'zoo/lion', severity: 'warning' },
  ]);
});

codes('have kebab-case names', () => {
  for (const { code: name } of catalog([yamlCodes, specCodes])) assert.match(name, /^[a-z]+\/[a-z]+(?:-[a-z]+)*$/);
});

codes.run();
