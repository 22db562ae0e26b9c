import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Diagnostic, failed, ok, type Result } from '../diagnostics/diagnostic.ts';
import { outputCodes } from './codes.ts';
import { MANIFEST, type Manifest, parseManifest } from './manifest.ts';

/** The files of the output folder that the spec generates or the manifest lists. */
export interface Disk {
  readonly manifest: Manifest | 'absent' | 'damaged';
  /** Text by path; absent files have no entry. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Reads the wanted files and those of the manifest, never through a symbolic link. */
export function readDisk(folder: string, wanted: readonly string[]): Result<Disk> {
  const unusable = folderProblem(folder);
  if (unusable !== undefined)
    return failed([outputCodes.report('no-folder', [], { problem: unusable }, placed(folder))]);
  const diagnostics: Diagnostic[] = [];
  const texts = new Map<string, string>();
  const take = (path: string) => {
    const found = readInside(folder, path);
    if (typeof found === 'object') diagnostics.push(found);
    else if (found !== undefined) texts.set(path, found);
  };
  take(MANIFEST);
  const listed = texts.get(MANIFEST);
  const manifest = listed === undefined ? 'absent' : (parseManifest(listed) ?? 'damaged');
  const known = typeof manifest === 'string' ? [] : manifest.files.map((file) => file.path);
  for (const path of new Set([...wanted, ...known])) if (path !== MANIFEST) take(path);
  return diagnostics.length > 0 ? failed(diagnostics) : ok({ manifest, texts });
}

/** Returns why the folder cannot be read; `undefined` if it can, or does not exist yet. */
function folderProblem(folder: string): string | undefined {
  try {
    return statSync(folder).isDirectory() ? undefined : 'it is a file';
  } catch (error) {
    return problemOf(error);
  }
}

function readInside(folder: string, path: string): string | Diagnostic | undefined {
  const file = join(folder, path);
  try {
    return obstruction(folder, path) ?? readFileSync(file, 'utf8');
  } catch (error) {
    const problem = problemOf(error);
    return problem === undefined ? undefined : outputCodes.report('unreadable', [], { problem }, placed(file));
  }
}

/** Reports obstacles to files at these paths, such as a symbolic link. A missing folder is no obstacle. */
export function obstructions(folder: string, paths: readonly string[]): Diagnostic[] {
  const found = paths.flatMap((path): Diagnostic[] => {
    try {
      return [obstruction(folder, path) ?? []].flat();
    } catch (error) {
      const place = placed(join(folder, path));
      return [outputCodes.report('unreadable', [], { problem: systemProblem(error) }, place)];
    }
  });
  return [...new Map(found.map((one) => [one.place?.file, one])).values()];
}

function obstruction(folder: string, path: string): Diagnostic | undefined {
  const obstacle = obstacleOn(folder, path);
  return obstacle && outputCodes.report('not-a-file', [], { what: obstacle.what }, placed(obstacle.file));
}

/** Returns the first part of a path that is a symbolic link, no folder before the end, or no file at the end. */
function obstacleOn(folder: string, path: string): { readonly file: string; readonly what: string } | undefined {
  const parts = path.split('/');
  for (let depth = 1; depth <= parts.length; depth++) {
    const file = join(folder, ...parts.slice(0, depth));
    const stat = lstatSync(file, { throwIfNoEntry: false });
    if (!stat) return undefined;
    if (stat.isSymbolicLink()) return { file, what: 'a symbolic link' };
    const last = depth === parts.length;
    if (last && !stat.isFile()) return { file, what: stat.isDirectory() ? 'a folder' : 'not a regular file' };
    if (!last && !stat.isDirectory()) return { file, what: 'not a folder' };
  }
  return undefined;
}

const PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  ENOENT: 'no such file or folder',
};

/** Returns a failed system call in words; `undefined` if it only means that there is no such file. */
function problemOf(error: unknown): string | undefined {
  const problem = systemProblem(error);
  return problem === PROBLEMS['ENOENT'] ? undefined : problem;
}

/** Returns a failed system call in words. Throws any other error again, because it is a bug. */
export function systemProblem(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string' || !('syscall' in error))
    throw error;
  return PROBLEMS[error.code] ?? error.code;
}

/** Returns the place of a whole file, without a line. */
export function placed(file: string): Pick<Required<Diagnostic>, 'place'> {
  return { place: { file, text: '', start: 0, end: 0 } };
}
