import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { toyDaemon, toyFiles, toyLine } from './support/toy.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const { path: copy, remove } = await temporaryFolder();
const work = join(copy, 'work');

const SPEC = `version: 1
name: toy
domainRewrites:
  - { from: git.example.com, to: git.link.example.com }
  - { from: "*.pages.example.com", to: "*.pages.link.example.com" }
targets: { toy: {} }
`;

function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(copy, path)), { recursive: true });
  writeFileSync(join(copy, path), text, { mode });
}

function run(command: string, args: readonly string[], cwd = copy) {
  const env = { ...process.env, PATH: `${join(copy, 'bin')}:${process.env['PATH'] ?? ''}`, POSTERN_BUILT: '' };
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, env, encoding: 'utf8' });
  return { status, out: stdout + stderr };
}

const node = (...args: string[]) => run(process.execPath, ['--import', 'tsx', ...args]);
const postern = (...args: string[]) =>
  run(process.execPath, ['--import', import.meta.resolve('tsx'), join(copy, 'src/cli.ts'), ...args], work);

// A target is its folder, its templates, its tests and one line: a copy of the sources with these, and nothing else of it.
for (const name of ['src', 'templates', 'test', 'package.json', 'tsconfig.json', '.biome.json'])
  cpSync(join(root, name), join(copy, name), { recursive: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
for (const [path, text] of Object.entries(toyFiles)) write(path, text);
write('src/targets/list.ts', readFileSync(join(copy, 'src/targets/list.ts'), 'utf8') + toyLine);
write('bin/toyd', toyDaemon, 0o755);
write('work/postern.yaml', SPEC);

const test = suite('a toy target');

test('type-checks, with its tests', () => {
  for (const project of ['.', 'test'])
    assert.equal(run('node_modules/.bin/tsc', ['-p', project, '--noEmit']), { status: 0, out: '' });
});

test('keeps the rules of the house and its own goldens', () => {
  const { status, out } = node('test/run.ts', 'architecture', 'targets/toy');
  assert.is(status, 0, out);
});

test('generates, and tells what on disk differs', () => {
  assert.is(postern('generate').status, 0);
  const text = readFileSync(join(work, 'generated/toy/names.txt'), 'utf8');
  assert.match(text, /^# Made by postern/);
  assert.match(text, /^git\.example\.com git\.link\.example\.com$/m);
  assert.match(readFileSync(join(work, 'generated/.gitignore'), 'utf8'), /^\/toy\/\*\.log$/m);
  assert.is(postern('generate', '--check').status, 0);
});

test('is compared with what runs', () => {
  const live = readFileSync(join(work, 'generated/toy/names.txt'), 'utf8');
  const compare = (text: string) => {
    write('work/live.txt', text);
    return postern('diff', '--live', 'toy=live.txt');
  };
  assert.is(compare(live).status, 0);
  const changed = compare(live.replace('git.link', 'git.elsewhere'));
  assert.is(changed.status, 1);
  assert.match(changed.out, /live\.txt lacks git\.example\.com git\.link\.example\.com/);
  assert.is(compare('').status, 2);
});

test('is verified on its own program', () => {
  const verified = postern('verify', '--requests', '300');
  assert.is(verified.status, 0, verified.out);
  assert.match(verified.out, /toy: [1-9]\d* requests, 0 disagreements/);
  write('bin/toyd', toyDaemon.replace('if (from === asked) return to;', ''), 0o755);
  const broken = postern('verify', '--requests', '300');
  assert.is(broken.status, 1, broken.out);
  assert.match(broken.out, /verify\/name-disagreement/);
});

test.after(remove);
test.run();
