import { createHash } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Diagnostic, failed, ok, type Result } from '../diagnostics/diagnostic.ts';
import { outputCodes } from './codes.ts';
import { obstructions, placed, systemProblem } from './disk.ts';
import { TEMPORARY_SUFFIX } from './gitFiles.ts';
import { isInside } from './manifest.ts';

/**
 * The steps of a run in a folder, written to disk before the run does them. A run that is killed leaves its journal,
 * and the next run finishes or undoes the work. `stage`: new files are being written beside the old ones. `replace`:
 * all are written, and each is renamed over the old one. `restore`: a rename failed, and the old files are put back.
 */
export interface Journal extends Steps {
  readonly phase: 'stage' | 'replace' | 'restore';
}

export interface Steps {
  readonly steps: readonly Step[];
  /** Folders that were missing, parents first. */
  readonly made: readonly string[];
}

export interface Step {
  readonly path: string;
  readonly verb: 'create' | 'change' | 'delete';
  /**
   * Digest of the old file, so that `recover` notices a later edit. The kept copy would not show one: it may be a hard
   * link, which changes with the file.
   */
  readonly before?: string;
}

const JOURNAL = `.journal${TEMPORARY_SUFFIX}`;

/**
 * Returns the path of the new file before it replaces the old one: `a/.nginx.conf.new.postern-tmp` for `a/nginx.conf`.
 */
export function freshOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.new${TEMPORARY_SUFFIX}`);
}

/** Returns the path of the old file while it may have to be restored. */
export function keptOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.old${TEMPORARY_SUFFIX}`);
}

export function writeJournal(folder: string, journal: Journal): void {
  const fresh = join(folder, freshOf(JOURNAL));
  rmSync(fresh, { force: true });
  writeSynced(fresh, `${JSON.stringify(journal)}\n`, 0o600);
  renameSync(fresh, join(folder, JOURNAL));
  syncFolder(folder);
}

/** Returns the journal of a run that was killed; `undefined` if there is none. */
function readJournal(folder: string): Result<Journal | undefined> {
  const file = join(folder, JOURNAL);
  let text: string;
  try {
    if (!lstatSync(file, { throwIfNoEntry: false })) return ok(undefined);
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return failed([outputCodes.report('unreadable', [], { problem: systemProblem(error) }, placed(file))]);
  }
  const journal = parseJournal(text);
  if (!journal) return failed([outputCodes.report('damaged-journal', [], {}, placed(file))]);
  // The journal may come from anybody and says which files are moved, so none of its paths may lead out of the folder.
  const obstacles = obstructions(
    folder,
    journal.steps.flatMap(({ path }) => [freshOf(path), keptOf(path)]),
  );
  return obstacles.length > 0 ? failed(obstacles) : ok(journal);
}

function parseJournal(text: string): Journal | undefined {
  try {
    const value: Partial<Journal> = JSON.parse(text);
    const { phase, steps = [], made = [] } = value;
    const known = steps.every(({ path, verb }) => isInside(path) && ['create', 'change', 'delete'].includes(verb));
    if (!known || !made.every(isInside) || !phase || !['stage', 'replace', 'restore'].includes(phase)) return undefined;
    return { phase, steps, made };
  } catch {
    return undefined;
  }
}

/**
 * Renames a new file over the old one, or deletes one that is no longer wanted. Does nothing if that is done already.
 */
export function replaceStep(folder: string, { path, verb }: Step): void {
  const file = join(folder, path);
  const fresh = join(folder, freshOf(path));
  if (verb === 'delete') rmSync(file, { force: true });
  else if (isThere(fresh)) renameSync(fresh, file);
}

/** Returns whether the file is as it was when the run began. */
function isUntouched(folder: string, { path, before }: Step): boolean {
  return digestOfFile(join(folder, path)) === before;
}

/** Returns the digest of the bytes of a file; `undefined` if there is none, `no file` for a folder or a link. */
export function digestOfFile(file: string): string | undefined {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (!stat?.isFile()) return stat && 'no file';
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** Undoes a step: restores the old file, or removes a created one. */
export function restoreStep(folder: string, { path, verb }: Step): void {
  const file = join(folder, path);
  const kept = join(folder, keptOf(path));
  if (verb === 'create' && !isThere(join(folder, freshOf(path)))) rmSync(file, { force: true });
  if (verb !== 'create' && isThere(kept)) renameSync(kept, file);
}

/**
 * Removes the temporary files of a run, and the journal last, so that the next run cleans up if this one is killed
 * here.
 */
export function endJournal(folder: string, { steps, made }: Steps, outcome: 'done' | 'undone'): void {
  for (const { path } of steps) {
    rmSync(join(folder, freshOf(path)), { force: true });
    rmSync(join(folder, keptOf(path)), { force: true });
  }
  const emptied = steps.filter(({ verb }) => verb === 'delete').map(({ path }) => dirname(path));
  for (const part of outcome === 'done' ? emptied : made) removeEmpty(part, folder);
  for (const part of new Set(steps.map(({ path }) => dirname(path))))
    if (isThere(join(folder, part))) syncFolder(join(folder, part));
  rmSync(join(folder, JOURNAL), { force: true });
  rmSync(join(folder, freshOf(JOURNAL)), { force: true });
}

/** Finishes or undoes the work of a run that was killed. Files that have been changed since stay as they are. */
export function recover(folder: string): Diagnostic[] {
  const { value: journal, diagnostics } = readJournal(folder);
  if (diagnostics.length > 0) return [...diagnostics];
  try {
    rmSync(join(folder, freshOf(JOURNAL)), { force: true });
    if (journal === undefined) return [];
    const { phase, steps } = journal;
    if (phase === 'replace') for (const step of steps) if (isUntouched(folder, step)) replaceStep(folder, step);
    if (phase === 'restore') for (const step of steps) restoreStep(folder, step);
    endJournal(folder, journal, phase === 'replace' ? 'done' : 'undone');
    return [];
  } catch (error) {
    return [outputCodes.report('half-written', [], { problem: systemProblem(error) }, placed(folder))];
  }
}

/** Returns whether a run was killed while it wrote. */
export function hasJournal(folder: string): boolean {
  return isThere(join(folder, JOURNAL));
}

/** Returns whether a path exists, even as a broken link. */
export function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

export function writeSynced(file: string, text: string, mode: number | undefined): void {
  const descriptor = openSync(file, 'wx', mode ?? 0o666);
  try {
    // The umask restricts the mode given to openSync, so an explicit mode is set once more.
    if (mode !== undefined) fchmodSync(descriptor, mode);
    const bytes = Buffer.from(text);
    for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Syncs a folder. Only then does a rename in it survive a crash of the machine. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Removes a folder and those above it, up to the one given, as long as they are empty. */
function removeEmpty(path: string, folder: string): void {
  for (let part = path; part !== '.'; part = dirname(part)) {
    try {
      rmdirSync(join(folder, part));
    } catch (error) {
      if (systemProblem(error) !== 'no such file or folder') return;
    }
  }
}
