import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readDisk } from '../src/output/disk.ts';
import { outputFiles } from '../src/output/files.ts';
import { readHeader, withHeader } from '../src/output/header.ts';
import { manifestText, parseManifest } from '../src/output/manifest.ts';
import { planChanges } from '../src/output/plan.ts';
import { writeAll } from '../src/output/write.ts';
import { inFolder } from './support/folder.ts';

const origin = { version: '1.2.3', spec: 'demo' };
const conf = { path: 'a/a.conf', text: 'one\ntwo\n', comment: '#' } as const;
const json = { path: 'a/b.json', text: '{}\n' };
const other = { path: 'b/c.conf', text: 'three\n', comment: '//' } as const;
const rendered = [
  { target: 'a', files: [json, conf] },
  { target: 'b', files: [other] },
];
const files = outputFiles(rendered, origin);

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
      ['.gitattributes', '.gitignore', '.postern.json', 'a/a.conf', 'a/b.json', 'b/c.conf'].map(
        (path) => `create ${path}: missing`,
      ),
    );
    generateInto(folder);
    assert.equal(verbs(folder), []);
    assert.is(readFileSync(join(folder, 'a/b.json'), 'utf8'), '{}\n');
  }),
);

plan('line ends that git has translated, of all files or of what one is a copy of, are no difference', () =>
  inFolder((folder) => {
    const copies = [
      { target: 'a', files: [{ path: 'a/copy', text: 'one\r\ntwo\r\n', copyOf: { file: 'x', at: [] } }] },
    ];
    const wanted = [...files, ...outputFiles(copies, origin).filter(({ target }) => target === 'a')];
    generateInto(folder, { files: wanted });
    for (const path of readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())) {
      const file = join(path.parentPath, path.name);
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, text.includes('\r') ? text.replaceAll('\r', '') : text.replaceAll('\n', '\r\n'));
    }
    assert.equal(verbs(folder, { files: wanted }), []);
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
    assert.is(causeOf(text.replaceAll('\n', '\r\n')), undefined, 'a checkout with autocrlf');
    assert.is(causeOf(text.replace('\n', '\r\n')), 'change a/a.conf: formatting only');
    assert.is(causeOf(text.replace('one', 'one  ')), 'change a/a.conf: formatting only');
    assert.is(causeOf(`\ufeff${text}`), 'change a/a.conf: formatting only', 'an editor of Windows');
    assert.is(causeOf(`\ufeff${withHeader({ ...conf, text: 'old\n' }, origin)}`), 'change a/a.conf: spec changed');
    assert.is(causeOf('mine\n'), 'change a/a.conf: not made by postern');
    assert.is(causeOf(withHeader(conf, { ...origin, spec: 'else' })), 'change a/a.conf: made from another spec');
    assert.is(causeOf(withHeader({ ...conf, text: 'old\n' }, origin)), 'change a/a.conf: spec changed');
    assert.is(causeOf(withHeader(conf, { ...origin, version: '0.9.0' })), 'change a/a.conf: other tool version');
    writeFileSync(file, text);
    writeFileSync(join(folder, 'a/b.json'), '{"x":1}\n');
    assert.equal(verbs(folder), ['change a/b.json: edited by hand']);
    const listed = readFileSync(join(folder, '.postern.json'), 'utf8');
    writeFileSync(join(folder, '.postern.json'), `\ufeff${listed}`);
    assert.equal(verbs(folder), ['change .postern.json: formatting only', 'change a/b.json: edited by hand']);
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
      '.gitattributes',
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
