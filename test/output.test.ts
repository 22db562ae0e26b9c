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
import { readDisk } from '../src/output/disk.ts';
import { outputFiles } from '../src/output/files.ts';
import { readHeader, withHeader } from '../src/output/header.ts';
import { manifestText, parseManifest } from '../src/output/manifest.ts';
import { unifiedPatch } from '../src/output/patch.ts';
import { planChanges } from '../src/output/plan.ts';
import { writeAll } from '../src/output/write.ts';
import { temporaryFolder } from '../src/verify/folder.ts';

const origin = { version: '1.2.3', spec: 'demo' };
const conf = { path: 'a/a.conf', text: 'one\ntwo\n', comment: '#' } as const;
const json = { path: 'a/b.json', text: '{}\n' };
const other = { path: 'b/c.conf', text: 'three\n', comment: '//' } as const;
const rendered = [
  { target: 'a', files: [json, conf] },
  { target: 'b', files: [other] },
];
const files = outputFiles(rendered, origin);

async function inFolder(work: (folder: string) => void): Promise<void> {
  const folder = await temporaryFolder();
  try {
    work(folder.path);
  } finally {
    await folder.remove();
  }
}

function changesIn(folder: string, given: { files?: typeof files; origin?: typeof origin; targets?: string[] } = {}) {
  const wanted = given.files ?? files;
  const disk = readDisk(
    folder,
    wanted.map((file) => file.path),
  ).value;
  if (!disk) throw new Error('the disk was not read');
  return planChanges({ files: wanted, disk, origin: given.origin ?? origin, targets: given.targets });
}

function generateInto(folder: string, given: Parameters<typeof changesIn>[1] = {}): void {
  const { changes } = changesIn(folder, given);
  const writes = changes.filter((change) => change.verb !== 'same').map(({ path, after }) => ({ path, text: after }));
  assert.equal(writeAll(writes, { folder }), []);
}

function verbs(folder: string, given: Parameters<typeof changesIn>[1] = {}): string[] {
  return changesIn(folder, given)
    .changes.filter((change) => change.verb !== 'same')
    .map((change) => `${change.verb} ${change.path}: ${change.cause}`);
}

const header = suite('header');

header('names tool, spec and digest, and no place', () => {
  assert.match(
    withHeader(conf, origin),
    /^# Made by postern 1\.2\.3 from the spec "demo", sha256:[0-9a-f]{16}\n# DO NOT EDIT/,
  );
  assert.match(withHeader(other, origin), /^\/\/ Made by postern/);
  assert.is(withHeader(json, origin), json.text);
});

