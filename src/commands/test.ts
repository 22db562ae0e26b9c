import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { testCodes } from './codes.ts';
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

/** Runs `tests:` of a spec that is valid. */
export function test({ spec: argument, coverage: wanted, failUnder, format }: TestArguments, io: Io): Status {
  const { source, document, spec, policy, diagnostics } = compileArgument(argument, io);
  const untold = (problems: readonly Diagnostic[]) =>
    print({ command: 'test', status: 2, diagnostics: problems, document, asked: 'changes', tests: [] }, format, io);
  if (!source || !policy || !spec || hasError(diagnostics)) return untold(diagnostics);
  if ((spec.tests ?? []).length === 0) return untold([...diagnostics, testCodes.report('none', ['name'], {})]);
  if (failUnder !== undefined && policy.routes.length === 0)
    return untold([...diagnostics, testCodes.report('no-routes', ['name'], {})]);
  const run = runTests({ policy, spec, read: source.read });
  const failed = run.outcomes.filter((outcome) => !outcome.passed).length;
  const tooLow = failUnder !== undefined && percentOf(run.coverage) < failUnder;
  const shortfall = tooLow ? `, coverage is below ${failUnder}%` : '';
  return print(
    {
      command: 'test',
      status: failed > 0 || tooLow ? 1 : 0,
      diagnostics: [...diagnostics, ...run.diagnostics],
      document,
      asked: 'tests',
      tests: run.outcomes,
      ...((wanted || failUnder !== undefined) && { coverage: run.coverage }),
      summary: `${count(run.outcomes.length, 'test')}: ${run.outcomes.length - failed} passed, ${failed} failed${shortfall}`,
    },
    format,
    io,
  );
}
