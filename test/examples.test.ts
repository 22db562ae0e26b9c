import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { runHere } from './support/commands.ts';

const test = suite('examples');
const examples = fileURLToPath(new URL('../examples/', import.meta.url));
const names = readdirSync(examples, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && readdirSync(join(examples, entry.name)).includes('postern.yaml'))
  .map(({ name }) => name);

/** All files below a folder with their text, by path. */
function tree(folder: string): Readonly<Record<string, string>> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]));
}

/** A copy of an example to work on. */
async function inCopy(name: string, check: (folder: string) => Promise<void>): Promise<void> {
  const { path, remove } = await temporaryFolder();
  try {
    cpSync(join(examples, name), path, { recursive: true });
    await check(path);
  } finally {
    await remove();
  }
}

for (const name of names) {
  test(`${name}: valid, and its tests pass`, async () => {
    const { status, stdout, stderr } = await runHere(['validate', join(examples, name)]);
    assert.is(status, 0, stdout + stderr);
    assert.match(stdout, /[1-9][0-9]* tests passed/);
  });

  test(`${name}: what is checked in is what the spec makes, byte for byte, every time`, () =>
    inCopy(name, async (folder) => {
      const checkedIn = tree(join(folder, 'generated'));
      rmSync(join(folder, 'generated'), { recursive: true });
      for (let round = 0; round < 2; round++) {
        const { status, stdout, stderr } = await runHere(['generate', folder]);
        assert.is(status, 0, stdout + stderr);
        assert.equal(tree(join(folder, 'generated')), checkedIn);
      }
    }));

  test(`${name}: diff tells an edited line, a missing file and an invalid spec`, () =>
    inCopy(name, async (folder) => {
      const diff = () => runHere(['diff', folder]);
      assert.is((await diff()).status, 0);
      const path = Object.keys(tree(join(folder, 'generated'))).find((file) => !file.startsWith('.')) ?? '';
      const file = join(folder, 'generated', path);
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, `${text}edited-by-hand\n`);
      const edited = await diff();
      assert.is(edited.status, 1);
      assert.match(edited.stdout, /^-edited-by-hand$/m);
      assert.ok(edited.stdout.includes(path));
      rmSync(file);
      const missing = await diff();
      assert.is(missing.status, 1);
      assert.ok(missing.stdout.includes(path));
      writeFileSync(join(folder, 'postern.yaml'), 'version: 2\n');
      const invalid = await diff();
      assert.is(invalid.status, 2);
    }));
}

test.run();
