import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { unifiedPatch } from '../src/output/patch.ts';
import { writeAll } from '../src/output/write.ts';
import { inFolder } from './support/folder.ts';

const write = suite('write');

write('writes all or nothing', () =>
  inFolder((folder) => {
    writeAll([{ path: 'a/x', text: 'old\n' }], { folder });
    mkdirSync(join(folder, 'z/full'), { recursive: true });
    const before = readdirSync(folder, { recursive: true }).sort();
    const problems = writeAll(
      [
        { path: 'a/x', text: 'new\n' },
        { path: 'n/deep/y', text: 'new\n' },
        { path: 'a/w', text: 'new\n' },
        { path: 'z', text: 'a folder stands here\n' },
      ],
      { folder },
    );
    assert.equal(
      problems.map((one) => one.code),
      ['output/unwritable'],
    );
    assert.is(readFileSync(join(folder, 'a/x'), 'utf8'), 'old\n');
    assert.equal(readdirSync(folder, { recursive: true }).sort(), before);
  }),
);

write('puts a removed file back when a later step fails', () =>
  inFolder((folder) => {
    writeAll([{ path: 'a/x', text: 'old\n' }], { folder });
    mkdirSync(join(folder, 'z/full'), { recursive: true });
    assert.is(writeAll([{ path: 'a/x' }, { path: 'z', text: '' }], { folder }).length, 1);
    assert.is(readFileSync(join(folder, 'a/x'), 'utf8'), 'old\n');
  }),
);

write('leaves no temporary file and no empty folder', () =>
  inFolder((folder) => {
    writeAll(
      [
        { path: 'a/b/x', text: '1' },
        { path: 'y', text: '2' },
      ],
      { folder },
    );
    writeAll([{ path: 'a/b/x' }, { path: 'y', text: '3' }], { folder });
    assert.equal(readdirSync(folder, { recursive: true }), ['y']);
  }),
);

write('gives the permissions that are asked for, whatever the umask', () =>
  inFolder((folder) => {
    writeAll([{ path: 's/secret', text: 'x' }], { folder, modes: { file: 0o600, folder: 0o700 } });
    assert.is(statSync(join(folder, 's/secret')).mode & 0o777, 0o600);
    assert.is(statSync(join(folder, 's')).mode & 0o777, 0o700);
    chmodSync(join(folder, 's/secret'), 0o644);
    writeAll([{ path: 's/secret', text: 'y' }], { folder, modes: { file: 0o600, folder: 0o700 } });
    assert.is(statSync(join(folder, 's/secret')).mode & 0o777, 0o600);
  }),
);

write('replaces a symbolic link instead of following it', () =>
  inFolder((folder) => {
    writeFileSync(join(folder, 'target'), 'kept\n');
    symlinkSync(join(folder, 'target'), join(folder, 'link'));
    writeAll([{ path: 'link', text: 'new\n' }], { folder });
    assert.is(readFileSync(join(folder, 'target'), 'utf8'), 'kept\n');
    assert.is(readFileSync(join(folder, 'link'), 'utf8'), 'new\n');
  }),
);

write.run();

const patch = suite('patch');
const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => `${line(index)}\n`).join('');

patch('shows the changed line with its surroundings', () => {
  const before = lines(9, String);
  assert.is(
    unifiedPatch({ path: 'f', before, after: before.replace('4', 'four') }),
    '--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 1\n 2\n 3\n-4\n+four\n 5\n 6\n 7\n',
  );
  assert.is(unifiedPatch({ path: 'f', after: 'x\n' }), '--- /dev/null\n+++ b/f\n@@ -0,0 +1,1 @@\n+x\n');
  assert.is(unifiedPatch({ path: 'f', before: 'x\n' }), '--- a/f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-x\n');
  assert.is(unifiedPatch({ path: 'f', before, after: before }), '');
});

patch('is one that patch(1) takes, whatever the texts', () =>
  inFolder((folder) => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', '', '}', '  x'), { maxLength: 30 })
      .chain((list) => fc.boolean().map((ended) => list.join('\n') + (ended && list.length > 0 ? '\n' : '')));
    const property = fc.property(text, text, (before, after) => {
      const unified = unifiedPatch({ path: 'f', before, after });
      if (unified === '') return before === after;
      writeFileSync(join(folder, 'f'), before);
      execFileSync('patch', ['-s', '-p1'], { cwd: folder, input: unified });
      // patch(1) removes a file that ends up empty.
      const patched = existsSync(join(folder, 'f')) ? readFileSync(join(folder, 'f'), 'utf8') : '';
      return patched === after;
    });
    fc.assert(property, { numRuns: 150, seed: 7 });
  }),
);

patch('ends with every kind of large change', () => {
  const size = 100_000;
  const before = lines(size, (index) => `line ${index}`);
  const changed: Record<string, string> = {
    tenth: lines(size, (index) => `line ${index}${index % 10 === 0 ? '!' : ''}`),
    all: lines(size, (index) => `line ${index}!`),
    reversed: lines(size, (index) => `line ${size - index}`),
    repeated: lines(size, (index) => String(index % 7)),
  };
  const counts = Object.values(changed).map(
    (after) =>
      unifiedPatch({ path: 'f', before, after })
        .split('\n')
        .filter((line) => /^\+(?!\+\+)/.test(line)).length,
  );
  assert.equal(counts.slice(0, 2), [size / 10, size]);
  assert.ok(counts.every((count) => count > 0));
});

patch.run();
