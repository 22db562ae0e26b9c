import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { SourceFile } from '../source/span.ts';

/** The files around a spec that it may include, on disk or in a revision of a repository. */
export interface Project {
  /** Path of the spec below the root of the project, with "/" between its parts. */
  entry(): string;
  /** Opens a file by its path below the root; one that starts with "../" leads out of it. */
  open(path: string): Opened;
  /**
   * Says how a path below the root leads out of it, such as "leads"; `undefined` if it stays within, or if nothing is
   * there.
   */
  wayOut(path: string): string | undefined;
}

/** A file, or why there is none. */
export type Opened =
  /** Its path below the root, symbolic links followed: what two includes of one file have in common. */
  | { readonly path: string; readonly file: SourceFile }
  | { readonly outside: string }
  | { readonly problem: string }
  | { readonly diagnostics: readonly Diagnostic[] };

/** The project of a spec without files around it, such as one that a program hands over as text. */
export const NO_PROJECT: Project = {
  entry: () => 'postern.yaml',
  open: () => ({ problem: 'nothing is known of the files around this spec' }),
  wayOut: () => undefined,
};
