import { type DriftArguments, drift } from './drift.ts';
import type { Io, Status } from './io.ts';
import { print } from './report.ts';
import { count } from './validate.ts';

/** Whether the files on disk are what the spec makes; shows each line that is not. */
export function diff(args: DriftArguments, io: Io): Status {
  const { plan, document, diagnostics } = drift(args, io);
  const report = { command: 'diff', document, diagnostics, asked: 'changes' as const, patches: true };
  if (!plan) return print({ ...report, status: 2, changes: [] }, args.format, io);
  const { changes } = plan;
  const differing = changes.filter((change) => change.verb !== 'same').length;
  const summary =
    differing === 0
      ? `in sync: ${count(changes.length, 'file')}`
      : `${count(differing, 'file')} of ${changes.length} differ from the spec`;
  return print({ ...report, status: differing === 0 ? 0 : 1, changes, summary }, args.format, io);
}
