import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inOrder } from '../accessDiff/collector.ts';
import { diffAccess } from '../accessDiff/diff.ts';
import { type AccessChange, mayWiden } from '../accessDiff/types.ts';
import { compile } from '../compile.ts';
import { type Diagnostic, failed, hasError, ok, type Result } from '../diagnostics/diagnostic.ts';
import { placedIn } from '../diagnostics/resolve.ts';
import { type Claim, claimsOf, type SameClaim } from '../guarantees/claims.ts';
import { implies } from '../guarantees/implied.ts';
import { loosenedEnvelopes, prolongedIncludes } from '../guarantees/loosened.ts';
import { approversOf, handedOver } from '../guarantees/owners.ts';
import { prove } from '../guarantees/prove.ts';
import { placed } from '../output/disk.ts';
import { compareLines } from '../output/lines.ts';
import type { Change } from '../output/plan.ts';
import { accessSummary } from '../report/accessText.ts';
import { reviewOf } from '../report/reviewed.ts';
import type { LocatedDocument } from '../source/span.ts';
import type { Spec } from '../spec/schema.ts';
import { diffOptions } from '../targets/accessDiff.ts';
import { diffCodes } from './codes.ts';
import { type Drift, type DriftArguments, drift } from './drift.ts';
import { type Promised, runGuarantees, wordsFor } from './guarantees.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './print.ts';
import { type NotedSpec, noted } from './reads.ts';
import type { AccessReport } from './report.ts';
import { specAtRevision } from './revision.ts';
import { compileOpened, type OpenSpec, openSpec } from './spec.ts';
import { count } from './validate.ts';

export interface DiffArguments extends DriftArguments {
  readonly base?: string | undefined;
  readonly live?: readonly string[] | undefined;
  readonly failOn?: 'any' | 'widening' | undefined;
  /** Labels of the change that is looked at. */
  readonly reviewed?: readonly string[] | undefined;
  /** Most changed lines, in percent of all. */
  readonly maxChanges?: number | undefined;
}

/** Compares the spec with one of three things: the files on disk, what runs, or another version of the spec. */
export async function diff(args: DiffArguments, io: Io): Promise<Status> {
  const { base, live = [], maxChanges, failOn } = args;
  const problems = misuse(args);
  if (problems.length > 0) {
    return print({ command: 'diff', status: 2, diagnostics: problems, asked: 'changes' }, args.format, io);
  }
  if (base !== undefined) return diffBase({ ...args, base, failOn }, io);
  if (live.length > 0) return (await import('./diffLive.ts')).diffLive({ ...args, live }, io);
  return diffFiles(args, maxChanges === undefined ? undefined : maxChanges / 100, io);
}

function misuse({ base, live = [], target, out, failOn, reviewed, maxChanges }: DiffArguments): Diagnostic[] {
  const wrong = (option: string, mode: string) => diffCodes.report('wrong-mode', [], { option, mode });
  const mode = base !== undefined ? '--base' : live.length > 0 ? '--live' : 'a comparison of files';
  const files = base === undefined && live.length === 0;
  return [
    ...(base !== undefined && live.length > 0 ? [wrong('--live', '--base')] : []),
    ...(base === undefined && failOn !== undefined ? [wrong('--fail-on', mode)] : []),
    ...(base === undefined && reviewed !== undefined ? [wrong('--reviewed', mode)] : []),
    ...(!files && maxChanges !== undefined ? [wrong('--max-changes', mode)] : []),
    ...(!files && target !== undefined ? [wrong('--target', mode)] : []),
    ...(!files && out !== undefined ? [wrong('--out', mode)] : []),
  ];
}

/** Shows each line in which the files on disk differ from those that the spec generates. */
function diffFiles(args: DriftArguments, tolerated: number | undefined, io: Io): Status {
  const found = drift(args, io);
  const { plan, keys, document, folder } = found;
  const diagnostics = [...found.diagnostics, ...keys];
  const report = { command: 'diff', document, diagnostics, asked: 'changes' as const, patches: true, folder };
  if (!plan) return print({ ...report, status: 2, changes: [] }, args.format, io);
  const { changes } = plan;
  const differing = changes.filter((change) => change.verb !== 'same');
  const access = differing.some((change) => change.cause === 'spec changed') ? sinceCommit(found) : undefined;
  const share = tolerated === undefined ? 1 : shareOf(changes);
  const accepted = share <= (tolerated ?? 0);
  const told = tolerated === undefined ? '' : `, ${percent(share)} of the lines, and ${percent(tolerated)} may`;
  const since = access ? `; since the last commit: ${accessSummary(access.changes)}` : '';
  const summary =
    differing.length === 0
      ? `in sync: ${count(changes.length, 'file')}${keys.length === 0 ? '' : ', but not the rendered secrets'}`
      : `${count(differing.length, 'file')} of ${changes.length} differ from the spec${told}${since}`;
  const status = (differing.length === 0 || accepted) && keys.length === 0 ? 0 : 1;
  return print({ ...report, status, changes, summary, ...(access && { access }) }, args.format, io);
}

