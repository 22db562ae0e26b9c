import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
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
async function buildAround(origin: GoOrigin, main: string, build: Build): Promise<void> {
  const { module, version, ldflags } = origin;
  const { folder, command, env } = build;
  const cwd = join(folder, 'source');
  await mkdir(cwd);
  await copyFile(fileURLToPath(new URL(main, import.meta.url)), join(cwd, 'main.go'));
  const needed = `require ${module} v${version}\n`;
  await writeFile(join(cwd, 'go.mod'), `module ${command}\n\n${await requirements(origin, build)}${needed}`);
  const linked = ldflags === undefined ? [] : [`-ldflags=-s -w ${ldflags}`];
  await mustRun('go', ['build', ...linked, '-o', join(folder, command), '.'], { cwd, ...(env && { env }) });
  await rm(cwd, { recursive: true });
}

/** What a module with parts of its own tree in it requires, with each part at the version that it is published as. */
async function requirements({ module, version, parts }: GoOrigin, { env }: Build): Promise<string> {
  if (parts === undefined) return 'go 1.21\n\n';
  const said = await mustRun('go', ['mod', 'download', '-json', `${module}@v${version}`], { ...(env && { env }) });
  const { GoMod }: { GoMod: string } = JSON.parse(said);
  const text = await readFile(GoMod, 'utf8');
  return text.replace(/^module .*\n/m, '').replace(/^(\s+)(\S+) => \.\/\S+$/gm, `$1$2 => $2 v${parts}`);
}
