import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lock } from '../../src/verify/lock.ts';
import { installDebian } from './debian.ts';
import { installGo } from './go.ts';
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
export async function engine(name: EngineName): Promise<Engine | Missing> {
  const recipe: Recipe = recipes[name];
  const onPath = await firstOnPath(recipe);
  if (onPath) return onPath;
  const folder = join(enginesFolder, folderName(name, recipe));
  return (await accept(join(folder, recipe.command), recipe)) ?? installed(name, recipe, folder);
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
async function installed(name: EngineName, recipe: Recipe, folder: string): Promise<Engine | Missing> {
  const release = await lock(join(enginesFolder, '.locks', name));
  try {
    const program = join(folder, recipe.command);
    const byAnother = await accept(program, recipe);
    if (byAnother) return byAnother;
    const failure = await recordedFailure(name);
    if (failure !== undefined) return { missing: failure };
    await install(recipe, folder);
    const own = await accept(program, recipe);
    return own ?? { missing: await recordFailure(name, `${program} does not run or is not ${recipe.from} or newer`) };
  } catch (error) {
    return { missing: await recordFailure(name, error instanceof Error ? error.message : String(error)) };
  } finally {
    await release();
  }
}

async function install({ origin, command }: Recipe, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  if (origin.kind === 'go') await installGo(origin, folder, command);
  else if (origin.kind === 'pypi') await installPypi(origin, folder, command);
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

const failureOf = (name: EngineName) => join(enginesFolder, '.failed', name);
const thisRun = process.env['POSTERN_TEST_RUN'];

async function recordFailure(name: EngineName, reason: string): Promise<string> {
  await mkdir(join(enginesFolder, '.failed'), { recursive: true });
  await writeFile(failureOf(name), JSON.stringify({ run: thisRun, reason }));
  return reason;
}

async function recordedFailure(name: EngineName): Promise<string | undefined> {
  if (thisRun === undefined) return undefined;
  const text = await readFile(failureOf(name), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const failure: { run?: string; reason: string } = JSON.parse(text);
  return failure.run === thisRun ? failure.reason : undefined;
}
