import * as assert from 'uvu/assert';
import { importers, specText } from '../../src/commands/import.ts';
import { compile } from '../../src/compile.ts';

/** What becomes of a text: never an exception, never a spec that is not valid, never longer than a second for 100 KB. */
export function survives(kind: string, text: string, name = 'file', grace = 5_000): void {
  const importer = importers().find((one) => one.kind === kind);
  const start = performance.now();
  const imported = importer?.read([{ name, text }]);
  const took = performance.now() - start;
  assert.ok(took < grace + text.length / 100, `${kind}: ${name}: ${Math.round(took)} ms\n${text.slice(0, 2_000)}`);
  assert.ok(imported, kind);
  if ('problem' in imported)
    return void assert.ok(imported.file === name && imported.problem !== '' && imported.line >= 0);
  const { diagnostics } = compile(specText(imported), { file: 'imported.yaml', read: () => undefined });
  const errors = diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message);
  assert.equal(errors, [], `${kind}: ${name}\n${text.slice(0, 4_000)}`);
}
