/** Lines to put in the place of others; line numbers from 0. Nothing else of the file changes. */
export interface Edit {
  readonly line: number;
  readonly remove: number;
  /** Without line feeds. */
  readonly insert: readonly string[];
}

export function editedLines(lines: readonly string[], edits: readonly Edit[]): string[] {
  const edited = [...lines];
  // From the end, so that line numbers before stay true; on one line what goes leaves before the new comes.
  for (const { line, remove, insert } of edits.toSorted((a, b) => b.line - a.line || b.remove - a.remove))
    edited.splice(line, remove, ...insert);
  return edited;
}
