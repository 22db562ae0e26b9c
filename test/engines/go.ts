import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustRun, type RunOptions } from './run.ts';
import type { GoOrigin } from './table.ts';

/** Builds a Go program at its pinned version into `folder`. */
export async function installGo(origin: GoOrigin, folder: string, command: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const { module, version, ldflags = '', main } = origin;
  const linked = `-ldflags=-s -w ${ldflags}`;
  const env = {
    ...process.env,
    GOBIN: folder,
    // Two compilers at a time: these builds share the machine with the tests that wait for them.
    GOFLAGS: '-p=2 -trimpath -mod=mod',
    GOTOOLCHAIN: 'auto',
    CGO_ENABLED: '0',
  };
  if (main !== undefined) return buildAround(origin, main, { folder, command, env });
  await mustRun('go', ['install', linked, `${module}@v${version}`], { env });
  const built = basename(module.replace(/\/v\d+$/, ''));
  if (built !== command) await rename(join(folder, built), join(folder, command));
}

interface Build extends RunOptions {
  readonly folder: string;
  readonly command: string;
}

/** A library has no program of its own, so one of ours is compiled around it. */
async function buildAround({ module, version }: GoOrigin, main: string, build: Build): Promise<void> {
  const { folder, command, env } = build;
  const cwd = join(folder, 'source');
  await mkdir(cwd);
  await copyFile(fileURLToPath(new URL(main, import.meta.url)), join(cwd, 'main.go'));
  await writeFile(join(cwd, 'go.mod'), `module ${command}\n\ngo 1.21\n\nrequire ${module} v${version}\n`);
  await mustRun('go', ['build', '-o', join(folder, command), '.'], { cwd, ...(env && { env }) });
  await rm(cwd, { recursive: true });
}
