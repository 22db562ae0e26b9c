import { hasError } from '../diagnostics/diagnostic.ts';
import { runGuarantees } from './guarantees.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './print.ts';
import { compileArgument } from './spec.ts';
import { runTests } from './specTests.ts';

export interface ValidateArguments {
  readonly spec?: string | undefined;
  readonly allowExpired?: boolean | undefined;
  readonly format: Format;
}

/**
 * Checks schema, references, semantics and targets, and runs the tests of the spec. Reports all problems in one run.
 */
export function validate({ spec: argument, allowExpired = false, format }: ValidateArguments, io: Io): Status {
  const { source, document, composition, spec, policy, files, diagnostics } = compileArgument(argument, io, {
    now: io.now,
    allowExpired,
  });
  const run = source && files && policy && spec ? runTests({ policy, spec, read: source.read }) : undefined;
  const proven = source && composition && files && policy ? runGuarantees({ source, composition, policy }) : undefined;
  const all = [...diagnostics, ...(run?.diagnostics ?? []), ...(proven?.diagnostics ?? [])];
  const status = source === undefined ? 2 : hasError(all) ? 1 : 0;
  const tests = [...(run?.outcomes ?? []), ...(proven?.outcomes ?? [])];
  const promises =
    proven && proven.outcomes.length > 0 ? ` and ${count(proven.outcomes.length, 'guarantee')} proven` : '';
  return print(
    {
      command: 'validate',
      status,
      diagnostics: all,
      document,
      asked: 'diagnostics',
      tests,
      ...(status === 0 &&
        source && { summary: `${source.name}: valid, ${count(run?.outcomes.length ?? 0, 'test')} passed${promises}` }),
    },
    format,
    io,
  );
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
