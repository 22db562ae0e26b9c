import { catalog } from '../diagnostics/codes.ts';
import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { ruleCodes } from '../rules/codes.ts';
import { lint as findings } from '../rules/index.ts';
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
  readonly format: Format;
}

/** What is legal but unwise in a spec that is valid. */
export function lint({ spec: argument, accept = [], format }: LintArguments, io: Io): Status {
  const unknown = checkCodes(accept);
  if (unknown.length > 0)
    return print({ command: 'lint', status: 2, diagnostics: unknown, asked: 'changes' }, format, io);
  const { source, document, composition, spec, policy, diagnostics } = compileArgument(argument, io, { now: io.now });
  const report = { command: 'lint', document, asked: 'diagnostics' as const };
  const dated = diagnostics.filter(isRule);
  if (!policy || !spec || !source || hasError(diagnostics.filter((one) => !isRule(one))))
    return print({ ...report, status: 2, diagnostics, asked: 'changes' }, format, io);
  const files = composition?.members.map(({ value }) => value);
  const around = { clients: clientsOf(spec, source.read), read: source.read, files };
  const all = [...dated, ...findings(policy, spec, around)];
  const accepted = all.filter(({ code }) => accept.includes(code));
  const left = all.filter(({ code }) => !accept.includes(code));
  const beside = accepted.length === 0 ? '' : ` beside ${count(accepted.length, 'accepted finding')}`;
  const clean = left.length === 0 ? { summary: `${source.name}: nothing to improve${beside}` } : {};
  const status = print(
    { ...report, status: left.length === 0 ? 0 : 1, diagnostics: left, accepted, ...clean },
    format,
    io,
  );
  // Whoever leaves such a code behind accepts the next finding of its kind unseen.
  for (const code of new Set(accept))
    if (!accepted.some((one) => one.code === code)) io.err(`--accept ${code}: there is no such finding any more\n`);
  return status;
}

/** A key that has expired is a finding; any other error makes the spec invalid, and warnings of targets are validate's. */
function isRule({ code }: Diagnostic): boolean {
  return code.startsWith(`${ruleCodes.area}/`);
}

/** Only warnings are a matter of taste; an error stays one. */
function checkCodes(accept: readonly string[]): Diagnostic[] {
  const known = catalog([ruleCodes]).flatMap(({ code, severity }) => (severity === 'warning' ? [code] : []));
  return accept
    .filter((code) => !known.includes(code))
    .map((code) => {
      const whole = code.includes('/') ? code : `${ruleCodes.area}/${code}`;
      return commandCodes.report('unknown-finding', [], { code, meant: suggest(whole, known), known });
    });
}
