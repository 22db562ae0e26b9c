import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { outputCodes } from './codes.ts';
import { placed, systemProblem } from './disk.ts';
import { TEMPORARY_SUFFIX } from './gitFiles.ts';

/** One file to be written, or to be removed where `text` is absent. */
export interface Write {
  readonly path: string;
  readonly text?: string | undefined;
}

export interface WriteOptions {
  readonly folder: string;
  /** Permissions of new files and folders; the user's defaults where absent. */
  readonly modes?: { readonly file: number; readonly folder: number };
}

/** What has been done so far, so that it can be taken back. */
interface Journal {
  readonly undo: (() => void)[];
  readonly temporary: string[];
  readonly made: string[];
  readonly touched: Set<string>;
}

/**
 * Writes all or nothing. Everything that is likely to fail (making folders, writing, syncing) happens beside
 * the files; only then do renames put the new ones in place, and if one of these fails all are taken back.
 */
export function writeAll(writes: readonly Write[], options: WriteOptions): Diagnostic[] {
  const journal: Journal = { undo: [], temporary: [], made: [], touched: new Set() };
  let current = options.folder;
  try {
    const staged = writes.map((write) => {
      current = join(options.folder, write.path);
      return { file: current, ...stage(current, write.text, { ...options, journal }) };
    });
    for (const step of staged) {
      current = step.file;
      commit(step, journal);
    }
    for (const folder of journal.touched) syncFolder(folder);
  } catch (error) {
    const problem = systemProblem(error);
    const code = rolledBack(journal) ? 'unwritable' : 'half-written';
    return [outputCodes.report(code, [], { problem }, placed(current))];
  } finally {
    for (const file of journal.temporary) rmSync(file, { force: true });
  }
  for (const write of writes) if (write.text === undefined) removeEmpty(dirname(write.path), options.folder);
  return [];
}

interface Staged {
  readonly fresh?: string;
  readonly backup?: string;
}

function stage(
  file: string,
  text: string | undefined,
  { modes, journal }: WriteOptions & { readonly journal: Journal },
): Staged {
  makeFolder(dirname(file), modes?.folder, journal);
  journal.touched.add(dirname(file));
  const beside = () => join(dirname(file), `.${basename(file)}.${randomUUID()}${TEMPORARY_SUFFIX}`);
  const staged: { fresh?: string; backup?: string } = {};
  if (text !== undefined) {
    staged.fresh = beside();
    journal.temporary.push(staged.fresh);
    writeSynced(staged.fresh, text, modes?.file);
  }
  if (existsSync(file)) {
    staged.backup = beside();
    journal.temporary.push(staged.backup);
    copyFileSync(file, staged.backup);
  }
  return staged;
}

function commit({ file, fresh, backup }: Staged & { readonly file: string }, journal: Journal): void {
  if (fresh !== undefined) renameSync(fresh, file);
  else rmSync(file);
  journal.undo.push(() => (backup === undefined ? rmSync(file) : renameSync(backup, file)));
}

function rolledBack({ undo, temporary, made }: Journal): boolean {
  try {
    for (const step of undo.toReversed()) step();
    for (const file of temporary) rmSync(file, { force: true });
    for (const folder of made.toReversed()) rmdirSync(folder);
    return true;
  } catch (error) {
    systemProblem(error);
    return false;
  }
}

function makeFolder(folder: string, mode: number | undefined, journal: Journal): void {
  if (existsSync(folder)) {
    if (mode === undefined) return;
    const before = statSync(folder).mode & 0o7777;
    if (before === mode) return;
    chmodSync(folder, mode);
    journal.undo.push(() => chmodSync(folder, before));
    return;
  }
  makeFolder(dirname(folder), undefined, journal);
  mkdirSync(folder, mode === undefined ? {} : { mode });
  journal.made.push(folder);
}

function writeSynced(file: string, text: string, mode: number | undefined): void {
  const descriptor = openSync(file, 'wx', mode ?? 0o666);
  try {
    // What the umask took away from an explicit mode stays away; what it left too much is taken here.
    if (mode !== undefined) fchmodSync(descriptor, mode);
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** A rename is safe against a crash only once its folder is on disk too. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function removeEmpty(path: string, folder: string): void {
  for (let part = path; part !== '.'; part = dirname(part)) {
    try {
      rmdirSync(join(folder, part));
    } catch (error) {
      systemProblem(error);
      return;
    }
  }
}
