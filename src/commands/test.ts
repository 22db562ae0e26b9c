import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { testCodes } from './codes.ts';
import { runGuarantees } from './guarantees.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './print.ts';
import { compileArgument } from './spec.ts';
import { runTests } from './specTests.ts';
import { percentOf } from './textReport.ts';
import { count } from './validate.ts';

export interface TestArguments {
  readonly spec?: string | undefined;
  readonly coverage?: boolean | undefined;
  readonly failUnder?: number | undefined;
  readonly format: Format;
}

/** Runs the tests of a valid spec and proves its guarantees. */
export function test({ spec: argument, coverage: wanted, failUnder, format }: TestArguments, io: Io): Status {
  const { source, document, composition, spec, policy, diagnostics } = compileArgument(argument, io);
  const untold = (problems: readonly Diagnostic[]) =>
    print({ command: 'test', status: 2, diagnostics: problems, document, asked: 'changes', tests: [] }, format, io);
  if (!source || !composition || !policy || !spec || hasError(diagnostics)) return untold(diagnostics);
  if ((spec.tests ?? []).length === 0 && (spec.guarantees ?? []).length === 0)
    return untold([...diagnostics, testCodes.report('none', ['name'], {})]);
  if (failUnder !== undefined && policy.routes.length === 0)
    return untold([...diagnostics, testCodes.report('no-routes', ['name'], {})]);
  const run = runTests({ policy, spec, read: source.read });
  const proven = runGuarantees({ source, composition, policy });
  const outcomes = [...run.outcomes, ...proven.outcomes];
  const failed = outcomes.filter((outcome) => !outcome.passed).length;
  const tooLow = failUnder !== undefined && percentOf(run.coverage) < failUnder;
  const total = [
    count(run.outcomes.length, 'test'),
    ...(proven.outcomes.length > 0 ? [count(proven.outcomes.length, 'guarantee')] : []),
  ].join(' and ');
  const shortfall = tooLow ? `, coverage is below ${failUnder}%` : '';
  return print(
    {
      command: 'test',
      status: failed > 0 || tooLow || hasError(proven.diagnostics) ? 1 : 0,
      diagnostics: [...diagnostics, ...run.diagnostics, ...proven.diagnostics],
      document,
      asked: 'tests',
      tests: outcomes,
      ...((wanted || failUnder !== undefined) && { coverage: run.coverage }),
      summary: `${total}: ${outcomes.length - failed} passed, ${failed} failed${shortfall}`,
    },
    format,
    io,
  );
}
