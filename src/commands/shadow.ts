import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { hasError } from '../diagnostics/diagnostic.ts';
import { placed } from '../output/disk.ts';
import type { Policy } from '../policy/types.ts';
import type { LocatedDocument } from '../source/span.ts';
import { shadowReportCodes } from './codes.ts';
import { type Io, progressTimer, type Status } from './io.ts';
import { eachLogLine } from './logLines.ts';
import { type Format, print } from './print.ts';
import { nearestRoute } from './reason.ts';
import { type Refused, shadowTally } from './shadowTally.ts';
import { compileArgument } from './spec.ts';
import { count } from './validate.ts';

export interface ShadowArguments {
  /** Access logs, plain or gzip; `-` for standard input. */
  readonly logs: readonly string[];
  readonly spec?: string | undefined;
  readonly format: Format;
}

/** Reports the logged requests that got through and that the shadow would refuse, by path template and key. */
export function shadow({ logs, spec: argument, format }: ShadowArguments, io: Io): Status {
  const { source, policy, document, shadowDocument, diagnostics } = compileArgument(argument, io, { targets: [] });
  const report = { command: 'shadow report', asked: 'diagnostics' } as const;
  const given = diagnostics.filter(({ code, severity }) => code !== 'compile/no-target' && severity === 'error');
  if (!source || !policy || !document || hasError(given))
    return print({ ...report, status: 2, diagnostics: given, document }, format, io);
  const unable = (problem: Diagnostic) => print({ ...report, status: 2, diagnostics: [problem], document }, format, io);
  if (!policy.shadow || !shadowDocument) return unable(shadowReportCodes.report('no-shadow', ['name'], {}));
  if (logs.length === 0) return unable(shadowReportCodes.report('no-log', [], {}));
  const tally = shadowTally(policy);
  const problems: Diagnostic[] = [];
  const said = progress(io);
  for (const log of logs) {
    const before = tally.bad();
    const unread = eachLogLine(log, io, (line) => {
      tally.take(line);
      said();
    });
    if (unread !== undefined)
      problems.push(shadowReportCodes.report('unreadable', [], { problem: unread }, placed(log)));
    const bad = tally.bad() - before;
    if (bad > 0) problems.push(shadowReportCodes.report('bad-lines', [], { lines: count(bad, 'line') }, placed(log)));
  }
  if (tally.seen() === 0 && problems.length === 0)
    problems.push(
      shadowReportCodes.report('nothing', [], { lines: count(tally.lines(), 'line') }, placed(logs[0] ?? '-')),
    );
  const refused = tally.refused();
  const found = refused.map((each) => diagnosticOf(each, policy.shadow, shadowDocument));
  const times = refused.reduce((sum, each) => sum + each.count, 0);
  const summary = `of ${count(tally.seen(), 'request')} that got through, the shadow would refuse ${times}`;
  const status = refused.length > 0 ? 1 : problems.length > 0 ? 2 : 0;
  return print({ ...report, status, diagnostics: [...found, ...problems], document, summary, refused }, format, io);
}

function progress(io: Io): () => void {
  const isTime = progressTimer();
  let lines = 0;
  return () => {
    lines += 1;
    if (lines % 10_000 === 0 && isTime()) io.err(`postern: ${lines} lines read\n`);
  };
}

function diagnosticOf(refused: Refused, shadow: Policy | undefined, document: LocatedDocument): Diagnostic {
  const { method, path, template, key, proxy, reason, status, at, last, count: times } = refused;
  const who = key === '' ? '' : ` with key "${key}"`;
  const served = shadow?.proxies.find(({ id }) => id === proxy)?.routes ?? [];
  const nearest = reason === 'path' ? nearestRoute(path, served)?.route.origin : undefined;
  const what = { request: `${method} ${template}${who}`, status, reason, times: count(times, 'time'), last };
  const remedy = REMEDIES[reason]?.(refused) ?? 'widen this';
  return {
    ...shadowReportCodes.report('refused', [], { ...what, remedy }),
    place: document.locate(nearest ?? at),
  };
}

const allow = ({ method, template }: Refused) => `to allow it, write "${method} ${template}" under allow of a group`;

/** What would allow a request, by the reason of its refusal. */
const REMEDIES: Readonly<Partial<Record<Refused['reason'], (refused: Refused) => string>>> = {
  path: (refused) => `${allow(refused)} that ${refused.key === '' ? 'the proxy' : `key "${refused.key}"`} has`,
  method: (refused) => `${allow(refused)} that ${refused.key === '' ? 'the proxy' : `key "${refused.key}"`} has`,
  'key-routes': ({ key, route }) => `to allow it, add a group of "${route}" to the routes of key "${key}"`,
  'key-unknown': ({ key }) =>
    key === '' ? 'nobody is known by what is sent there' : `to allow it, define key "${key}" there`,
  'key-missing': () => 'a key is asked for there, and none was sent',
  'key-expired': () => 'to allow it, let the key live longer',
  'key-address': () => 'to allow it, add the address of the client to the ipRanges of the key',
  address: () => 'to allow it, add the address of the client to the ipRanges of the proxy',
  'content-type': () => 'to allow it, add the type of the body to contentTypes',
  'body-size': () => 'to allow it, raise maxBody',
  query: () => 'the query is outside of what any spec lets through',
};
