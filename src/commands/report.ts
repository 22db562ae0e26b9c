import type { AccessChange } from '../accessDiff/types.ts';
import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Change } from '../output/plan.ts';
import type { Versions } from '../report/access.ts';
import type { LocatedDocument } from '../source/span.ts';
import type { Refused } from './shadowTally.ts';

/** Exit status of every command: `0` yes, `1` no, `2` could not tell. */
export type Status = 0 | 1 | 2;

/** The result of a command, independent of the output format. */
export interface Report {
  readonly command: string;
  /** The spec as named on the command line, if there are several. */
  readonly spec?: string;
  readonly status: Status;
  readonly diagnostics: readonly Diagnostic[];
  /** Accepted findings. They are listed apart, and do not count for the status. */
  readonly accepted?: readonly Diagnostic[];
  /** Document that gives lines for places in the spec; absent if the spec could not be read. */
  readonly document?: LocatedDocument | undefined;
  /**
   * The result that the command is for. For `changes` (as in `generate`), diagnostics go to standard error, else to
   * standard output.
   */
  readonly asked: 'diagnostics' | 'changes' | 'tests';
  readonly changes?: readonly Change[];
  /** Output folder. Paths of changes are relative to it. */
  readonly folder?: string;
  readonly access?: AccessReport;
  readonly tests?: readonly TestOutcome[];
  readonly coverage?: Coverage;
  /** Result of `verify` for each engine. */
  readonly engines?: readonly EngineOutcome[];
  /** Result of `prove` for each proxy of each target, and for targets as a whole. */
  readonly proofs?: readonly ProofOutcome[];
  /** For `shadow report`: requests that would no longer get through. */
  readonly refused?: readonly Refused[];
  /** One or more lines for people. */
  readonly summary?: string;
  /** Whether each changed line is shown. */
  readonly patches?: boolean;
}

/** The differences of access between two versions of a spec. */
export interface AccessReport {
  readonly changes: readonly AccessChange[];
  readonly versions: Versions;
  /** Returns whether a change makes the exit status 1. */
  readonly fails: (change: AccessChange) => boolean;
}

export interface EngineOutcome {
  readonly name: string;
  readonly requests: number;
  readonly disagreements: number;
}

/** What `prove` says about the files of one proxy, or about those of a target as a whole. */
export interface ProofOutcome {
  readonly target: string;
  /** What the files decide: what becomes of requests to a proxy, where names lead, or where nodes ask for images. */
  readonly decides: 'requests' | 'names' | 'pulls';
  /** For requests. */
  readonly proxy?: string;
  readonly result: 'proved' | 'differs' | 'unknown';
  /** Where requests are proved: how many kinds of target there are, and how many ways through the tables. */
  readonly targets?: number;
  readonly ways?: number;
  /** Where names are proved: how many were compared one by one, and how many kinds of all others there are. */
  readonly names?: number;
  readonly kinds?: number;
  /** Where pulls are proved: how many registries were compared, of which one stands for all that nothing names. */
  readonly registries?: number;
  /** Where it is unknown. */
  readonly problem?: string;
  readonly difference?: ProofDifference;
}

export interface ProofDifference {
  readonly what: string;
  /** What shows it: a `curl` line and the bytes of the request, a `dig` line, or an image. */
  readonly request: string;
  /** The file that decides otherwise, below the output folder, and the line, from 1. */
  readonly file: string;
  readonly line: number;
  /** The place in the spec that decides. */
  readonly decidedAt: SpecPath;
  /** Rows of tables by which it comes about, if any: those that are no rows of the spec, or the one that decided. */
  readonly rows?: readonly { readonly file: string; readonly line: number; readonly text: string }[];
  /** The place in the spec of what a row is missing for. */
  readonly missing?: SpecPath;
  /** Absent where nobody asked to try it. */
  readonly tried?: { readonly result: 'confirmed' | 'other' | 'untried'; readonly told: string };
}

export interface TestOutcome {
  readonly subject: string;
  readonly passed: boolean;
  readonly expected: string;
  readonly actual: string;
  /** For a guarantee that holds: by what it was shown for all requests. */
  readonly how?: string;
}

export interface Coverage {
  readonly routes: number;
  readonly tested: number;
  /** Requests as written in the spec that no test touches. */
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

/** Formats one report, or several as one. */
export type Formatter = (reports: readonly [Report, ...Report[]], colour: Colour) => Printed;

/** Returns the worst status of several reports. */
export function worst(reports: readonly Report[]): Status {
  return reports.some(({ status }) => status === 2) ? 2 : reports.some(({ status }) => status === 1) ? 1 : 0;
}
