import type { Position } from '../diagnostics/position.ts';

/** `note`: worth knowing, nothing to do. */
export type Level = 'error' | 'warning' | 'note';

export interface FindingPlace {
  readonly file: string;
  /** Absent where the whole file is meant. */
  readonly from?: Position;
  readonly to?: Position;
}

/** One thing that a command found, in no format's words; free of secrets and of control characters. */
export interface Finding {
  /** `area/kebab-name`. */
  readonly code: string;
  readonly level: Level;
  /** Whether it is a reason for the exit status. */
  readonly fails: boolean;
  /** Set where somebody has said that it may stay. */
  readonly accepted?: boolean;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly place?: FindingPlace | undefined;
  readonly related: readonly { readonly message: string; readonly place?: FindingPlace | undefined }[];
  /** The spec that it is about, where there are several. */
  readonly spec?: string;
  /** Whose approval it needs, where somebody is named. */
  readonly approval?: readonly string[];
  /** Unified text, where a file differs. */
  readonly patch?: string;
}

/** A named question with its answer, for formats that count what passed. */
export interface Check {
  readonly name: string;
  readonly passed: boolean;
  readonly message: string;
}

/** All that a command has to say. Whatever the format, a status other than 0 shows in it. */
export interface Sheet {
  readonly command: string;
  readonly version: string;
  readonly status: 0 | 1 | 2;
  readonly summary: string;
  readonly findings: readonly Finding[];
  readonly checks: readonly Check[];
  /** The file that findings without a place are about. */
  readonly subject: string;
}

/** Sheet → text of one format, whole whatever the status. */
export type SheetFormatter = (sheet: Sheet) => string;
