import type { SpecPath, TextSpan } from '../diagnostics/diagnostic.ts';

/** A text that diagnostics can point into. `name` is printed in messages: as given, never made absolute. */
export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

/** Offsets in UTF-16 units, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Finds the text of a path in one file. */
export type FindSpan = (path: SpecPath, part?: 'key' | 'value') => Span;

/** A parsed text with the places of its parts. */
export interface LocatedDocument {
  /** The file that was opened. Parts may be in other files, which it includes. */
  readonly file: SourceFile;
  /** Plain data: null, booleans, numbers, strings, arrays and null-prototype-safe records. */
  readonly value: unknown;
  /** Returns the place of a key or value; that of its nearest parent if the path does not exist. */
  locate(path: SpecPath, part?: 'key' | 'value'): TextSpan;
}