header('is read back, and finds every edit', () => {
  const text = withHeader(conf, origin);
  assert.equal({ ...readHeader(text), digest: '' }, { ...origin, digest: '', intact: true });
  for (const edited of [
    `${text}x`,
    text.replace('one', 'One'),
    `# note\n${text}`,
    text.replace(/\n# DO NOT.*\n/, '\n'),
    text.slice(0, -1),
  ]) {
    assert.is(readHeader(edited)?.intact, false, edited);
  }
  assert.is(readHeader(text.replaceAll('\n', '\r\n'))?.intact, true);
  assert.is(readHeader('one\ntwo\n'), undefined);
  assert.is(readHeader(''), undefined);
});

header.run();

const manifest = suite('manifest');

manifest('is read back', () => {
  const value = { ...origin, files: [{ path: 'a/b', target: 'a', digest: '0123456789abcdef' }] };
  assert.equal(parseManifest(manifestText(value)), value);
});

manifest('never points out of its folder', () => {
  for (const path of [
    '../x',
    '/etc/passwd',
    'a/../../x',
    'a//b',
    '',
    '.',
    'a\\..\\x',
    'C:x',
    'a\0b',
    '.postern.json',
  ]) {
    assert.is(parseManifest(manifestText({ ...origin, files: [{ path, target: 'a', digest: '' }] })), undefined, path);
  }
});

manifest('is not taken for what it is not', () => {
  for (const text of [
    '',
    '[]',
    'null',
    '{"postern":"1"}',
    '<<<<<<< HEAD\n{}',
    '{"postern":"1","spec":"x","files":[{}]}',
  ]) {
    assert.is(parseManifest(text), undefined, text);
  }
});

manifest.run();

const plan = suite('plan');

plan('creates everything once, and nothing twice', () =>
  inFolder((folder) => {
    assert.equal(
      verbs(folder),
      ['.gitignore', '.postern.json', 'a/a.conf', 'a/b.json', 'b/c.conf'].map((path) => `create ${path}: missing`),
    );
    generateInto(folder);
    assert.equal(verbs(folder), []);
    assert.is(readFileSync(join(folder, 'a/b.json'), 'utf8'), '{}\n');
  }),
);

plan('tells the causes of a difference apart', () =>
  inFolder((folder) => {
    generateInto(folder);
    const file = join(folder, 'a/a.conf');
    const text = readFileSync(file, 'utf8');
    const causeOf = (edited: string) => {
      writeFileSync(file, edited);
      return verbs(folder)[0];
    };
    assert.is(causeOf(text.replace('one', 'ONE')), 'change a/a.conf: edited by hand');
    assert.is(causeOf(text.replaceAll('\n', '\r\n')), 'change a/a.conf: formatting only');
    assert.is(causeOf(text.replace('one', 'one  ')), 'change a/a.conf: formatting only');
    assert.is(causeOf('mine\n'), 'change a/a.conf: not made by postern');
    assert.is(causeOf(withHeader(conf, { ...origin, spec: 'else' })), 'change a/a.conf: made from another spec');
    assert.is(causeOf(withHeader({ ...conf, text: 'old\n' }, origin)), 'change a/a.conf: spec changed');
    assert.is(causeOf(withHeader(conf, { ...origin, version: '0.9.0' })), 'change a/a.conf: other tool version');
    writeFileSync(file, text);
    writeFileSync(join(folder, 'a/b.json'), '{"x":1}\n');
    assert.equal(verbs(folder), ['change a/b.json: edited by hand']);
    writeFileSync(join(folder, '.postern.json'), '<<<<<<< HEAD\n');
    assert.equal(verbs(folder), ['change .postern.json: damaged', 'change a/b.json: not made by postern']);
  }),
);

plan('prunes what is ours, and only that', () =>
  inFolder((folder) => {
    generateInto(folder);
    writeFileSync(join(folder, 'a/own.conf'), 'mine\n');
    const less = outputFiles([{ target: 'a', files: [conf] }], origin);
    assert.equal(
      verbs(folder, { files: less }).filter((line) => line.startsWith('delete')),
      ['delete a/b.json: no longer generated', 'delete b/c.conf: no longer generated'],
    );
    writeFileSync(join(folder, 'a/b.json'), '{"mine":1}\n');
    assert.equal(changesIn(folder, { files: less }).left, ['a/b.json']);
    generateInto(folder, { files: less });
    assert.equal(readdirSync(folder, { recursive: true }).map(String).sort(), [
      '.gitignore',
      '.postern.json',
      'a',
      'a/a.conf',
      'a/b.json',
      'a/own.conf',
    ]);
  }),
);

plan('leaves other targets alone when only some are asked for', () =>
  inFolder((folder) => {
    generateInto(folder);
    const only = outputFiles([{ target: 'a', files: [{ ...conf, text: 'new\n' }] }], origin);
    assert.equal(verbs(folder, { files: only, targets: ['a'] }), [
      'change .postern.json: spec changed',
      'change a/a.conf: spec changed',
      'delete a/b.json: no longer generated',
    ]);
    generateInto(folder, { files: only, targets: ['a'] });
    assert.ok(readFileSync(join(folder, '.postern.json'), 'utf8').includes('b/c.conf'));
    assert.ok(existsSync(join(folder, 'b/c.conf')));
  }),
);

plan('never looks through a symbolic link', () =>
  inFolder((folder) => {
    mkdirSync(join(folder, 'elsewhere'));
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'a'));
    const { value, diagnostics } = readDisk(folder, ['a/a.conf', 'b/c.conf']);
    assert.is(value, undefined);
    assert.equal(
      diagnostics.map((one) => one.code),
      ['output/not-a-file'],
    );
  }),
);

plan('refuses two files of one name', () => {
  assert.throws(
    () =>
      outputFiles(
        [
          { target: 'a', files: [conf] },
          { target: 'b', files: [conf] },
        ],
        origin,
      ),
    /two targets made a\/a\.conf/,
  );
});

plan.run();

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
