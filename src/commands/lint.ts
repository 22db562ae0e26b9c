import { catalog } from '../diagnostics/codes.ts';
import { type Diagnostic, hasError, type Severity } from '../diagnostics/diagnostic.ts';
import { acceptable, judge, wholeCode } from '../rules/accepted.ts';
import { ruleCodes } from '../rules/codes.ts';
import { lint as findings } from '../rules/index.ts';
import { rulePage } from '../rules/pages.ts';
import { suggest } from '../spec/suggest.ts';
import { clientsOf } from '../targets/clients.ts';
import { commandCodes } from './codes.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './print.ts';
import { compileArgument } from './spec.ts';
import { count } from './validate.ts';

export interface LintArguments {
  readonly spec?: string | undefined;
  /** Codes of findings that are accepted: they are listed, and do not count for the exit status. */
  readonly accept?: readonly string[] | undefined;
  /** Whether keys and includes that have expired are accepted. */
  readonly allowExpired?: boolean | undefined;
  /** Least severity that makes the exit status 1; `warning` if absent. */
  readonly failOn?: Severity | undefined;
  readonly format: Format;
}

/** Reports what is legal but unwise in a valid spec. */
export function lint(args: LintArguments, io: Io): Status {
  const { spec: argument, accept = [], allowExpired = false, failOn = 'warning', format } = args;
  const unknown = checkCodes(accept);
  if (unknown.length > 0)
    return print({ command: 'lint', status: 2, diagnostics: unknown, asked: 'changes' }, format, io);
  const { source, document, composition, spec, policy, diagnostics } = compileArgument(argument, io, {
    now: io.now,
    allowExpired,
  });
  const report = { command: 'lint', document, asked: 'diagnostics' as const };
  const dated = diagnostics.filter(isRule);
  if (!policy || !spec || !source || hasError(diagnostics.filter((one) => !isRule(one))))
    return print({ ...report, status: 2, diagnostics, asked: 'changes' }, format, io);
  const clients = clientsOf(spec, source.read);
  const around = { clients, read: source.read, composition, now: io.now };
  const all = judge([...dated, ...findings(policy, spec, around)], spec, io.now);
  const taken = [...accept, ...(allowExpired ? EXPIRED : [])];
  const named = all.left.filter(({ code }) => taken.includes(code));
  const accepted = [...all.accepted, ...named];
  const left = all.left.filter(({ code }) => !taken.includes(code));
  const beside = accepted.length === 0 ? '' : ` beside ${count(accepted.length, 'accepted finding')}`;
  const clean = left.length === 0 ? { summary: `${source.name}: nothing to improve${beside}` } : {};
  const fails = left.some(({ severity }) => GRAVITY[severity] >= GRAVITY[failOn]);
  const status = print({ ...report, status: fails ? 1 : 0, diagnostics: left, accepted, ...clean }, format, io);
  // A code without a finding would accept the next finding of its kind unseen.
  for (const code of new Set(accept))
    if (!named.some((one) => one.code === code)) io.err(`--accept ${code}: there is no such finding any more\n`);
  return status;
}

/** What `--allow-expired` accepts, as it does elsewhere. */
const EXPIRED: readonly string[] = ['rule/expired-key', 'rule/expired-include'];

const GRAVITY: Readonly<Record<Severity, number>> = { note: 0, warning: 1, error: 2 };

/** Prints the page of a finding. Its code may be given without the area: `form-body` or `rule/form-body`. */
export function explainRule(code: string, specs: readonly string[], io: Io): Status {
  if (specs.length > 0) {
    const misuse = commandCodes.report('no-meaning', [], { option: specs.join(' '), mode: '--explain' });
    return print({ command: 'lint', status: 2, diagnostics: [misuse], asked: 'changes' }, 'text', io);
  }
  const whole = wholeCode(code);
  const page = rulePage(whole.slice(`${ruleCodes.area}/`.length));
  if (page !== undefined) {
    io.out(page);
    return 0;
  }
  const known = catalog([ruleCodes]).map((one) => one.code);
  const option = `--explain ${code}`;
  const problem = commandCodes.report('unknown-finding', [], { option, meant: suggest(whole, known), known });
  return print({ command: 'lint', status: 2, diagnostics: [problem], asked: 'changes' }, 'text', io);
}

/**
 * Returns whether a diagnostic is a finding of lint, such as an expired key. All other errors make the spec invalid;
 * other warnings are reported by `validate`.
 */
function isRule({ code }: Diagnostic): boolean {
  return code.startsWith(`${ruleCodes.area}/`);
}

/** Refuses codes that cannot be accepted: unknown ones, and those of errors. */
function checkCodes(accept: readonly string[]): Diagnostic[] {
  const known = acceptable();
  return accept
    .filter((code) => !known.includes(code))
    .map((code) => {
      const option = `--accept ${code}`;
      return commandCodes.report('unknown-finding', [], { option, meant: suggest(wholeCode(code), known), known });
    });
}