/**
 * Returns the changes of access since the last commit, or `undefined` without git. They never make the command fail.
 */
function sinceCommit({ source, spec, composition, policy, document }: Drift): AccessReport | undefined {
  if (!source || !spec || !composition || !policy || !document) return undefined;
  const current = { base: 'git:HEAD', source, composition, policy, document, spec };
  const compared = compareWith(specAtRevision(source, 'HEAD'), current);
  return compared.value && !hasError(compared.diagnostics) ? { ...compared.value, fails: () => false } : undefined;
}

/** Returns the share of lines that only one side has, among all lines of both sides: from 0 to 1. */
function shareOf(changes: readonly Change[]): number {
  let [all, different] = [0, 0];
  for (const { before = '', after = '' } of changes) {
    for (const { kind, lines } of compareLines(before.split('\n'), after.split('\n'))) {
      all += kind === 'both' ? 2 * lines.length : lines.length;
      different += kind === 'both' ? 0 : lines.length;
    }
  }
  return all === 0 ? 0 : different / all;
}

/** Returns a share in percent, rounded up so that 0% means none. */
function percent(share: number): string {
  return `${Math.ceil(share * 100)}%`;
}

interface AccessArguments {
  readonly spec?: string | undefined;
  readonly base: string;
  readonly failOn?: 'any' | 'widening' | undefined;
  readonly reviewed?: readonly string[] | undefined;
  readonly format: Format;
}

/** Reports who may do more or less than under another version of the spec. */
function diffBase({ spec: argument, base, failOn = 'any', reviewed, format }: AccessArguments, io: Io): Status {
  const opened = openSpec(argument, io);
  if (!opened.value)
    return print({ command: 'diff', status: 2, asked: 'changes', diagnostics: opened.diagnostics }, format, io);
  const { source: own, isSameIn, texts } = noted(opened.value);
  const { source, document, composition, spec, policy, diagnostics } = compileOpened(own, io);
  const report = { command: 'diff', document, asked: 'changes' as const };
  if (!document || !composition || !spec || !policy || hasError(diagnostics))
    return print({ ...report, status: 2, diagnostics }, format, io);
  const current = { base, source, composition, policy, document, spec, isSameIn };
  const compared = compareWith(openBase(base, source, io), current);
  const said = [...diagnostics, ...compared.diagnostics];
  if (!compared.value) {
    const { passes, words } = reviewOf({ texts: texts() }, reviewed ?? []);
    const summary = reviewed && `compared with nothing${words}`;
    return print({ ...report, status: passes ? 0 : 2, diagnostics: said, ...(summary && { summary }) }, format, io);
  }
  const fails = (change: AccessChange) => failOn === 'any' || mayWiden(change);
  const access = { ...compared.value, fails };
  const changes = access.changes.filter(fails);
  const review = changes.length > 0 ? reviewOf({ texts: texts(), changes }, reviewed ?? []) : undefined;
  const summary = `${accessSummary(access.changes)}${(reviewed && review?.words) ?? ''}`;
  const status = !review || review.passes ? 0 : 1;
  return print({ ...report, status, diagnostics: said, access, summary }, format, io);
}

/** Opens the other version: a file, or `git:REV` for this spec at a revision. */
function openBase(base: string, source: OpenSpec, io: Io): Result<OpenSpec> {
  if (base.startsWith('git:')) return specAtRevision(source, base.slice('git:'.length));
  const [file, top] = existsSync(base) ? inFolder(base, source) : [base];
  // A version compared with itself has no change whatever it says: a gate would be green for good.
  if (isSpec(file, source)) {
    const hint = 'name another file, or git:REV for this one at a revision, such as git:origin/main';
    const problem = 'it is the spec itself';
    return failed([diffCodes.report('no-base', [], { base, problem, hint }, placed(base))]);
  }
  if (base === '-' || existsSync(base)) return openSpec(file, io, top);
  const hint = /\.(?:ya?ml|json)$/.test(base)
    ? 'name another spec, or git:REV for this one at a revision, such as git:HEAD'
    : `write git:${base} if it is a revision`;
  return failed([diffCodes.report('no-base', [], { base, problem: 'there is no such file', hint }, placed(base))]);
}

function isSpec(file: string, { name }: OpenSpec): boolean {
  if (file === '-' || name === '<stdin>') return false;
  return existsSync(file) && existsSync(name) && realpathSync(file) === realpathSync(name);
}

/**
 * Returns the spec that a folder as `base` means: the file with the same path below the top of the repository, or else
 * the same name. In the first case the folder is a copy of the repository, also where it has no .git.
 */
