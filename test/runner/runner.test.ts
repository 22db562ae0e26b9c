import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { type Counts, runFile } from './file.ts';

const passes = (title: string) => `test('${title}', () => {});`;
const only = 'only';

const files: readonly (readonly [about: string, source: string, counts: Counts, problem?: string])[] = [
  ['a file that passes', `${passes('a')} test.skip('b'); test.run();`, { passed: 1, failed: 0, skipped: 1 }],
  [
    'a file that awaits between two suites',
    `const a = suite('a'), b = suite('b'); a('x', () => {}); a.run(); await new Promise((r) => setTimeout(r, 50)); b('y', () => {}); b.run();`,
    { passed: 2, failed: 0, skipped: 0 },
  ],
  ['a file of skipped tests', `test.skip('a'); test.run();`, { passed: 0, failed: 0, skipped: 1 }],
  [
    'a failing test',
    `${passes('a')} test('b', () => { throw new Error('no'); }); test.run();`,
    { passed: 1, failed: 1, skipped: 0 },
    '1 failed',
  ],
  [
    'a hook that throws',
    `test.before(() => { throw new Error('no'); }); ${passes('a')} test.run();`,
    { passed: 0, failed: 1, skipped: 0 },
    'a hook failed',
  ],
  ['a file without run()', passes('a'), { passed: 0, failed: 1, skipped: 0 }, 'ran no test'],
  ['a file without tests', 'test.run();', { passed: 0, failed: 1, skipped: 0 }, 'ran no test'],
  [
    'a broken import',
    `import './nowhere.ts'; ${passes('a')} test.run();`,
    { passed: 0, failed: 1, skipped: 0 },
    'exit 1 without a summary',
  ],
  [
    'a test that never settles',
    `test('a', () => new Promise(() => {})); test.run();`,
    { passed: 0, failed: 1, skipped: 0 },
    'without a summary',
  ],
  [
    'an exception after the tests',
    `${passes('a')} test.run(); setTimeout(() => { throw new Error('late'); }, 100);`,
    { passed: 1, failed: 1, skipped: 0 },
    'exit 1 although every test passed',
  ],
  [
    'a test that shuts out the others',
    `${passes('a')} test.${only}('b', () => {}); test.run();`,
    { passed: 0, failed: 1, skipped: 0 },
    'holds',
  ],
];

const runner = suite('runner');
for (const [about, source, counts, problem] of files) {
  runner(about, async () => {
    const folder = await temporaryFolder();
    await folder.write('package.json', '{"type":"module"}');
    await folder.write(
      'a.test.ts',
      `import { suite, test } from '${import.meta.resolve('uvu')}'; void suite; ${source}`,
    );
    const { passed, failed, skipped, ...rest } = await runFile(folder.path, 'a.test.ts');
    assert.equal({ passed, failed, skipped }, counts, rest.output);
    if (problem === undefined) assert.is(rest.problem, undefined);
    else assert.match(rest.problem ?? '', problem);
    await folder.remove();
  });
}
runner.run();
