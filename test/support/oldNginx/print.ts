import type { ImportFile } from '../../../src/import/draft.ts';

/** A directive to be written on a line of its own; with `block`, braces follow. */
export interface Line {
  /** Name and arguments, quoted as they stand in the file. */
  readonly text: string;
  readonly block?: readonly Line[];
  /** Set for a location: the number by which answers tell that they come from it. */
  readonly id?: number;
  /** The block is written to a file of its own, which is included in its place. */
  readonly file?: string;
}

/** The lines of a location. */
export interface Place {
  readonly id: number;
  readonly file: string;
  readonly first: number;
  readonly last: number;
}

export interface Printed {
  readonly files: readonly ImportFile[];
  readonly places: readonly Place[];
}

/** Returns the files of a configuration, and where its locations stand. */
export function printed(main: readonly Line[]): Printed {
  const files = new Map<string, string[]>();
  const places: Place[] = [];
  const write = (file: string, lines: readonly Line[], indent: string): void => {
    const out = files.get(file) ?? [];
    files.set(file, out);
    for (const { text, block, id, file: own } of lines) {
      if (own !== undefined) {
        out.push(`${indent}include ${own};`);
        if (!files.has(own)) write(own, block ?? [], '');
        continue;
      }
      if (!block) {
        out.push(`${indent}${text};`);
        continue;
      }
      const first = out.push(`${indent}${text} {`);
      write(file, block, `${indent}  `);
      const last = out.push(`${indent}}`);
      if (id !== undefined) places.push({ id, file, first, last });
    }
  };
  write('nginx.conf', main, '');
  return { files: [...files].map(([name, out]) => ({ name, text: `${out.join('\n')}\n` })), places };
}
