import { mkdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { mustRun } from './run.ts';
import type { GoOrigin } from './table.ts';

/** Builds a Go program at its pinned version into `folder`. */
export async function installGo(
  { module, version, ldflags = '' }: GoOrigin,
  folder: string,
  command: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const env = {
    ...process.env,
    GOBIN: folder,
    // Two compilers at a time: these builds share the machine with the tests that wait for them.
    GOFLAGS: '-p=2 -trimpath',
    GOTOOLCHAIN: 'auto',
    CGO_ENABLED: '0',
  };
  await mustRun('go', ['install', `-ldflags=-s -w ${ldflags}`, `${module}@v${version}`], { env });
  const built = basename(module.replace(/\/v\d+$/, ''));
  if (built !== command) await rename(join(folder, built), join(folder, command));
}
