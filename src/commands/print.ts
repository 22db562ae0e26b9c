import { jsonDiagnostics } from '../diagnostics/json.ts';
import type { Change } from '../output/plan.ts';
import { jsonAccess } from '../report/accessJson.ts';
import { sheetFormats } from '../report/formats.ts';
import type { Io, Status } from './io.ts';
import { type Locate, locator } from './location.ts';
import { type Formatter, type ProofOutcome, type Report, worst } from './report.ts';
import { platformReport, sheetReport } from './sheetReport.ts';
import { shownPatch } from './shownPatch.ts';
import { textReport } from './textReport.ts';

/** Prints one JSON object, with the same keys for every status. */
const jsonReport: Formatter = ([first, ...others]) => {
  const value = first.spec === undefined ? jsonOf(first) : jsonOfAll(first.command, [first, ...others]);
  return { out: `${JSON.stringify(value, null, 2)}\n`, err: '' };
};

/** The form does not depend on how many specs a pattern names today. */
function jsonOfAll(command: string, reports: readonly Report[]): object {
  return {
    command,
    status: worst(reports),
    specs: reports.map((report) => ({ spec: report.spec, ...jsonOf(report) })),
  };
}

function jsonOf(report: Report): object {
  const { command, status, document, changes, access, tests, coverage, engines, proofs, refused } = report;
  const locate = document && locator(document);
  return {
    command,
    status,
    diagnostics: diagnosticsOf(report),
    ...(changes && { changes: changes.map((change) => jsonChange(change, report.patches === true)) }),
    ...(access && jsonAccess(access.changes, access.versions)),
    ...(tests && { tests }),
    ...(engines && { engines }),
    ...(proofs && { proofs: proofs.map((proof) => jsonProof(proof, locate)) }),
    ...(refused && { refused: refused.map(({ at, path, ...told }) => told) }),
    ...(coverage && {
      coverage: {
        ...coverage,
        untested: coverage.untested.map(({ route, at }) => ({ route, at: locate?.(at) ?? '' })),
      },
    }),
  };
}

/** Returns the diagnostics as JSON. If the command can accept findings, each has `accepted`. */
function diagnosticsOf({ diagnostics, accepted, document }: Report) {
  const found = jsonDiagnostics(diagnostics, document);
  if (!accepted) return found;
  return [
    ...found.map((one) => ({ ...one, accepted: false })),
    ...jsonDiagnostics(accepted, document).map((one) => ({ ...one, accepted: true })),
  ];
}

function jsonProof({ difference, ...proof }: ProofOutcome, locate: Locate | undefined) {
  if (!difference) return proof;
  const { decidedAt, missing, ...others } = difference;
  const place = missing && { missing: locate?.(missing) ?? '' };
  return { ...proof, difference: { ...others, spec: locate?.(decidedAt) ?? '', ...place } };
}

function jsonChange(change: Change, patches: boolean) {
  const { path, target, verb, cause } = change;
  return {
    path,
    target,
    verb,
    ...(cause && { cause }),
    ...(patches && verb !== 'same' && { patch: shownPatch(change) }),
  };
}

/** The output formats by name. */
const formatters = {
  text: textReport,
  json: jsonReport,
  sarif: platformReport(sheetFormats.sarif),
  junit: platformReport(sheetFormats.junit),
  github: platformReport(sheetFormats.github),
  gitlab: platformReport(sheetFormats.gitlab),
  markdown: sheetReport(sheetFormats.markdown),
} as const satisfies Readonly<Record<string, Formatter>>;

export type Format = keyof typeof formatters;

/** Prints a report and returns its status. */
export function print(report: Report, format: Format, io: Io): Status {
  if (io.collect) io.collect(report);
  else write([report], format, io);
  return report.status;
}

/** Prints that there was nothing to look at. */
export function printNone(command: string, summary: string, format: Format, io: Io): Status {
  if (format !== 'json') return print({ command, status: 0, diagnostics: [], asked: 'changes', summary }, format, io);
  io.out(`${JSON.stringify(jsonOfAll(command, []), null, 2)}\n`);
  return 0;
}

/** Prints several reports as one and returns the worst status. */
export function printAll(reports: readonly Report[], format: Format, io: Io): Status {
  const [first, ...others] = reports;
  if (first) write([first, ...others], format, io);
  return worst(reports);
}

function write(reports: readonly [Report, ...Report[]], format: Format, io: Io): void {
  const { out, err } = formatters[format](reports, io.colour);
  if (err !== '') io.err(err);
  if (out !== '') io.out(out);
}
