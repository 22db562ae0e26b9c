import { join } from 'node:path';
import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { outputCodes } from '../output/codes.ts';
import { placed } from '../output/disk.ts';
import { type Change, isForeign, type Plan } from '../output/plan.ts';
import { writeAll } from '../output/write.ts';
import { commandCodes } from './codes.ts';
import { type DriftArguments, drift } from './drift.ts';
import type { Io, Status } from './io.ts';
import { print } from './print.ts';
import { count } from './validate.ts';

export interface GenerateArguments extends DriftArguments {
  readonly check?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly force?: boolean | undefined;
  readonly allowExpired?: boolean | undefined;
}

/** Writes the files of a spec, all or none of them. */
export function generate(args: GenerateArguments, io: Io): Status {
  const beside = args.dryRun ? '--dry-run' : args.force ? '--force' : undefined;
  if (args.check && beside !== undefined) {
    const misuse = [commandCodes.report('no-meaning', [], { option: beside, mode: '--check' })];
    return print({ command: 'generate', status: 2, diagnostics: misuse, asked: 'changes' }, args.format, io);
  }
  const { plan, folder, document, diagnostics } = drift(args, io, args.allowExpired ? undefined : io.now);
  const report = { command: 'generate', document, asked: 'changes' as const, folder };
  if (!plan) return print({ ...report, status: 2, diagnostics, changes: [] }, args.format, io);
  const { changes } = plan;
  const differing = changes.filter((change) => change.verb !== 'same');
  const said = [...diagnostics, ...leftAlone(plan, folder)];
  if (args.check) {
    const summary = differing.length === 0 ? 'up to date' : `${count(differing.length, 'file')} would change`;
    return print(
      { ...report, status: differing.length === 0 ? 0 : 1, diagnostics: said, changes, summary },
      args.format,
      io,
    );
  }
  const refusals = args.force ? [] : differing.filter(isForeign).map((change) => refusal(change, folder));
  const failures =
    refusals.length > 0 || args.dryRun
      ? refusals
      : writeAll(
          differing.map(({ path, after }) => ({ path, text: after })),
          { folder },
        );
  const all = [...said, ...failures];
  if (hasError(failures)) return print({ ...report, status: 2, diagnostics: all, changes: [] }, args.format, io);
  return print(
    {
      ...report,
      status: 0,
      diagnostics: all,
      changes,
      summary: `${folder}: ${summaryOf(changes, args.dryRun ?? false)}`,
    },
    args.format,
    io,
  );
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
