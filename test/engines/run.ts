import { execFile } from 'node:child_process';

export interface Outcome {
  /** `undefined` where the program could not be started or was killed. */
  readonly code: number | undefined;
  /** stdout and stderr, because half of all programs print their version to stderr. */
  readonly text: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, args, { ...options, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      resolve({ code: typeof code === 'number' ? code : undefined, text: `${stdout}${stderr}` });
    });
  });
}

/** Runs a program that must succeed; gives what it printed. */
export async function mustRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, text } = await run(command, args, options);
  if (code === 0) return text;
  const ended = code === undefined ? 'could not be started or was killed' : `exit ${code}`;
  throw new Error(`${command} ${args.join(' ')}: ${ended} ${text.trim().split('\n').slice(-5).join(' / ')}`);
}
