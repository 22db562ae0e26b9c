import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runAll } from './runner/all.ts';
import { type Compiled, compile } from './runner/compile.ts';
import { endAll } from './runner/file.ts';

const usage = 'test/run.ts [--slow] [--built] [--jobs N] [part of a file name …]';
let compiled: Compiled | undefined;
const root = fileURLToPath(new URL('../', import.meta.url));

async function main(): Promise<void> {
  const { values, positionals: filters } = parseArgs({
    allowPositionals: true,
    options: {
      slow: { type: 'boolean', default: false },
      built: { type: 'boolean', default: false },
      jobs: { type: 'string', default: '2' },
    },
  });
  const jobs = Number(values.jobs);
  if (!Number.isSafeInteger(jobs) || jobs < 1) throw new Error(`--jobs takes a number of processes: ${usage}`);
  const files = await testFiles(values.slow, filters);
  if (files.length === 0) throw new Error(`no test file has ${filters.join(' or ')} in its name: ${usage}`);
  // Files that need the same missing engine must not each try to install it; see test/engines.
  process.env['POSTERN_TEST_RUN'] ??= randomUUID();
  // The command as it ships starts in a tenth of the time that it takes from source.
  if (values.built) process.env['POSTERN_BUILT'] = '1';
  // A test decides for itself about colours.
  delete process.env['FORCE_COLOR'];
  compiled = await compile(root, files);
  try {
    const { failed } = await runAll(root, files, { jobs, say: console.log, start: compiled.start });
    if (failed > 0) process.exitCode = 1;
  } finally {
    await compiled.remove();
  }
}

async function testFiles(slow: boolean, filters: readonly string[]): Promise<string[]> {
  const names = await readdir(join(root, 'test'), { recursive: true });
  const wanted = filters.map((filter) => relative(root, join(root, filter)));
  return names
    .map((name) => join('test', name))
    .filter((file) => file.endsWith('.test.ts') && (slow || !file.endsWith('.slow.test.ts')))
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
    .sort();
}

for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const) {
  process.once(signal, () => {
    endAll();
    void (compiled?.remove() ?? Promise.resolve()).finally(() => process.exit(128 + number));
  });
}

await main();
