import type { SpecPath, TextSpan } from '../diagnostics/diagnostic.ts';

/** One text that diagnostics can point into. `name` is what messages print: as given, never made absolute. */
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

/** A parsed text that still knows where each of its parts stands. */
export interface LocatedDocument {
  /** The file that was asked for; parts may stand in others, which it includes. */
  readonly file: SourceFile;
  /** Plain data: null, booleans, numbers, strings, arrays and null-prototype-safe records. */
  readonly value: unknown;
  /** Where a key or value stands, in which file; its nearest parent where the path does not exist. */
  locate(path: SpecPath, part?: 'key' | 'value'): TextSpan;
}
