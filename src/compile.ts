import { openBeside } from './compose/beside.ts';
import { type Composition, compose, withHoles } from './compose/compose.ts';
import { NO_PROJECT, type Project } from './compose/project.ts';
import { defineCodes, error } from './diagnostics/codes.ts';
import { type Diagnostic, hasError, type Result } from './diagnostics/diagnostic.ts';
import { holdsCredential } from './diagnostics/mask.ts';
import { placedIn } from './diagnostics/resolve.ts';
import { checkWithin } from './guarantees/within.ts';
import { outputCodes } from './output/codes.ts';
import { type OutputFile, outputFiles, type TargetFiles } from './output/files.ts';
import type { Origin } from './output/header.ts';
import { resolvePolicy } from './policy/resolve.ts';
import { checkShadow, shadowCodes } from './policy/shadow.ts';
import type { Policy } from './policy/types.ts';
import { accessPage } from './report/accessPage.ts';
import { expiry } from './rules/access.ts';
import type { LocatedDocument } from './source/span.ts';
import type { Spec } from './spec/schema.ts';
import { openedSets } from './targets/clients.ts';
import { targets as allTargets } from './targets/index.ts';
import type { ReadFile, RenderedFile, SecretsInput } from './targets/target.ts';
import { toolVersion } from './version.ts';

export const compileCodes = defineCodes('compile', {
  'no-target': error('no target is named, so nothing is rendered').hint(
    'add one under targets, for example "targets: { nginx: {} }"',
  ),
  'unknown-target': error('the spec has no target "{target}"').hint(({ known }: { known: readonly string[] }) =>
    known.length === 0 ? 'add one under targets' : `it has: ${known.join(', ')}`,
  ),
});

export interface CompileOptions {
  /** How messages name the spec. */
  readonly file: string;
  /** Reads the files that the spec names, relative to it. */
  readonly read: ReadFile;
  /** The files that it may include; absent: presets only. */
  readonly project?: Project | undefined;
  /** Names of the targets to render, each one of the spec's; absent: every one that the spec names. An empty list is an error. */
  readonly targets?: readonly string[] | undefined;
  /** Seconds since the epoch; keys that have expired by then are reported. Absent: time plays no part. */
  readonly now?: number | undefined;
  /** What engines stop by themselves, as keys, is then a warning: another change must not wait for its owner. */
  readonly allowExpired?: boolean | undefined;
}

/** How far the pipeline came; a stage that found an error leaves out its value and all that follow. */
export interface Compilation {
  /** Finds places of the flat spec, in whichever file they are written. */
  readonly document?: LocatedDocument;
  /** The files that were made one, and where each entry is written. */
  readonly composition?: Composition;
  /** The flat spec. */
  readonly spec?: Spec;
  readonly policy?: Policy;
  /** Finds places of the spec that is only decided, where there is one. */
  readonly shadowDocument?: LocatedDocument;
  readonly files?: readonly OutputFile[];
  readonly diagnostics: readonly Diagnostic[];
}

/** The pipeline, pure: source → spec → one flat spec → policy → rules → targets → files. */
export function compile(text: string, options: CompileOptions): Compilation {
  const composed = compose({ name: options.file, text }, optionSchemas(), options.project ?? NO_PROJECT);
  const { document, value: composition } = composed;
  if (!document || !composition) return { ...(document && { document }), diagnostics: composed.diagnostics };

  const { spec } = composition;
  const resolved = resolvePolicy(spec, options.read);
  const shadow =
    spec.shadow === undefined || !resolved.value ? undefined : shadowOf(spec.shadow, resolved.value, options);
  const policy = resolved.value && { ...resolved.value, ...(shadow?.policy && { shadow: shadow.policy }) };
  const outside = { read: options.read, opened: openedSets(spec) };
  const beyond = policy ? [...checkWithin(composition, policy, outside), ...(shadow?.diagnostics ?? [])] : [];
  const understood = [...composed.diagnostics, ...withHoles(resolved.diagnostics, composition), ...beyond];
  if (!policy) return { document, composition, spec, diagnostics: understood };

  const misnamed = checkTargets(spec, options.targets);
  const findings = expiredBy(options, policy, composition);
  const rendered = renderTargets(policy, spec, options);
  const diagnostics = [...understood, ...misnamed, ...findings, ...rendered.flatMap((result) => result.diagnostics)];
  const known = { document, composition, spec, policy, ...(shadow?.document && { shadowDocument: shadow.document }) };
  if (hasError(diagnostics)) return { ...known, diagnostics };

  // Asked for no target, nobody looks at the files.
  const page = options.targets?.length === 0 ? [] : [accessPage(spec, policy, options.read)];
  const made = [...rendered.flatMap((result) => result.value ?? []), { target: 'postern', files: page }];
  const files = outputFiles(made, originOf(spec));
  return { ...known, files, diagnostics: [...diagnostics, ...copiedCredentials(files)] };
}

