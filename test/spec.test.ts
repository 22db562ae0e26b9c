import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as z from 'zod';
import type { Diagnostic } from '../src/diagnostics/diagnostic.ts';
import { formatDiagnostics } from '../src/diagnostics/format.ts';
import { jsonDiagnostics } from '../src/diagnostics/json.ts';
import { parseDocument } from '../src/source/document.ts';
import type { LocatedDocument } from '../src/source/span.ts';
import { specCodes } from '../src/spec/codes.ts';
import { parseSpec } from '../src/spec/parse.ts';
import { specSchema } from '../src/spec/schema.ts';
import { suggest } from '../src/spec/suggest.ts';
import { checkCase, findCases, readSections } from './support/golden.ts';

// Two targets of the tests' own, so that a new real one does not change what is recorded here.
const schema = specSchema({
  nginx: z.strictObject({ version: z.string().optional() }),
  coredns: z.strictObject({ form: z.enum(['corefile', 'configMap']).optional() }),
});

function check(name: string, text: string): { diagnostics: readonly Diagnostic[]; document?: LocatedDocument } {
  const read = parseDocument({ name, text });
  if (!read.value) return { diagnostics: read.diagnostics };
  return { diagnostics: parseSpec(read.value, schema).diagnostics, document: read.value };
}

const cases = suite('bad specs');

for (const { path, title } of findCases('test/spec')) {
  cases(title, () =>
    checkCase(path, (read) => {
      const name = read('spec.json') === undefined ? 'spec.yaml' : 'spec.json';
      const { diagnostics, document } = check(name, read(name) ?? '');
      assert.ok(diagnostics.length > 0, 'a case of this folder is a bad spec');
      return new Map([['diagnostics', formatDiagnostics(diagnostics, document)]]);
    }),
  );
}

cases('every code of the schema is in one of them', () => {
  const told = findCases('test/spec')
    .map(({ path }) => readSections(path).get('diagnostics') ?? '')
    .join('');
  for (const code of Object.keys(specCodes.table))
    assert.ok(told.includes(`[spec/${code}]`), `no case shows spec/${code}`);
});

cases('no output repeats a secret', () => {
  const secret = /hunter2|sword[-/]?fish|c3dvcmRmaXNo|battery|123456|AbCdEf|CAESIJ/;
  let seen = 0;
  for (const { path } of findCases('test/spec').filter((file) => file.path.includes('secret'))) {
    const text = readSections(path).get('spec.yaml') ?? '';
    assert.match(text, secret);
    const { diagnostics, document } = check('spec.yaml', text);
    assert.not.match(formatDiagnostics(diagnostics, document), secret, path);
    assert.not.match(JSON.stringify(jsonDiagnostics(diagnostics, document)), secret, path);
    seen += diagnostics.length;
  }
  assert.ok(seen >= 15, `${seen} diagnostics were looked at`);
});

cases.run();

const parse = suite('spec');

parse('a good spec has a typed value and nothing to say', () => {
  const read = parseDocument({
    name: 'spec.yaml',
    text: 'version: 1\nname: demo\nipRanges: { a: [10.0.0.0/8], b: { file: b.txt } }\n',
  });
  assert.ok(read.value);
  const { value, diagnostics } = parseSpec(read.value, schema);
  assert.equal(diagnostics, []);
  assert.equal(value?.ipRanges, { a: ['10.0.0.0/8'], b: { file: 'b.txt' } });
});

parse('problems come in the order of the text', () => {
  const { diagnostics, document } = check('spec.yaml', 'tests: 1\nroutes: 2\nname: demo\nupstreams: 3\nversion: 2\n');
  const starts = diagnostics.map(({ at, part }) => document?.locate(at, part).start ?? -1);
  assert.equal(starts, [7, 17, 41, 52]);
});

parse('a suggestion is close to what was written', () => {
  const names = ['upstream', 'upstreams', 'allow', 'auth', 'headers', 'maxBody'];
  const wanted = {
    upstrem: 'upstream',
    upstraem: 'upstream',
    Upstreams: 'upstreams',
    alow: 'allow',
    auht: 'auth',
    header: 'headers',
    maxbody: 'maxBody',
  };
  for (const [written, meant] of Object.entries(wanted)) assert.is(suggest(written, names), meant, written);
  for (const other of ['zebra', 'x', '', 'a'.repeat(100_000)])
    assert.is(suggest(other, names), undefined, other.slice(0, 9));
  assert.is(suggest('any', []), undefined);
});

parse.run();
