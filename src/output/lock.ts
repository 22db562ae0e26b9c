import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { TEMPORARY_SUFFIX } from './gitFiles.ts';

/** Releases a lock. It may be called twice. */
export type Release = () => void;

/**
 * Takes a lock that one process at a time can hold; `undefined` while another process holds it. The lock of a process
 * that was killed is free.
 *
 * A lock is a folder with one file in it, named after its owner. `rename` replaces a folder only while it is empty, so
 * taking the lock is one step. A dead owner is evicted by removing its own file: of two processes that do so at once,
 * the later one cannot remove the file of the next owner.
 */
export function tryLock(path: string): Release | undefined {
  const owner = ownName();
  const mine = `${path}.${owner}${TEMPORARY_SUFFIX}`;
  mkdirSync(mine, { recursive: true });
  writeFileSync(join(mine, owner), '');
  try {
    if (!take(mine, path) && !(evictDead(path) && take(mine, path))) return undefined;
  } finally {
    rmSync(mine, { recursive: true, force: true });
  }
  sweep(path);
  return () => {
    rmSync(join(path, owner), { force: true });
    removeFolder(path);
  };
}

/** How a lock is held for long. */
export interface Holding {
  /** Aborted once another process has the lock. */
  readonly lost: AbortSignal;
  /** Whether this process still has it. */
  check(): boolean;
  end(): void;
}

/** Milliseconds between two signs of life, of which several are in `LONGEST_RUN`. */
const SIGN_OF_LIFE = 60_000;

/**
 * Shows those who cannot see this process that it still runs, whatever it waits for meanwhile. Whoever holds a lock for
 * longer than a few minutes does so.
 */
export function holdLong(path: string): Holding {
  const lost = new AbortController();
  const check = () => {
    if (!lost.signal.aborted && !stillHolds(path)) lost.abort();
    return !lost.signal.aborted;
  };
  const timer = setInterval(check, SIGN_OF_LIFE);
  timer.unref();
  return { lost: lost.signal, check, end: () => clearInterval(timer) };
}

function stillHolds(path: string): boolean {
  const now = new Date();
  try {
    utimesSync(join(path, ownName()), now, now);
    return true;
  } catch (error) {
    // Any other problem, such as a disk that is full, says nothing about who has it.
    return !hasCode(error, 'ENOENT');
  }
}

function ownName(): string {
  return `${process.pid}.${startOf(process.pid)}.${place()}`;
}

function take(mine: string, path: string): boolean {
  try {
    renameSync(mine, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) return false;
    throw error;
  }
}

/** Removes a dead owner from the lock, and returns whether the lock is free now. */
function evictDead(path: string): boolean {
  const [owner] = entriesOf(path);
  if (owner === undefined) return true;
  if (!isDead(owner, join(path, owner))) return false;
  rmSync(join(path, owner), { force: true });
  return true;
}

/** Removes the folders of processes that were killed after making their folder and before renaming it. */
function sweep(path: string): void {
  const start = `${basename(path)}.`;
  for (const name of entriesOf(dirname(path))) {
    if (!name.startsWith(start) || !name.endsWith(TEMPORARY_SUFFIX)) continue;
    const owner = name.slice(start.length, -TEMPORARY_SUFFIX.length);
    const left = join(dirname(path), name);
    if (isDead(owner, left)) rmSync(left, { recursive: true, force: true });
  }
}

/**
 * Milliseconds of silence after which a lock of another machine or container counts as free, because it cannot be
 * checked here whether its owner runs.
 */
const LONGEST_RUN = 10 * 60_000;

function isDead(owner: string, entry: string): boolean {
  const [pid = '', start = '', where = place()] = owner.split('.');
  if (where === place()) return startOf(Number(pid)) !== start;
  try {
    return statSync(entry).mtimeMs < Date.now() - LONGEST_RUN;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    throw error;
  }
}

/**
 * Returns a name for the scope in which process ids are unique: this container, on this machine, since its last start.
 */
function place(): string {
  const boot = readOr('/proc/sys/kernel/random/boot_id', '');
  return createHash('sha256').update(`${hostname()} ${boot} ${namespaceOfPids()}`).digest('hex').slice(0, 12);
}

function namespaceOfPids(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** Returns when a process started. This distinguishes the owner of a lock from a later process with the same id. */
function startOf(pid: number): string {
  const stat = readOr(`/proc/${pid}/stat`, undefined);
  if (stat === undefined) return isRunning(pid) ? 'running' : 'gone';
  // The second field is the program's name in parentheses and may hold spaces: count from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', start = ''] = [fields[0], fields[19]];
  // A process that has ended is listed as a zombie until its parent asks for its status.
  return state === 'Z' || state === 'X' ? 'gone' : start;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}

function readOr<T>(file: string, otherwise: T): string | T {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return otherwise;
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Removes a folder if it is empty; otherwise it belongs to another process by now. */
function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
