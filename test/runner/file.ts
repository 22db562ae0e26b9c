import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** What a line on stderr starts with that is shown while its test file still runs. */
export const PROGRESS = 'engine ';

export interface Report extends Counts {
  readonly output: string;
  /** Why the file counts as failed. */
  readonly problem?: string;
}

// Generous on purpose: it ends what hangs and says nothing about speed. A test may first have to build an engine.
const patience = 10 * 60_000;

export interface FileOptions {
  /** The arguments that make node run a test file; from source where absent. */
  readonly start?: ((file: string) => readonly string[]) | undefined;
  /** Takes a line of progress. */
  readonly progress?: (line: string) => void;
}

/** Runs one test file in a process of its own and reads the counts off the end of its output. */
export async function runFile(root: string, file: string, options: FileOptions = {}): Promise<Report> {
  // `.only` silently leaves out every other test; it is for the editor, not for the repository.
  if (/\.only\(/.test(await readFile(join(root, file), 'utf8'))) return failure('holds ".only("', '');
  const { output, ended } = await execute(root, file, options);
  const [total, passed, skipped] = [count(output, 'Total'), count(output, 'Passed'), count(output, 'Skipped')];
  if (total === undefined || passed === undefined || skipped === undefined) {
    return failure(`${ended} without a summary: was run() called?`, output);
  }
  if (total + skipped === 0) return failure('ran no test', output);
  if (passed < total) {
    // uvu drops what a hook throws, and then runs none of the tests.
    const problem = output.includes(' FAIL ') ? `${total - passed} failed` : 'a hook failed, and uvu does not say how';
    return { passed, failed: total - passed, skipped, output, problem };
  }
  if (ended !== 'exit 0') return { passed, failed: 1, skipped, output, problem: `${ended} although every test passed` };
  return { passed, failed: 0, skipped, output };
}

function failure(problem: string, output: string): Report {
  return { passed: 0, failed: 1, skipped: 0, output, problem };
}

/** A number of uvu's summary; the last one, because a test may itself run tests. */
function count(output: string, label: string): number | undefined {
  const found = [...output.matchAll(new RegExp(`^ {2}${label}: +(\\d+)$`, 'gm'))].at(-1)?.[1];
  return found === undefined ? undefined : Number(found);
}

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const fromSource = (file: string) => ['--import', import.meta.resolve('tsx'), main, file];
const running = new Set<ChildProcess>();

/** Ends the files that run now. Servers that they started end with them, see guardGroup in src/verify. */
export function endAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

function execute(
  cwd: string,
  file: string,
  { start = fromSource, progress = () => {} }: FileOptions,
): Promise<{ output: string; ended: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, start(file), { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.startsWith(PROGRESS)) progress(line);
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), patience);
    child.once('error', reject).once('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ output, ended: signal === null ? `exit ${code}` : `ended by ${signal}` });
    });
  });
}
