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
  /** Codes of findings that somebody has looked at and lives with. */
  readonly accept?: readonly string[] | undefined;
  /** The least grave finding that is a reason for the exit status; a warning where absent. */
  readonly failOn?: Severity | undefined;
  readonly format: Format;
}

/** What is legal but unwise in a spec that is valid. */
export function lint(args: LintArguments, io: Io): Status {
  const { spec: argument, accept = [], failOn = 'warning', format } = args;
  const unknown = checkCodes(accept);
  if (unknown.length > 0)
    return print({ command: 'lint', status: 2, diagnostics: unknown, asked: 'changes' }, format, io);
  const { source, document, composition, spec, policy, diagnostics } = compileArgument(argument, io, { now: io.now });
  const report = { command: 'lint', document, asked: 'diagnostics' as const };
  const dated = diagnostics.filter(isRule);
  if (!policy || !spec || !source || hasError(diagnostics.filter((one) => !isRule(one))))
    return print({ ...report, status: 2, diagnostics, asked: 'changes' }, format, io);
  const clients = clientsOf(spec, source.read);
  const around = { clients, read: source.read, members: composition?.members, now: io.now };
  const all = judge([...dated, ...findings(policy, spec, around)], spec, io.now);
  const named = all.left.filter(({ code }) => accept.includes(code));
  const accepted = [...all.accepted, ...named];
  const left = all.left.filter(({ code }) => !accept.includes(code));
  const beside = accepted.length === 0 ? '' : ` beside ${count(accepted.length, 'accepted finding')}`;
  const clean = left.length === 0 ? { summary: `${source.name}: nothing to improve${beside}` } : {};
  const fails = left.some(({ severity }) => GRAVITY[severity] >= GRAVITY[failOn]);
  const status = print({ ...report, status: fails ? 1 : 0, diagnostics: left, accepted, ...clean }, format, io);
  // Whoever leaves such a code behind accepts the next finding of its kind unseen.
  for (const code of new Set(accept))
    if (!named.some((one) => one.code === code)) io.err(`--accept ${code}: there is no such finding any more\n`);
  return status;
}

const GRAVITY: Readonly<Record<Severity, number>> = { note: 0, warning: 1, error: 2 };

/** Prints the page of a finding, with or without its area. */
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

/** A key that has expired is a finding; any other error makes the spec invalid, and warnings of targets are validate's. */
function isRule({ code }: Diagnostic): boolean {
  return code.startsWith(`${ruleCodes.area}/`);
}

/** Only warnings and notes are a matter of taste; an error stays one. */
function checkCodes(accept: readonly string[]): Diagnostic[] {
  const known = acceptable();
  return accept
    .filter((code) => !known.includes(code))
    .map((code) => {
      const option = `--accept ${code}`;
      return commandCodes.report('unknown-finding', [], { option, meant: suggest(wholeCode(code), known), known });
    });
}
