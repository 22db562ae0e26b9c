import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { compareLines } from '../output/lines.ts';
import type { Change } from '../output/plan.ts';
import { accessSummary } from '../report/accessText.ts';
import { compareWith, diffBase } from './diffAccess.ts';
import { diffCodes } from './diffCodes.ts';
import { diffLive } from './diffLive.ts';
import { type Drift, type DriftArguments, drift } from './drift.ts';
import { specAtRevision } from './git.ts';
import type { Io, Status } from './io.ts';
import { type AccessReport, print } from './report.ts';
import { count } from './validate.ts';

export interface DiffArguments extends DriftArguments {
  readonly base?: string | undefined;
  readonly live?: readonly string[] | undefined;
  readonly failOn?: 'any' | 'widening' | undefined;
  readonly maxChanges?: string | undefined;
}

/** What the spec makes against one of three things: the files on disk, what runs, another version of the spec. */
export function diff(args: DiffArguments, io: Io): Status {
  const { base, live = [], maxChanges, failOn } = args;
  const problems = misuse(args);
  if (problems.length > 0) {
    return print({ command: 'diff', status: 2, diagnostics: problems, asked: 'changes' }, args.format, io);
  }
  if (base !== undefined) return diffBase({ ...args, base, failOn }, io);
  if (live.length > 0) return diffLive({ ...args, live }, io);
  return diffFiles(args, maxChanges === undefined ? undefined : Number.parseFloat(maxChanges) / 100, io);
}

function misuse({ base, live = [], target, out, failOn, maxChanges }: DiffArguments): Diagnostic[] {
  const wrong = (option: string, mode: string) => diffCodes.report('wrong-mode', [], { option, mode });
  const mode = base !== undefined ? '--base' : live.length > 0 ? '--live' : 'a comparison of files';
  const files = base === undefined && live.length === 0;
  return [
    ...(base !== undefined && live.length > 0 ? [wrong('--live', '--base')] : []),
    ...(base === undefined && failOn !== undefined ? [wrong('--fail-on', mode)] : []),
    ...(!files && maxChanges !== undefined ? [wrong('--max-changes', mode)] : []),
    ...(!files && target !== undefined ? [wrong('--target', mode)] : []),
    ...(base !== undefined && out !== undefined ? [wrong('--out', mode)] : []),
    ...(maxChanges === undefined || /^\d{1,3}(?:\.\d+)?%$/.test(maxChanges)
      ? []
      : [diffCodes.report('bad-share', [], { text: maxChanges })]),
  ];
}

/** Shows each line that is not on disk as the spec makes it. */
function diffFiles(args: DriftArguments, tolerated: number | undefined, io: Io): Status {
  const found = drift(args, io);
  const { plan, document, diagnostics, folder } = found;
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
      ? `in sync: ${count(changes.length, 'file')}`
      : `${count(differing.length, 'file')} of ${changes.length} differ from the spec${told}${since}`;
  const status = differing.length === 0 || accepted ? 0 : 1;
  return print({ ...report, status, changes, summary, ...(access && { access }) }, args.format, io);
}

/** What the spec changes in access since the last commit, as far as git is there to tell; never a reason to fail. */
function sinceCommit({ source, spec, policy, document }: Drift): AccessReport | undefined {
  if (!source || !spec || !policy || !document) return undefined;
  const compared = compareWith(specAtRevision(source, 'HEAD'), {
    base: 'git:HEAD',
    policy,
    document,
    spec,
    read: source.read,
  });
  return compared.value && !hasError(compared.diagnostics) ? { ...compared.value, fails: () => false } : undefined;
}

/** Of all lines on both sides, those that only one side has. */
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

/** Rounded up, so that 0% means none. */
function percent(share: number): string {
  return `${Math.ceil(share * 100)}%`;
}