interface Shadow {
  readonly document?: LocatedDocument;
  readonly policy?: Policy;
  readonly diagnostics: readonly Diagnostic[];
}

/** The spec that is only decided. Nothing is rendered of it but its decisions, so its targets, tests and guarantees are its own affair. */
function shadowOf(path: string, policy: Policy, options: CompileOptions): Shadow {
  const opened = openBeside(path, { read: options.read, project: options.project ?? NO_PROJECT });
  const fail = (problem: string, more: readonly Diagnostic[] = []): Shadow => ({
    diagnostics: [shadowCodes.report('unreadable', ['shadow'], { path, problem }), ...more],
  });
  if ('problem' in opened) return fail(opened.problem, opened.diagnostics);
  const { document, value, diagnostics } = compose(opened.file, optionSchemas(), opened.project);
  const resolved = value && resolvePolicy(value.spec, opened.read);
  const found = [...diagnostics, ...(resolved && value ? withHoles(resolved.diagnostics, value) : [])];
  const errors = placedIn(
    found.filter(({ severity }) => severity === 'error'),
    document,
  );
  if (!resolved?.value || !document || errors.length > 0) return fail('it is no valid spec', errors);
  return { document, policy: resolved.value, diagnostics: checkShadow(policy, resolved.value) };
}

/** Rendering nothing at all would look like "all is as it should be". */
function checkTargets(spec: Spec, wanted: readonly string[] | undefined): Diagnostic[] {
  const known = Object.keys(spec.targets ?? {});
  if (wanted === undefined) return [];
  if (wanted.length === 0) return [compileCodes.report('no-target', ['name'], {})];
  const unknown = wanted.filter((target) => !known.includes(target));
  return unknown.map((target) =>
    compileCodes.report('unknown-target', [known.length === 0 ? 'name' : 'targets'], { target, known }),
  );
}

function expiredBy({ now, allowExpired }: CompileOptions, policy: Policy, composition: Composition): Diagnostic[] {
  const found = now === undefined ? [] : expiry(policy, composition, now);
  return allowExpired ? found.map(asWarning) : found;
}

/** An address goes on to be admitted, whatever its entry says. */
function asWarning(one: Diagnostic): Diagnostic {
  return one.code.startsWith('rule/') && one.code !== 'rule/expired-range'
    ? { ...one, severity: 'warning', hint: 'extend it or remove it' }
    : one;
}

function copiedCredentials(files: readonly OutputFile[]): Diagnostic[] {
  return files.flatMap(({ path, text, copyOf }) =>
    copyOf && holdsCredential(text)
      ? [outputCodes.report('copied-credentials', copyOf.at, { file: copyOf.file, path })]
      : [],
  );
}

/** What the header of every file says about its making. */
export function originOf(spec: Pick<Spec, 'name'>): Origin {
  return { version: toolVersion, spec: spec.name };
}

/** The schema of each target's options, which is all that the spec layer knows of targets. */
export function optionSchemas(): Readonly<Record<string, (typeof allTargets)[number]['options']>> {
  return Object.fromEntries(allTargets.map((target) => [target.name, target.options]));
}

function renderTargets(policy: Policy, spec: Spec, { read, targets }: CompileOptions): Result<TargetFiles>[] {
  const wanted = allTargets.filter(
    ({ name }) => spec.targets?.[name] !== undefined && (targets?.includes(name) ?? true),
  );
  const secretFiles = (values: SecretsInput['values']) =>
    allTargets
      .filter(({ name }) => spec.targets?.[name] !== undefined)
      .flatMap((target) => target.secrets?.({ policy, values }).value ?? []);
  const made = new Map<string, Result<readonly RenderedFile[]>>();
  const emit = (target: (typeof allTargets)[number]): Result<readonly RenderedFile[]> => {
    const { name } = target;
    const known = made.get(name);
    if (known) return known;
    const at = ['targets', name];
    const emitted = target.emit({ policy, options: spec.targets?.[name], at, read, secretFiles, filesOf, programOf });
    made.set(name, emitted);
    return emitted;
  };
  const programOf = (name: string) => {
    const run = allTargets.find((one) => one.name === name)?.run;
    return run?.serves === 'requests' ? run : undefined;
  };
  const filesOf = (name: string) => {
    const target = spec.targets?.[name] === undefined ? undefined : allTargets.find((one) => one.name === name);
    return target && emit(target).value;
  };
  return wanted.map((target) => {
    const { value: files, diagnostics } = emit(target);
    return files ? { value: { target: target.name, files }, diagnostics } : { diagnostics };
  });
}