function inFolder(base: string, { name, project }: OpenSpec): [file: string, top?: string] {
  if (base === '-' || name === '<stdin>' || !statSync(base).isDirectory()) return [base];
  const copy = join(base, project.entry());
  if (existsSync(copy)) return [copy, base];
  const beside = join(base, basename(name));
  return [existsSync(beside) ? beside : base];
}

/** Returns the changes of access since another version, which is named as for `--base`. */
export function accessSince(
  base: string,
  current: Omit<Current, 'base'> & { readonly source: OpenSpec },
  io: Io,
): Result<Omit<AccessReport, 'fails'>> {
  return compareWith(openBase(base, current.source, io), { ...current, base });
}

interface Current extends Promised {
  readonly spec: Spec;
  readonly base: string;
  readonly document: LocatedDocument;
  /** Returns whether the other version consists of the same bytes, as far as anybody has read them. */
  readonly isSameIn?: NotedSpec['isSameIn'];
}

/** Returns the changes from the other version to this one. */
function compareWith({ value: source, diagnostics }: Result<OpenSpec>, current: Current): Result<Compared> {
  if (!source) return failed(diagnostics);
  if (current.isSameIn?.(source)) {
    const same = compareVersions({ ...current, source }, current);
    // Places in the other version have other names.
    if (same.value?.changes.every(({ at }) => at.version === 'after')) return same;
  }
  const old = compile(source.text, { file: source.name, read: source.read, project: source.project });
  if (!old.policy || !old.spec || !old.document || !old.composition || hasError(old.diagnostics)) {
    return failed([
      ...placedIn(old.diagnostics, old.document),
      diffCodes.report('invalid-base', [], { base: current.base }, placed(source.name)),
    ]);
  }
  const { document, composition, spec, policy } = old;
  return compareVersions({ source, document, composition, spec, policy }, current);
}

type Version = Promised & Pick<Current, 'spec' | 'document'>;
type Compared = Omit<AccessReport, 'fails'>;

function compareVersions(old: Version, { document, spec, ...current }: Version): Result<Compared> {
  const { source } = old;
  const { value: changes, diagnostics: problems } =
    old.policy === current.policy ? ok([]) : diffAccess(old.policy, current.policy);
  if (!changes) return failed(problems);
  const ofTargets = diffOptions(
    { spec: old.spec, policy: old.policy, read: source.read },
    { spec, policy: current.policy, read: current.source.read },
  );
  const promised = guaranteeChanges({ source, composition: old.composition, policy: old.policy }, current);
  const loosened = loosenedEnvelopes(
    { composition: old.composition, policy: old.policy, read: source.read },
    { ...current, read: current.source.read },
  );
  const prolonged = prolongedIncludes(old.composition, current.composition);
  const { composition, policy } = old;
  const handed = handedOver({ before: composition, after: current.composition });
  return ok({
    changes: inOrder([...changes, ...ofTargets, ...promised, ...loosened, ...prolonged, ...handed]),
    versions: {
      before: old.document,
      after: document,
      owners: approversOf({ before: { composition, policy }, after: current }),
    },
  });
}

/** Returns a change for each guarantee that does not hold, and for each one that was removed or weakened. */
function guaranteeChanges(before: Promised, after: Promised): AccessChange[] {
  const [left, right] = [before, after].map(({ composition, policy, source }) =>
    claimsOf(composition.spec, policy, source.read, []),
  );
  const gone = (left ?? []).filter((claim) => !right?.some((other) => implies(other, claim) || isKept(other, claim)));
  const proofs =
    prove(
      gone.filter((claim) => claim.kind !== 'same'),
      after.policy,
    ) ?? [];
  const broken = new Map<Claim | SameClaim, string>(
    proofs.flatMap(({ claim, witness }) => (witness ? [[claim, wordsFor(witness)] as const] : [])),
  );
  const removed = gone.map((claim): AccessChange => {
    const witness = broken.get(claim);
    const words = witness === undefined ? '' : `, and it does not hold any more: ${witness}`;
    return change(`guarantee removed or weakened: ${claim.subject}${words}`, 'before', claim.at);
  });
  const failing = runGuarantees(after).diagnostics.filter(({ severity }) => severity === 'error');
  return [...removed, ...failing.map(({ message, at }) => change(`guarantee does not hold: ${message}`, 'after', at))];
}

/**
 * Returns whether an `always` guarantee is still there, perhaps with other addresses: the diff of address sets reports
 * those by itself.
 */
function isKept(other: Claim | SameClaim, claim: Claim | SameClaim): boolean {
  return claim.kind === 'always' && other.subject === claim.subject;
}

function change(message: string, version: 'before' | 'after', path: AccessChange['at']['path']): AccessChange {
  return { kind: 'guarantee', effect: 'widening', message, at: { version, path }, proxies: [], keys: [] };
}
