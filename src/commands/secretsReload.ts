import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { systemProblem } from '../output/disk.ts';
import { digestOfFile } from '../output/journal.ts';
import { secretCodes } from '../secrets/codes.ts';
import { changeState, type Reloaded, readState } from '../secrets/state.ts';
import type { RenderedFile } from '../targets/target.ts';
import type { Program } from './options.ts';

/** Milliseconds after which a command that hangs is killed, so that no secret expires meanwhile. */
const PATIENCE = 60_000;

interface Place {
  readonly folder: string;
  /** The files as they should be; absent where that cannot be told. */
  readonly files?: readonly RenderedFile[] | undefined;
}

/**
 * Runs the command of `--reload` where the files are not those of its last success, whoever wrote them and whatever has
 * happened since. What stops the watch leaves it running and does not wait for it.
 */
export async function reloadDue(command: Program, place: Place, stop: AbortSignal): Promise<Diagnostic[]> {
  const due = dueReload(command, place);
  if (!due) return [];
  const end = await run(command, stop);
  if (end === 'left') return [];
  if (end !== 'done') return [secretCodes.report('reload', [], end)];
  return changeState(place.folder, (state) => ({ ...state, reloaded: due }));
}

/** Returns what a reload would have something read; `undefined` where that has been done. */
function dueReload({ program, args }: Program, { folder, files }: Place): Reloaded | undefined {
  const last = readState(folder).reloaded;
  const command = [program, ...args];
  const isSame = last !== undefined && JSON.stringify(last.command) === JSON.stringify(command);
  if (files ? files.length === 0 : !isSame) return undefined;
  const paths = files ? files.map(({ path }) => path) : Object.keys(last?.files ?? {});
  const now = Object.fromEntries(paths.toSorted().flatMap((path) => digestAt(folder, path)));
  // What runs has more than what is there, and would lose it.
  if (Object.keys(now).length < paths.length) return undefined;
  return isSame && JSON.stringify(now) === JSON.stringify(last.files) ? undefined : { command, files: now };
}

function digestAt(folder: string, path: string): [string, string][] {
  try {
    const digest = digestOfFile(join(folder, path));
    return digest === undefined ? [] : [[path, digest]];
  } catch (error) {
    systemProblem(error);
    return [];
  }
}

/** How a command ended; `left` where the watch was stopped before that. */
type End = 'done' | 'left' | { readonly problem: string };

/** Runs a command without a shell. */
function run({ program, args }: Program, stop: AbortSignal): Promise<End> {
  return new Promise((settle) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore'] });
    // That of `spawn` would go on after a program that does not start, and keep the watch from ending.
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
    const end = (found: End) => {
      clearTimeout(late);
      stop.removeEventListener('abort', leave);
      settle(found);
    };
    const leave = () => {
      child.unref();
      end('left');
    };
    stop.addEventListener('abort', leave, { once: true });
    child.on('error', (error) => end({ problem: 'code' in error ? String(error.code) : 'it does not start' }));
    child.on('exit', (code, signal) => end(code === 0 ? 'done' : { problem: signal ?? `exit status ${code}` }));
  });
}
