import { type Diagnostic, failed, type Result, type SpecPath } from '../diagnostics/diagnostic.ts';
import type { OutputFile } from '../output/files.ts';
import type { Policy } from '../policy/types.ts';
import type { ReadFile } from '../targets/target.ts';
import { driftCodes } from './codes.ts';

/** What somebody captured from a running engine. */
export interface LiveText {
  /** As messages name it. */
  readonly name: string;
  readonly text: string;
}

/** What the engine should be running. */
export interface Expected {
  readonly target: string;
  readonly policy: Policy;
  /** Options of the target in the spec. */
  readonly options: unknown;
  /** The files of this target. */
  readonly files: readonly OutputFile[];
  /** The output folder, for engines that read what stands beside these files. */
  readonly folder: string;
  /** Reads the files that the spec names. */
  readonly read: ReadFile;
}

/** What differs. What others added beside ours is told apart and is no drift. */
export interface LiveDrift {
  readonly drift: readonly Diagnostic[];
  readonly foreign: readonly Diagnostic[];
}

export type CompareLive = (live: LiveText, expected: Expected) => Result<LiveDrift>;

/** Says why nothing could be compared; never the same as "no drift". */
export function unreadable(expected: Expected, problem: string, hint: string): Result<never> {
  return failed([
    driftCodes.report('unreadable-live', optionsPath(expected), { target: expected.target, problem, hint }),
  ]);
}

export function optionsPath({ target }: Expected): SpecPath {
  return ['targets', target];
}
