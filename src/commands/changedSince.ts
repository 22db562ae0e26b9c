import { existsSync, realpathSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { failed, hasError, ok, type Result } from '../diagnostics/diagnostic.ts';
import type { Io } from './io.ts';
import { changesSince, type RevisionChanges } from './revision.ts';
import { compileArgument, specPlace } from './spec.ts';

export interface Since {
  readonly revision: string;
  /** Returns the folder of a spec that is compared or written; `undefined` where no file of it is looked at. */
  readonly outputOf: (spec: string) => string | undefined;
}

/**
 * Returns those of some specs that may be others than at a revision: a file that they read, or one below the output
 * folder, has changed since, committed or not. What git does not know counts as changed, and so does a spec with an
 * error, of which nobody knows all files.
 */
export function changedSince(
  specs: readonly string[],
  { revision, outputOf }: Since,
  io: Io,
): Result<readonly string[]> {
  const found: string[] = [];
  const known = new Map<string, RevisionChanges>();
  for (const spec of specs) {
    const { value: changes, diagnostics } = changesSince(specPlace(spec), revision, known);
    if (!changes) return failed(diagnostics);
    const output = outputOf(spec);
    if ((output !== undefined && isOutputChanged(output, changes)) || readsChanged(spec, changes, io)) found.push(spec);
  }
  return ok(found);
}

function readsChanged(spec: string, changes: RevisionChanges, io: Io): boolean {
  const read = new Set<string>();
  const { diagnostics } = compileArgument(spec, { ...io, opened: (file) => void read.add(resolve(file)) });
  return hasError(diagnostics) || [...read].some((file) => isChanged(file, changes));
}

function isChanged(file: string, { top, changed, tracked }: RevisionChanges): boolean {
  const named = below(top, file);
  // A link in the middle of a path may lead elsewhere now.
  if (named === undefined || upTo(named).some((path) => changed.has(path))) return true;
  if (!existsSync(file)) return false;
  const real = below(top, realpathSync(file));
  return real === undefined || changed.has(real) || !tracked.has(real);
}

function isOutputChanged(folder: string, { top, changed, tracked }: RevisionChanges): boolean {
  const named = below(top, existsSync(folder) ? realpathSync(folder) : resolve(folder));
  const holds = (paths: ReadonlySet<string>) => [...paths].some((path) => path.startsWith(`${named}/`));
  return named === undefined || holds(changed) || !holds(tracked);
}

/** Returns `a`, `a/b` and `a/b/c` of `a/b/c`. */
function upTo(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}

/** Returns the path from the top of the repository; `undefined` for what lies elsewhere. */
function below(top: string, file: string): string | undefined {
  const path = relative(top, file).split(sep).join('/');
  return path === '..' || path.startsWith('../') || path === join('/', path) ? undefined : path;
}
