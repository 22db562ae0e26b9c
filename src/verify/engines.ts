import { join } from 'node:path';
import { pathOfProgram, variableOfProgram } from '../targets/program.ts';
import type { Runner, Target } from '../targets/target.ts';
import { type Ready, type Server, startServer } from './process.ts';

/** A target whose files a program can be started on. */
export type RunnableTarget<R extends Runner = Runner> = Target & { readonly run: R };

export function isRunnable(target: Target): target is RunnableTarget {
  return target.run !== undefined;
}

/** Whether the program of a target serves `requests` or `names`. */
export function serves<Kind extends Runner['serves']>(
  target: RunnableTarget,
  kind: Kind,
): target is RunnableTarget<Extract<Runner, { serves: Kind }>> {
  return target.run.serves === kind;
}

/** The variable that names a target's program in place of the first on PATH, such as `POSTERN_NGINX`. */
export function programVariable({ run }: RunnableTarget): string {
  return variableOfProgram(run.program);
}

/** The program of a target: as the environment says, else the first on PATH. */
export function findProgram(target: RunnableTarget, environment: NodeJS.ProcessEnv = process.env): string | undefined {
  return pathOfProgram(target.run.program, environment);
}

export interface StartOptions {
  readonly program: string;
  /** The folder that has the target's folder in it. */
  readonly folder: string;
  readonly ready: Ready;
  /** File of authorities that the program trusts in place of those of the machine, if it asks for them. */
  readonly authorities?: string;
}

/** Milliseconds within which an engine must listen or report why it cannot. */
const PATIENCE = 60_000;

/** Starts a real engine on generated files, with a home of its own so that it writes nowhere else. */
export function startEngine(
  { name, run }: Pick<RunnableTarget, 'name' | 'run'>,
  { program, folder, ready, authorities }: StartOptions,
): Promise<Server> {
  const cwd = join(folder, name);
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'home'),
    XDG_DATA_HOME: join(folder, 'home'),
    ...(authorities !== undefined && { SSL_CERT_FILE: authorities }),
  };
  return startServer({ command: program, args: run.args(cwd), cwd, env, ready, patience: PATIENCE });
}
