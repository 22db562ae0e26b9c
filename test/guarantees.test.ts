import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { formatDiagnostics } from '../src/diagnostics/format.ts';
import { guaranteeCodes, withinCodes } from '../src/guarantees/codes.ts';
import { compileFiles, filesOf } from './support/files.ts';
import { checkCase, findCases, readSections } from './support/golden.ts';

const cases = suite('envelopes and guarantees');

for (const { path, title } of findCases('test/guarantees')) {
  cases(title, () =>
    checkCase(path, async (read) => {
      const files = filesOf(path, read);
      const [entry = ''] = files.keys();
      const now = Date.parse(read('now')?.trim() ?? '2026-11-26') / 1000;
      const { document, diagnostics, promises, shown } = await compileFiles(files, entry, { now });
      const outcomes = promises.outcomes.map(
        ({ subject, passed, actual }) => `${passed ? 'ok' : 'no'}  ${subject}: ${actual}\n`,
      );
      return new Map([
        ['diagnostics', shown(formatDiagnostics([...diagnostics, ...promises.diagnostics], document))],
        ...(outcomes.length > 0 ? [['guarantees', shown(outcomes.join(''))] as const] : []),
      ]);
    }),
  );
}

cases('every code is in one of them', () => {
  const told = findCases('test/guarantees')
    .map(({ path }) => readSections(path).get('diagnostics') ?? '')
    .join('');
  for (const { area, table } of [withinCodes, guaranteeCodes])
    for (const code of Object.keys(table))
      assert.ok(told.includes(`[${area}/${code}]`), `no case shows ${area}/${code}`);
});

cases.run();
