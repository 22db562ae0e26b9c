import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { compileCodes, originOf } from '../compile.ts';
import type { Composition } from '../compose/compose.ts';
import { type Diagnostic, failed, hasError, ok, type Result } from '../diagnostics/diagnostic.ts';
import { outputCodes } from '../output/codes.ts';
import { placed, readDisk, systemProblem } from '../output/disk.ts';
import { type Plan, planChanges } from '../output/plan.ts';
import { escapeRegex } from '../plan/regex.ts';
import type { Policy } from '../policy/types.ts';
import { readBytes } from '../source/read.ts';
import type { LocatedDocument } from '../source/span.ts';
import type { Spec } from '../spec/schema.ts';
import { targets as allTargets } from '../targets/index.ts';
import { driftCodes, renderAgain } from '../targets/live.ts';
import type { RenderedKeys } from '../targets/target.ts';
import type { Io } from './io.ts';
import type { Format } from './print.ts';
import { compileArgument, type OpenSpec, outputFolder } from './spec.ts';

export interface DriftArguments {
  readonly spec?: string | undefined;
  readonly out?: string | undefined;
  readonly target?: readonly string[] | undefined;
  readonly allowExpired?: boolean | undefined;
  readonly format: Format;
}

export interface Drift {
  /** Absent if the diagnostics hold an error. */
  readonly plan?: Plan;
  /** Plans anew from the files now on disk, for a caller that had to wait for the folder. */
  readonly replan?: () => Result<Plan>;
  /**
   * Differences between the callers' keys in rendered secrets and those of the spec; empty without rendered secrets.
   */
  readonly keys: readonly Diagnostic[];
  readonly folder: string;
  readonly source?: OpenSpec | undefined;
  readonly document?: LocatedDocument | undefined;
  readonly composition?: Composition | undefined;
  readonly spec?: Spec | undefined;
  readonly policy?: Policy | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Compares what the spec generates with the output folder. With `now`, expired keys are errors. */
export function drift(
  { spec: argument, out, target: targets, allowExpired }: DriftArguments,
  io: Io,
  now?: number,
): Drift {
  const { source, document, composition, spec, policy, files, diagnostics } = compileArgument(argument, io, {
    targets,
    now,
    allowExpired,
  });
  const folder = source ? outputFolder(out, source) : '';
  const none = spec !== undefined && Object.keys(spec.targets ?? {}).length === 0;
  const problems = [...diagnostics, ...(none && !targets ? [compileCodes.report('no-target', ['name'], {})] : [])];
  if (!files || !spec || hasError(problems)) return { keys: [], folder, document, diagnostics: problems };
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
  if (!plan) return { keys: [], folder, document, diagnostics: said };
  const names = Object.keys(spec.targets ?? {}).filter((name) => targets?.includes(name) ?? true);
  const found = policy ? keysBeside(policy, folder, names) : ok([]);
  const all = [...said, ...found.diagnostics];
  if (!found.value) return { keys: [], folder, document, diagnostics: all };
  return { plan, replan, keys: found.value, folder, source, document, composition, spec, policy, diagnostics: all };
}

/**
 * Compares the number of keys in the rendered secrets with the spec: a key that was removed from the spec still works
 * as long as it is rendered.
 */
function keysBeside(policy: Policy, folder: string, names: readonly string[]): Result<readonly Diagnostic[]> {
  const results = allTargets.map(({ name, renderedKeys }): Result<readonly Diagnostic[]> => {
    if (!renderedKeys || !names.includes(name)) return ok([]);
    const where = join(folder, name, 'secrets');
    const { value: files, diagnostics } = includedIn(join(folder, name), renderedKeys);
    if (!files) return failed(diagnostics);
    // An engine that has to include a folder does not start.
    const folders = files.filter(({ text }) => text === undefined);
    const texts = files.flatMap(({ name: file, text }) => (text === undefined ? [] : [{ name: file, text }]));
    const { value: found = [], diagnostics: told } =
      texts.length === 0 ? ok<readonly Diagnostic[]>([]) : renderedKeys.compare(policy, texts, where);
    return ok(
      [
        ...folders.map((one) =>
          renderAgain(driftCodes.report('added', ['apiKeys'], { what: `the folder ${basename(one.name)}`, where })),
        ),
        ...found,
      ],
      told,
    );
  });
  const diagnostics = results.flatMap((result) => result.diagnostics);
  if (hasError(diagnostics)) return failed(diagnostics);
  return ok(
    results.flatMap(({ value = [] }) => value),
    diagnostics,
  );
}

/**
 * Returns what an engine includes of its `secrets/`; a folder has no text. Nothing else there is read, by the engine or
 * here: a copy under another name, or a folder that somebody keeps old files in.
 */
function includedIn(
  engine: string,
  { included }: RenderedKeys,
): Result<readonly { readonly name: string; readonly text: string | undefined }[]> {
  const folder = join(engine, 'secrets');
  const isIncluded = (name: string) =>
    included.some((glob) => new RegExp(`^${glob.split('*').map(escapeRegex).join('.*')}$`).test(`secrets/${name}`));
  const refuse = (problem: string, file: string) =>
    failed([outputCodes.report('unreadable', [], { problem }, placed(file))]);
  const texts: { name: string; text: string | undefined }[] = [];
  let file = folder;
  try {
    for (const name of readdirSync(folder).filter(isIncluded).sort()) {
      file = join(folder, name);
      if (statSync(file).isDirectory()) {
        texts.push({ name: file, text: undefined });
        continue;
      }
      const found = readBytes(file);
      if ('problem' in found) return refuse(found.problem, file);
      texts.push({ name: file, text: Buffer.from(found.bytes).toString('utf8') });
    }
    return ok(texts);
  } catch (error) {
    const isNone = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    return isNone && file === folder ? ok([]) : refuse(systemProblem(error), file);
  }
}
