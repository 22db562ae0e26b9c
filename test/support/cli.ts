import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
}

const built = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const source = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
/** Arguments that make node run the command. `npm test` builds first; a test file that is run by itself takes the source as it is. */
export const entry = process.env['POSTERN_BUILT'] === '1' ? [built] : ['--import', import.meta.resolve('tsx'), source];

/** Runs the real command in a process of its own. */
export function postern(args: readonly string[], { cwd, input = '', env = {}, uid }: RunOptions): Promise<Ran> {
  const { FORCE_COLOR: _, ...outer } = process.env;
  const child = spawn(process.execPath, [...entry, ...args], {
    cwd,
    env: { ...outer, ...env },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  // A command that does not read its input may be gone before it is written.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}
