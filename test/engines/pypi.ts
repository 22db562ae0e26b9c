import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from './run.ts';
import type { PypiOrigin } from './table.ts';

/** Installs a Python program at its pinned version, with what it needs, into `folder`. */
export async function installPypi(origin: PypiOrigin, folder: string, command: string): Promise<void> {
  await mustRun('python3', ['-m', 'venv', folder]);
  const options = ['--quiet', '--disable-pip-version-check', '--no-input'];
  await mustRun(join(folder, 'bin/pip'), ['install', ...options, `${origin.package}==${origin.version}`]);
  await symlink(join('bin', command), join(folder, command));
}
