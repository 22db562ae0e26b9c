import { lint as findings } from '../rules/index.ts';
import { clientsOf } from '../targets/clients.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './report.ts';
import { compileArgument } from './spec.ts';

export interface LintArguments {
  readonly spec?: string | undefined;
  readonly format: Format;
}

/** What is legal but unwise in a spec that is valid. */
export function lint({ spec: argument, format }: LintArguments, io: Io): Status {
  const { source, document, spec, policy, diagnostics } = compileArgument(argument, io, { targets: [], now: io.now });
  const report = { command: 'lint', document, asked: 'diagnostics' as const };
  if (!policy || !spec || !source) return print({ ...report, status: 2, diagnostics, asked: 'changes' }, format, io);
  const all = [...diagnostics, ...findings(policy, spec, { clients: clientsOf(spec), read: source.read })];
  const clean = all.length === 0 ? { summary: `${source.name}: nothing to improve` } : {};
  return print({ ...report, status: all.length === 0 ? 0 : 1, diagnostics: all, ...clean }, format, io);
}
