import { posix } from 'node:path';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { SourceFile } from '../source/span.ts';
import type { Project } from './project.ts';

type ReadFile = (path: string) => string | undefined;

/** A spec of its own that another spec names. */
export interface SpecBeside {
  readonly file: SourceFile;
  readonly project: Project;
  /** Reads the files that it names, relative to it. */
  readonly read: ReadFile;
}

/** Opens a spec by its path from the folder of another one; else says in a few words why there is none. */
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
    project: { entry: () => opened.path, open: project.open },
    read: (file) => read(posix.isAbsolute(file) ? file : posix.join(posix.dirname(path), file)),
  };
}
