import { compileCodes, originOf } from '../compile.ts';
import { type Diagnostic, failed, hasError, ok, type Result } from '../diagnostics/diagnostic.ts';
import { readDisk } from '../output/disk.ts';
import { type Plan, planChanges } from '../output/plan.ts';
import type { Policy } from '../policy/types.ts';
import type { LocatedDocument } from '../source/span.ts';
import type { Spec } from '../spec/schema.ts';
import type { Io } from './io.ts';
import type { Format } from './print.ts';
import { compileArgument, type OpenSpec, outputFolder } from './spec.ts';

export interface DriftArguments {
  readonly spec?: string | undefined;
  readonly out?: string | undefined;
  readonly target?: readonly string[] | undefined;
  readonly format: Format;
}

export interface Drift {
  /** Absent where an error is among the diagnostics. */
  readonly plan?: Plan;
  /** The plan again, for whoever has waited for the folder since. */
  readonly replan?: () => Result<Plan>;
  readonly folder: string;
  readonly source?: OpenSpec | undefined;
  readonly document?: LocatedDocument | undefined;
  readonly spec?: Spec | undefined;
  readonly policy?: Policy | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** What the spec makes against what is in the output folder; `now` makes expired keys an error. */
export function drift({ spec: argument, out, target: targets }: DriftArguments, io: Io, now?: number): Drift {
  const { source, document, spec, policy, files, diagnostics } = compileArgument(argument, io, { targets, now });
  const folder = source ? outputFolder(out, source) : '';
  const none = spec !== undefined && Object.keys(spec.targets ?? {}).length === 0;
  const problems = [...diagnostics, ...(none && !targets ? [compileCodes.report('no-target', ['name'], {})] : [])];
  if (!files || !spec || hasError(problems)) return { folder, document, diagnostics: problems };
  const replan = (): Result<Plan> => {
    const disk = readDisk(
      folder,
      files.map((file) => file.path),
    );
    if (!disk.value) return failed(disk.diagnostics);
    return ok(planChanges({ files, disk: disk.value, origin: originOf(spec), targets }), disk.diagnostics);
  };
  const { value: plan, diagnostics: told } = replan();
  const said = [...problems, ...told];
  if (!plan) return { folder, document, diagnostics: said };
  return { plan, replan, folder, source, document, spec, policy, diagnostics: said };
}
