import { suite } from 'uvu';
import { compile } from '../../src/compile.ts';
import { formatDiagnostics } from '../../src/diagnostics/format.ts';
import { checkCase, findCases } from './golden.ts';

/** Runs the cases of a target: each spec becomes its diagnostics and the files in the target's own folder. */
export function runTargetCases(target: string): void {
  const test = suite(`${target}: goldens`);
  for (const { path, title } of findCases(`test/targets/${target}`)) {
    test(title, () =>
      checkCase(path, (read) => {
        const options = { file: 'spec.yaml', read: () => undefined, targets: [target] };
        const { document, diagnostics, files = [] } = compile(read('spec.yaml') ?? '', options);
        const problems = formatDiagnostics(diagnostics, document);
        const made = files
          .filter((file) => file.path.startsWith(`${target}/`))
          .map((file): [string, string] => [file.path.slice(target.length + 1), file.text]);
        return new Map([...(problems === '' ? [] : [['diagnostics', problems] as const]), ...made]);
      }),
    );
  }
  test.run();
}
