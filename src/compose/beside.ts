import { posix } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { SourceFile } from '../source/span.ts';
import type { Project } from './project.ts';

type ReadFile = (path: string) => string | undefined;

/** A whole spec that another spec names, as its shadow or in a guarantee `same`. */
export interface SpecBeside {
  readonly file: SourceFile;
  readonly project: Project;
  /** Reads the files that this spec names, by their paths from its own folder. */
  readonly read: ReadFile;
}

/** Opens a spec by its path from the folder of the spec that names it, or says in a few words why it cannot. */
export function openBeside(
  path: string,
  { project, read }: Pick<SpecBeside, 'project' | 'read'>,
): SpecBeside | { readonly problem: string; readonly diagnostics: readonly Diagnostic[] } {
  const opened = path.startsWith('/')
    ? { outside: 'leads' }
    : project.open(posix.join(posix.dirname(project.entry()), path));
  if ('outside' in opened) return { problem: `it ${opened.outside} out of the project`, diagnostics: [] };
  if ('problem' in opened) return { problem: opened.problem, diagnostics: [] };
  if ('diagnostics' in opened) return { problem: 'it cannot be read', diagnostics: opened.diagnostics };
  return {
    file: opened.file,
    project: { ...project, entry: () => opened.path },
    read: (file) => read(posix.isAbsolute(file) ? file : posix.join(posix.dirname(path), file)),
  };
}
