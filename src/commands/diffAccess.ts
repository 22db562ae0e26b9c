import { existsSync } from 'node:fs';
import { inOrder } from '../accessDiff/collector.ts';
import { diffAccess } from '../accessDiff/diff.ts';
import { type AccessChange, mayWiden } from '../accessDiff/types.ts';
import { compile } from '../compile.ts';
import { type Diagnostic, failed, hasError, ok, type Result } from '../diagnostics/diagnostic.ts';
import { placed } from '../output/disk.ts';
import type { Policy } from '../policy/types.ts';
import { accessSummary } from '../report/accessText.ts';
import type { LocatedDocument } from '../source/span.ts';
import { diffTargets, type TargetSide } from '../targets/accessDiff.ts';
import { diffCodes } from './diffCodes.ts';
import { specAtRevision } from './git.ts';
import type { Io, Status } from './io.ts';
import { type AccessReport, type Format, print } from './report.ts';
import { compileArgument, type OpenSpec, openSpec } from './spec.ts';

export interface AccessArguments {
  readonly spec?: string | undefined;
  readonly base: string;
  readonly failOn?: 'any' | 'widening' | undefined;
  readonly format: Format;
}

/** Who can do more, or less, than under another version of the spec. */
export function diffBase({ spec: argument, base, failOn = 'any', format }: AccessArguments, io: Io): Status {
  const { source, document, spec, policy, diagnostics } = compileArgument(argument, io, { targets: [] });
  const report = { command: 'diff', document, asked: 'changes' as const };
  if (!source || !document || !spec || !policy || hasError(diagnostics))
    return print({ ...report, status: 2, diagnostics }, format, io);
  const compared = compareWith(openBase(base, source, io), { base, policy, document, spec, read: source.read });
  const said = [...diagnostics, ...compared.diagnostics];
  if (!compared.value) return print({ ...report, status: 2, diagnostics: said }, format, io);
  const fails = (change: AccessChange) => failOn === 'any' || mayWiden(change);
  const access = { ...compared.value, fails };
  const status = access.changes.some(fails) ? 1 : 0;
  return print({ ...report, status, diagnostics: said, access, summary: accessSummary(access.changes) }, format, io);
}

/** The other version: a file, or `git:REV` for the same file at a revision. */
function openBase(base: string, source: OpenSpec, io: Io): Result<OpenSpec> {
  if (base.startsWith('git:')) return specAtRevision(source, base.slice('git:'.length));
  if (base === '-' || existsSync(base)) return openSpec(base, io);
  const hint = /\.(?:ya?ml|json)$/.test(base)
    ? 'name another spec, or git:REV for this one at a revision, such as git:HEAD'
    : `write git:${base} if it is a revision`;
  return failed([diffCodes.report('no-base', [], { base, problem: 'there is no such file', hint }, placed(base))]);
}

interface Current extends TargetSide {
  readonly base: string;
  readonly policy: Policy;
  readonly document: LocatedDocument;
}

/** The changes from the other version to this one. */
export function compareWith(
  { value: source, diagnostics }: Result<OpenSpec>,
  { base, policy, document, spec, read }: Current,
): Result<Omit<AccessReport, 'fails'>> {
  if (!source) return failed(diagnostics);
  const old = compile(source.text, { file: source.name, read: source.read, targets: [] });
  if (!old.policy || !old.spec || !old.document || hasError(old.diagnostics)) {
    return failed([
      ...placedIn(old.diagnostics, old.document),
      diffCodes.report('invalid-base', [], { base }, placed(source.name)),
    ]);
  }
  const { value: changes, diagnostics: problems } = diffAccess(old.policy, policy);
  if (!changes) return failed(problems);
  const ofTargets = diffTargets({ spec: old.spec, read: source.read }, { spec, read });
  return ok({ changes: inOrder([...changes, ...ofTargets]), versions: { before: old.document, after: document } });
}

/** Problems of the other version point into its text, not into that of this one. */
function placedIn(diagnostics: readonly Diagnostic[], document: LocatedDocument | undefined): Diagnostic[] {
  if (!document) return [...diagnostics];
  const { name: file, text } = document.file;
  return diagnostics.map(({ related: _, ...one }) =>
    one.place ? one : { ...one, place: { file, text, ...document.locate(one.at, one.part ?? 'value') } },
  );
}
