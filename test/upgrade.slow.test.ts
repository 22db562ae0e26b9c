import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { entry } from './support/cli.ts';

// What the changelog promises of a new version of the tool: alone, it changes the first line of generated files.

const root = fileURLToPath(new URL('../', import.meta.url));
const NEXT = '9.8.7-next.6';

/** The command as it would be in another version. */
function nextVersion(folder: string): string[] {
  const copied = ['src', 'dist', 'templates'].filter(
    (name) => entry.at(-1)?.includes(`/${name}/`) || name === 'templates',
  );
  for (const name of copied) cpSync(join(root, name), join(folder, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const { version: _, ...rest } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...rest, version: NEXT }));
  return entry.map((word) => word.replace(root, `${folder}/`));
}

function textsBelow(folder: string): ReadonlyMap<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const paths = entries.map((one) => join(one.parentPath, one.name)).filter((path) => path.includes('/generated/'));
  return new Map(paths.sort().map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]));
}

/** The spec of a manifest: `envs/generated/prod/.postern.json` is that of `envs/prod.yaml`. */
function specOf(file: string): string | undefined {
  const [, folder, name] = /^(.*)\/generated\/(?:([^/]*)\/)?\.postern\.json$/.exec(file) ?? [];
  return folder && (name === undefined ? folder : `${folder}/${name}.yaml`);
}

const upgrade = suite('a new version of the tool');

upgrade('changes nothing of what is checked in but the version at its top', async () => {
  const { path, remove } = await temporaryFolder();
  try {
    const [tool, examples] = [join(path, 'tool'), join(path, 'examples')];
    mkdirSync(tool);
    const program = nextVersion(tool);
    cpSync(join(root, 'examples'), examples, { recursive: true });
    mkdirSync(join(examples, '.git'));
    const before = textsBelow(examples);
    const specs = [...before.keys()].flatMap((file) => specOf(file) ?? []);
    assert.ok(specs.length > 5);
    const run = (...args: string[]) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [...program, ...args], {
        cwd: examples,
        encoding: 'utf8',
      });
      return { status, text: stdout + stderr };
    };
    assert.match(run('--version').text, NEXT);
    const found = run('diff', ...specs);
    assert.is(found.status, 1, found.text);
    assert.match(found.text, /other tool version/);
    assert.not.match(found.text, /edited by hand|spec changed/);
    const generated = run('generate', ...specs);
    assert.is(generated.status, 0, generated.text);
    const after = textsBelow(examples);
    assert.equal([...after.keys()], [...before.keys()]);
    for (const [file, text] of after) {
      const old = (before.get(file) ?? '').split('\n');
      const changed = text.split('\n').flatMap((line, index) => (line === old[index] ? [] : [`${index + 1}: ${line}`]));
      const top = file.endsWith('/.postern.json')
        ? /^2: {3}"postern": "9\.8\.7-next\.6",$/
        : /^1: (?:#|\/\/|<!--) Made by postern 9\.8\.7-next\.6 /;
      assert.ok(changed.length <= 1, `${file}\n${changed.join('\n')}`);
      for (const line of changed) assert.match(line, top, file);
    }
  } finally {
    await remove();
  }
});

upgrade.run();
