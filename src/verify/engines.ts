import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { type Ready, type Server, startServer } from './process.ts';

/** The engines that can be started on what is generated for the target of the same name. */
export const ENGINES = ['nginx', 'caddy', 'coredns'] as const;
export type EngineId = (typeof ENGINES)[number];

export function isEngine(name: string): name is EngineId {
  return ENGINES.some((engine) => engine === name);
}

/** The variable that names an engine's program where it is not, or not the one, on PATH. */
export function programVariable(engine: EngineId): string {
  return `POSTERN_${engine.toUpperCase()}`;
}

/** The program of an engine: as the environment says, else the first on PATH. */
export function findEngine(engine: EngineId, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const given = environment[programVariable(engine)];
  if (given !== undefined && given !== '') return isProgram(given) ? resolve(given) : undefined;
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, engine)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export interface StartOptions {
  readonly program: string;
  /** What holds `nginx/` or `caddy/`. */
  readonly folder: string;
  readonly ready: Ready;
}

const ARGUMENTS: Readonly<Record<EngineId, (folder: string) => readonly string[]>> = {
  nginx: (folder) => ['-p', `${folder}/`, '-c', 'nginx.conf', '-g', 'daemon off;'],
  caddy: () => ['run', '--config', 'Caddyfile'],
  coredns: () => ['-conf', 'Corefile'],
};

/** Milliseconds within which an engine must listen or report why it cannot. */
const PATIENCE = 20_000;

/** Starts a real engine on generated files, with a home of its own so that it writes nowhere else. */
export function startEngine(engine: EngineId, { program, folder, ready }: StartOptions): Promise<Server> {
  const cwd = join(folder, engine);
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'home'),
    XDG_DATA_HOME: join(folder, 'home'),
  };
  return startServer({ command: program, args: ARGUMENTS[engine](cwd), cwd, env, ready, patience: PATIENCE });
}
