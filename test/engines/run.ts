import { execFile } from 'node:child_process';

export interface Outcome {
  readonly code: number;
  readonly text: string;
}

/** Runs a program to its end; stdout and stderr together, because half of all programs print their version to stderr. */
export function run(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const settings = { ...options, maxBuffer: 64 * 1024 * 1024 };
    execFile(command, args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
      resolve({ code, text: `${stdout}${stderr}` || (error?.message ?? '') });
    });
  });
}

/** Runs a program that must succeed. */
export async function mustRun(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const { code, text } = await run(command, args, options);
  if (code !== 0)
    throw new Error(`${command} ${args.join(' ')}: exit ${code}: ${text.trim().split('\n').slice(-5).join(' / ')}`);
  return text;
}
