import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type TemporaryFolder, temporaryFolder } from '../../src/verify/folder.ts';
import { runAll } from './all.ts';
import type { Counts } from './file.ts';

const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);

/** Two files that need the same engine, on a machine that has nothing but a Go compiler. */
const needsCrane = (folder: TemporaryFolder) => `
  Object.assign(process.env, { CI: 'false', PATH: ${JSON.stringify(folder.path)}, POSTERN_TEST_RUN: 'one' });
  const { engine } = await import(${from('../engines/engine.ts')});
  const { engineSuite } = await import(${from('../engines/suite.ts')});
  const find = (name) => engine(name, ${JSON.stringify(join(folder.path, 'engines'))});
  const { test } = await engineSuite('crane', ['crane'], find);
  test('runs', () => {});
  test.run();
`;

async function ran(go: string, others: Readonly<Record<string, string>> = {}): Promise<readonly [Counts, string[]]> {
  const folder = await temporaryFolder();
  await folder.write('package.json', '{"type":"module"}');
  await chmod(await folder.write('go', `#!/bin/sh\n${go}`), 0o755);
  const sources = { 'a.test.ts': needsCrane(folder), 'b.test.ts': needsCrane(folder), ...others };
  for (const [file, text] of Object.entries(sources)) await folder.write(file, text);
  const lines: string[] = [];
  const counts = await runAll(folder.path, Object.keys(sources), { jobs: 2, say: (line) => void lines.push(line) });
  await folder.remove();
  return [counts, lines.map((line) => line.replace(/\d+ s$/, 'N s'))];
}

const building =
  'engine crane: Go builds github.com/google/go-containerregistry/cmd/crane 0.21.9; this takes minutes, the first time only';
const test = suite('a run');

test('says once what is fetched, before the tests that wait for it', async () => {
  const [counts, lines] = await ran(
    `printf '#!/bin/sh\\necho 0.21.9\\n' > "$GOBIN/crane"; /bin/chmod +x "$GOBIN/crane"`,
  );
  assert.equal(counts, { passed: 2, failed: 0, skipped: 0 }, lines.join('\n'));
  assert.equal(lines.slice(0, 2), [building, 'engine crane: 0.21.9, after N s']);
  assert.equal(lines.slice(2, -1).sort(), ['ok    a.test.ts (1 passed)', 'ok    b.test.ts (1 passed)']);
  assert.is(lines.at(-1), '2 passed, 0 failed, 0 skipped');
});

test('ends with what was skipped, each reason once', async () => {
  const silent = `import { test } from ${JSON.stringify(import.meta.resolve('uvu'))}; test.skip('a'); test.run();`;
  const [counts, lines] = await ran('echo no network; exit 1', { 'c.test.ts': silent });
  assert.equal(counts, { passed: 0, failed: 0, skipped: 3 }, lines.join('\n'));
  assert.equal(
    lines.filter((line) => line.startsWith('engine ')),
    [building, 'engine crane: could not be had, after N s'],
  );
  const [reason = '', ...files] = lines.slice(-6, -3);
  assert.match(reason, /^skipped: crane not found \(go install .*: exit 1 no network\)$/);
  assert.equal(files, ['      a.test.ts', '      b.test.ts']);
  assert.equal(lines.slice(-3), [
    'skipped: for no reason that is said',
    '      c.test.ts',
    '0 passed, 0 failed, 3 skipped',
  ]);
});

test('names the slowest files of many', async () => {
  const quick = `import { test } from ${JSON.stringify(import.meta.resolve('uvu'))}; test('a', () => {}); test.run();`;
  const others = Object.fromEntries(['c', 'd', 'e', 'f'].map((name) => [`${name}.test.ts`, quick]));
  const [, lines] = await ran('exit 1', others);
  const start = lines.indexOf('slowest:');
  assert.ok(start > 0, lines.join('\n'));
  const seconds = lines
    .slice(start + 1, start + 6)
    .map((line) => Number(/^ {6}\w\.test\.ts \((\S+) s\)$/.exec(line)?.[1]));
  assert.equal(
    seconds,
    [...seconds].sort((a, b) => b - a),
  );
});

test.run();
