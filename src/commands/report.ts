import type { AccessChange } from '../accessDiff/types.ts';
import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Change } from '../output/plan.ts';
import type { Versions } from '../report/access.ts';
import type { LocatedDocument } from '../source/span.ts';
import type { Refused } from './shadowTally.ts';

/** `0` yes, `1` no, `2` could not tell: the same for every command. */
export type Status = 0 | 1 | 2;

/** What a command found out, before anybody decides how to print it. */
export interface Report {
  readonly command: string;
  /** The spec as it was named, where there are several. */
  readonly spec?: string;
  readonly status: Status;
  readonly diagnostics: readonly Diagnostic[];
  /** Findings that the caller lives with: told apart, and no reason for the status. */
  readonly accepted?: readonly Diagnostic[];
  /** Turns places of the spec into lines; absent where the spec could not be read. */
  readonly document?: LocatedDocument | undefined;
  /** Whether the diagnostics are what was asked for (`validate`) or come beside it (`generate`). */
  readonly asked: 'diagnostics' | 'changes' | 'tests';
  readonly changes?: readonly Change[];
  /** The output folder, which the paths of changes are below. */
  readonly folder?: string;
  readonly access?: AccessReport;
  readonly tests?: readonly TestOutcome[];
  readonly coverage?: Coverage;
  /** What `verify` asked of each engine. */
  readonly engines?: readonly EngineOutcome[];
  /** Of `shadow report`: what would no longer get through. */
  readonly refused?: readonly Refused[];
  /** One line for people. */
  readonly summary?: string;
  /** Whether people want to see each changed line. */
  readonly patches?: boolean;
}

/** What somebody can do under this version of the spec and not under another, or the other way round. */
export interface AccessReport {
  readonly changes: readonly AccessChange[];
  readonly versions: Versions;
  /** Whether a change is a reason for the exit status. */
  readonly fails: (change: AccessChange) => boolean;
}

export interface EngineOutcome {
  readonly name: string;
  readonly requests: number;
  readonly disagreements: number;
}

export interface TestOutcome {
  readonly subject: string;
  readonly passed: boolean;
  readonly expected: string;
  readonly actual: string;
}

export interface Coverage {
  readonly routes: number;
  readonly tested: number;
  /** Requests of the spec, as written, that no test touches. */
  readonly untested: readonly { readonly route: string; readonly at: Diagnostic['at'] }[];
}

export interface Printed {
  readonly out: string;
  readonly err: string;
}

export interface Colour {
  readonly out: boolean;
  readonly err: boolean;
}

/** One report, or several that are to be read as one. */
export type Formatter = (reports: readonly [Report, ...Report[]], colour: Colour) => Printed;

/** The worst of several. */
export function worst(reports: readonly Report[]): Status {
  return reports.some(({ status }) => status === 2) ? 2 : reports.some(({ status }) => status === 1) ? 1 : 0;
}
