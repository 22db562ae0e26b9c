import { suite } from 'uvu';
import { compile } from '../../../src/compile.ts';
import { formatDiagnostics } from '../../../src/diagnostics/format.ts';
import { checkCase, findCases } from '../../support/golden.ts';

const test = suite('nginx: goldens');

for (const { path, title } of findCases('test/targets/nginx')) {
  test(title, () =>
    checkCase(path, (read) => {
      const {
        document,
        diagnostics,
        files = [],
      } = compile(read('spec.yaml') ?? '', { file: 'spec.yaml', read: () => undefined, targets: ['nginx'] });
      const problems = formatDiagnostics(diagnostics, document);
      const made = files
        .filter((file) => file.path.startsWith('nginx/'))
        .map((file): [string, string] => [file.path.slice('nginx/'.length), file.text]);
      return new Map([...(problems === '' ? [] : [['diagnostics', problems] as const]), ...made]);
    }),
  );
}

test.run();
