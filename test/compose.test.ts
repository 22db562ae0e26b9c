import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { composeCodes } from '../src/compose/codes.ts';
import { formatDiagnostics } from '../src/diagnostics/format.ts';
import { compileFiles, filesOf } from './support/files.ts';
import { checkCase, findCases, readSections } from './support/golden.ts';

const cases = suite('includes');

for (const { path, title } of findCases('test/compose')) {
  cases(title, () =>
    checkCase(path, async (read) => {
      const files = filesOf(path, read);
      const [entry = ''] = files.keys();
      const { spec, document, diagnostics, shown } = await compileFiles(files, entry);
      const { targets: _, version: __, ...rest } = spec ?? {};
      return new Map([
        ...(diagnostics.length > 0 ? [['diagnostics', shown(formatDiagnostics(diagnostics, document))] as const] : []),
        ...(diagnostics.length === 0 ? [['flat', `${JSON.stringify(rest, null, 2)}\n`] as const] : []),
      ]);
    }),
  );
}

cases('every code of composition is in one of them', () => {
  const told = findCases('test/compose')
    .map(({ path }) => readSections(path).get('diagnostics') ?? '')
    .join('');
  for (const code of Object.keys(composeCodes.table))
    assert.ok(told.includes(`[compose/${code}]`), `no case shows compose/${code}`);
});

cases.run();
