import { join } from 'node:path';
import { type Diagnostic, failed, ok, type Result } from '../diagnostics/diagnostic.ts';
import { outputCodes } from '../output/codes.ts';
import { placed } from '../output/disk.ts';
import { type Change, isForeign, type Plan } from '../output/plan.ts';
import { exclusively, isUnfinished, writeAll } from '../output/write.ts';
import { commandCodes } from './codes.ts';
import { type DriftArguments, drift } from './drift.ts';
import type { Io, Status } from './io.ts';
import { print } from './print.ts';
import type { ProofInput } from './proofs.ts';
import type { ProofOutcome } from './report.ts';
import { count } from './validate.ts';

export interface GenerateArguments extends DriftArguments {
  readonly check?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly force?: boolean | undefined;
  /** Whether nothing is written but what is proved to decide as the spec does. */
  readonly prove?: boolean | undefined;
}

/** Writes the files of a spec, all or none of them. */
export async function generate(args: GenerateArguments, io: Io): Promise<Status> {
  const beside = args.dryRun ? '--dry-run' : args.force ? '--force' : undefined;
  if (args.check && beside !== undefined) {
    const misuse = [commandCodes.report('no-meaning', [], { option: beside, mode: '--check' })];
    return print({ command: 'generate', status: 2, diagnostics: misuse, asked: 'changes' }, args.format, io);
  }
  const { plan, replan, keys, folder, source, document, policy, spec, diagnostics } = drift(args, io, io.now);
  const unproved = { command: 'generate', document, asked: 'changes' as const, folder };
  if (!plan || !replan || !policy || !spec || !source)
    return print({ ...unproved, status: 2, diagnostics, changes: [] }, args.format, io);
  const asked = { policy, spec, readFile: source.read };
  const proofs = args.prove ? await proofsOf(plan, asked, args.target) : undefined;
  const report = { ...unproved, ...(proofs && { proofs: proofs.outcomes }) };
  if (proofs && proofs.problems.length > 0) {
    const all = [...diagnostics, ...proofs.problems];
    return print({ ...report, status: 2, diagnostics: all, changes: [] }, args.format, io);
  }
  if (args.check) {
    const differing = differingIn(plan).length;
    const files = differing === 0 ? 'up to date' : `${count(differing, 'file')} would change`;
    const summary = keys.length === 0 ? files : `${files}; the rendered secrets have other keys than the spec`;
    const said = { diagnostics: [...diagnostics, ...leftAlone(plan, folder), ...keys], changes: plan.changes, summary };
    return print({ ...report, status: differing === 0 && keys.length === 0 ? 0 : 1, ...said }, args.format, io);
  }
  const refusals = refusalsIn(plan, folder, args.force);
  const { value: done, diagnostics: problems } =
    refusals.length > 0 ? failed(refusals) : args.dryRun ? ok(plan) : carryOut(plan, replan, folder, args.force);
  const all = [...diagnostics, ...leftAlone(done ?? plan, folder), ...problems];
  if (!done) return print({ ...report, status: 2, diagnostics: all, changes: [] }, args.format, io);
  const proved = proofs ? ', proved to decide what the spec says' : '';
  const summary = `${folder}: ${summaryOf(done.changes, args.dryRun ?? false)}${proved}`;
  return print({ ...report, status: 0, diagnostics: all, changes: done.changes, summary }, args.format, io);
}

/** Proves the files that a plan would leave on disk. That nothing can be proved is a problem too. */
async function proofsOf(
  { changes }: Plan,
  asked: Pick<ProofInput, 'policy' | 'spec' | 'readFile'>,
  names: readonly string[] | undefined,
): Promise<{ readonly outcomes: readonly ProofOutcome[]; readonly problems: readonly Diagnostic[] }> {
  const { nothingToProve, proveWritten } = await import('./proofs.ts');
  const files = changes.flatMap(({ path, after: text }) => (text === undefined ? [] : [{ path, text }]));
  const proofs = await proveWritten(asked, files, names);
  const problems = proofs.length === 0 ? [nothingToProve()] : proofs.flatMap(({ diagnostic }) => diagnostic ?? []);
  return { outcomes: proofs.map(({ outcome }) => outcome), problems };
}

/**
 * Writes the files and returns the plan that was carried out. It is planned again under the lock, because another run
 * may have written in the meantime.
 */
function carryOut(first: Plan, replan: () => Result<Plan>, folder: string, force: boolean | undefined): Result<Plan> {
  // If nothing differs, the folder is not locked, because it may be read-only.
  if (differingIn(first).length === 0 && !isUnfinished(folder)) return ok(first);
  const { value: done, diagnostics } = exclusively(folder, (): Result<Plan> => {
    const planned = replan();
    if (!planned.value) return planned;
    const refusals = refusalsIn(planned.value, folder, force);
    const writes = differingIn(planned.value).map(({ path, after }) => ({ path, text: after }));
    const problems = refusals.length > 0 || writes.length === 0 ? refusals : writeAll(writes, { folder });
    return problems.length > 0 ? failed(problems) : planned;
  });
  return done ?? failed(diagnostics);
}

function differingIn({ changes }: Plan): Change[] {
  return changes.filter((change) => change.verb !== 'same');
}

function refusalsIn(plan: Plan, folder: string, force: boolean | undefined): Diagnostic[] {
  return force
    ? []
    : differingIn(plan)
        .filter(isForeign)
        .map((change) => refusal(change, folder));
}

function refusal(change: Change, folder: string): Diagnostic {
  const at = placed(join(folder, change.path));
  if (change.cause === 'damaged') return outputCodes.report('damaged-manifest', [], {}, at);
  const reason = change.cause === 'made from another spec' ? 'was made from another spec' : 'was not made by postern';
  return outputCodes.report('not-ours', [], { reason }, at);
}

function leftAlone({ left }: Plan, folder: string): Diagnostic[] {
  return left.map((path) => outputCodes.report('left-alone', [], {}, placed(join(folder, path))));
}

function summaryOf(changes: readonly Change[], dryRun: boolean): string {
  const same = changes.filter((change) => change.verb === 'same').length;
  const gone = changes.filter((change) => change.verb === 'delete').length;
  const removed = gone === 0 ? '' : `, ${gone} ${dryRun ? 'to remove' : 'removed'}`;
  return `${changes.length - same - gone} ${dryRun ? 'to write' : 'written'}${removed}, ${same} unchanged`;
}
