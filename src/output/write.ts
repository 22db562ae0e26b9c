import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Diagnostic, failed, ok, type Result } from '../diagnostics/diagnostic.ts';
import { outputCodes } from './codes.ts';
import { placed, systemProblem } from './disk.ts';
import { TEMPORARY_SUFFIX } from './gitFiles.ts';
import {
  digestOfFile,
  endJournal,
  freshOf,
  hasJournal,
  isThere,
  type Journal,
  keptOf,
  recover,
  replaceStep,
  restoreStep,
  type Step,
  type Steps,
  writeJournal,
  writeSynced,
} from './journal.ts';
import { type Release, tryLock } from './lock.ts';

/** A file to be written, or to be removed if `text` is absent. */
export interface Write {
  readonly path: string;
  readonly text?: string | undefined;
}

export interface WriteOptions {
  readonly folder: string;
  /** Permissions of new files and folders; the user's defaults if absent. */
  readonly modes?: { readonly file: number; readonly folder: number };
}

const LOCK = `.lock${TEMPORARY_SUFFIX}`;
const PATIENCE = 10_000;

/**
 * Runs `work` while no other run writes to the folder. The folder is made if it is missing. First, the work of a run
 * that was killed is finished or undone.
 */
export function exclusively<T>(folder: string, work: () => T): Result<T> {
  try {
    const release = lockIn(folder, LOCK, waitForLock);
    if (!release) return failed([outputCodes.report('busy', [], { seconds: PATIENCE / 1000 }, placed(folder))]);
    try {
      const problems = recover(folder);
      return problems.length > 0 ? failed(problems) : ok(work());
    } finally {
      release();
    }
  } catch (error) {
    return failed([outputCodes.report('unwritable', [], { problem: systemProblem(error) }, placed(folder))]);
  }
}

/**
 * Takes a lock in a folder, which is made if it is missing; `undefined` while another process holds it. Folders that
 * were made for it go with the lock, as long as they are empty.
 */
export function lockIn(folder: string, name: string, take = tryLock): Release | undefined {
  const made = mkdirSync(folder, { recursive: true });
  const clean = () => {
    if (made !== undefined) removeUpTo(folder, made);
  };
  let unlock: Release | undefined;
  try {
    unlock = take(join(folder, name));
  } finally {
    if (!unlock) clean();
  }
  return (
    unlock &&
    (() => {
      unlock();
      clean();
    })
  );
}

function waitForLock(path: string): Release | undefined {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (const end = Date.now() + PATIENCE; ; Atomics.wait(pause, 0, 0, 20)) {
    const release = tryLock(path);
    if (release || Date.now() > end) return release;
  }
}

/** Removes folders that this run has made, as long as they are empty. `top` is the outermost of them. */
function removeUpTo(folder: string, top: string): void {
  try {
    for (let part = folder; part.length >= top.length; part = dirname(part)) rmdirSync(part);
  } catch (error) {
    systemProblem(error);
  }
}

/** Returns whether a killed run has left a lock or a journal, which must be cleaned up even if no file changes. */
export function isUnfinished(folder: string): boolean {
  return isThere(join(folder, LOCK)) || hasJournal(folder);
}

/**
 * Writes all files or none, in a folder that is held by `exclusively`. The steps that are likely to fail (making
 * folders, writing, syncing) happen beside the old files. Renames then replace these; if one of them fails, all are
 * undone. The journal records what the run is doing, so that the next run can finish or undo it if this one is killed.
 */
export function writeAll(writes: readonly Write[], options: WriteOptions): Diagnostic[] {
  const { folder } = options;
  const plan = planOf(writes, folder);
  const undo: (() => void)[] = [];
  let phase: Journal['phase'] = 'stage';
  let current = folder;
  try {
    writeJournal(folder, { ...plan, phase });
    makeFolders(plan.made, writes, { ...options, undo });
    for (const write of writes) {
      current = join(folder, write.path);
      stage(write, options);
    }
    phase = 'replace';
    writeJournal(folder, { ...plan, phase });
    for (const step of plan.steps) {
      current = join(folder, step.path);
      replaceStep(folder, step);
    }
    endJournal(folder, plan, 'done');
    return [];
  } catch (error) {
    const problem = systemProblem(error);
    const code = takeBack(folder, { ...plan, phase }, undo) ? 'unwritable' : 'half-written';
    return [outputCodes.report(code, [], { problem }, placed(current))];
  }
}

