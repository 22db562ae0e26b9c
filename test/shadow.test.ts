import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatDiagnostics } from '../src/diagnostics/format.ts';
import { shadowCodes } from '../src/policy/shadow.ts';
import { compileFiles, filesOf } from './support/files.ts';
import { checkCase, findCases, readSections } from './support/golden.ts';

const cases = suite('shadow');

for (const { path, title } of findCases('test/shadow')) {
  cases(title, () =>
    checkCase(path, async (read) => {
      const files = filesOf(path, read);
      const [entry = ''] = files.keys();
      const { document, diagnostics, shown } = await compileFiles(files, entry);
      return new Map([['diagnostics', shown(formatDiagnostics(diagnostics, document))]]);
    }),
  );
}

cases('every code of shadows is in one of them', () => {
  const told = findCases('test/shadow')
    .map(({ path }) => readSections(path).get('diagnostics') ?? '')
    .join('');
  for (const code of Object.keys(shadowCodes.table))
    assert.ok(told.includes(`[shadow/${code}]`), `no case shows shadow/${code}`);
});

cases.run();