function takeBack(folder: string, journal: Journal, undo: readonly (() => void)[]): boolean {
  try {
    if (journal.phase === 'replace') {
      writeJournal(folder, { ...journal, phase: 'restore' });
      for (const step of journal.steps) restoreStep(folder, step);
    }
    for (const step of undo.toReversed()) step();
    endJournal(folder, journal, 'undone');
    return true;
  } catch (error) {
    systemProblem(error);
    return false;
  }
}

function planOf(writes: readonly Write[], folder: string): Steps {
  const made = new Set<string>();
  const steps = writes.map(({ path, text }): Step => {
    for (const part of foldersAbove(path)) if (!isThere(join(folder, part))) made.add(part);
    const before = digestOfFile(join(folder, path));
    if (before === undefined) return { path, verb: text === undefined ? 'delete' : 'create' };
    return { path, verb: text === undefined ? 'delete' : 'change', before };
  });
  return { steps, made: [...made] };
}

/** Returns the folders above a path: `a/b/c` → `a`, `a/b`. */
function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Makes missing folders. Folders that hold a file get the permissions asked for, even if they existed before. */
function makeFolders(
  made: readonly string[],
  writes: readonly Write[],
  { folder, modes, undo }: WriteOptions & { readonly undo: (() => void)[] },
): void {
  const direct = new Set(writes.map(({ path }) => dirname(path)));
  for (const part of made) mkdirSync(join(folder, part), modes && direct.has(part) ? { mode: modes.folder } : {});
  if (!modes) return;
  for (const part of direct) {
    const own = join(folder, part);
    const before = statSync(own).mode & 0o7777;
    if (part === '.' || before === modes.folder) continue;
    chmodSync(own, modes.folder);
    undo.push(() => chmodSync(own, before));
  }
}

/** Writes the new file beside the old one, and makes a hard link to the old one. */
function stage({ path, text }: Write, { folder, modes }: WriteOptions): void {
  const [file, fresh, kept] = [path, freshOf(path), keptOf(path)].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const stray of [fresh, kept]) rmSync(stray, { force: true });
  if (text !== undefined) writeSynced(fresh, text, modes?.file);
  if (isThere(file)) keep(file, kept);
}

function keep(file: string, kept: string): void {
  try {
    linkSync(file, kept);
  } catch (error) {
    // Some file systems have no hard links, and the kernel may refuse one to a file of another user.
    systemProblem(error);
    copyFileSync(file, kept);
  }
}

/** Writes one file, and makes its folder if it is missing. After a failure, everything is as before. */
export function replaceFile(path: string, text: string): Diagnostic[] {
  let fresh: string | undefined;
  let made: string | undefined;
  try {
    // A link stays one: what it leads to is written.
    const file = existsSync(path) ? realpathSync(path) : path;
    const mode = statSync(file, { throwIfNoEntry: false })?.mode;
    made = mkdirSync(dirname(file), { recursive: true });
    fresh = join(dirname(file), freshOf(basename(file)));
    rmSync(fresh, { force: true });
    writeSynced(fresh, text, mode === undefined ? undefined : mode & 0o7777);
    renameSync(fresh, file);
    return [];
  } catch (error) {
    const problem = systemProblem(error);
    if (fresh !== undefined) rmSync(fresh, { force: true });
    if (made !== undefined) removeUpTo(dirname(path), made);
    return [outputCodes.report('unwritable', [], { problem }, placed(path))];
  }
}

const BYTE_ORDER_MARK = '\ufeff';

/** Writes a text that was read, edited and is a text of the same file still: a byte order mark stays. */
export function editFile(file: string, text: string): Diagnostic[] {
  try {
    const isMarked = readFileSync(file, 'utf8').startsWith(BYTE_ORDER_MARK);
    return replaceFile(file, isMarked ? `${BYTE_ORDER_MARK}${text}` : text);
  } catch (error) {
    return [outputCodes.report('unwritable', [], { problem: systemProblem(error) }, placed(file))];
  }
}
