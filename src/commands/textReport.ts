import { styleText } from 'node:util';
import { formatDiagnostics } from '../diagnostics/format.ts';
import type { Change } from '../output/plan.ts';
import { accessText } from '../report/accessText.ts';
import { locator } from './location.ts';
import type { Colour, Coverage, Formatter, Printed, Report } from './report.ts';
import { shownPatch } from './shownPatch.ts';

const VERBS: Readonly<Record<Change['verb'], string>> = {
  create: 'create',
  change: 'change',
  delete: 'delete',
  same: '',
};

/** Prints results to standard output, and what accompanies them to standard error. */
export const textReport: Formatter = (reports, colour) => {
  const [only, ...others] = reports;
  if (others.length === 0) return textOf(only, colour);
  const texts = reports.map((report) => {
    const { out, err } = textOf(report, colour);
    return { out: headed(report, out), err: headed(report, err) };
  });
  const err = texts.map((text) => text.err).join('');
  return { out: texts.map((text) => text.out).join(''), err: `${err}${verdict(reports)}` };
};

/** Returns the lines about one of several specs below its name, unless they begin with it. */
function headed({ spec }: Report, lines: string): string {
  return lines === '' || spec === undefined || lines.startsWith(`${spec}:`) ? lines : `${spec}:\n${lines}`;
}

/** Returns `3 specs: 2 yes, 1 no`. */
function verdict(reports: readonly Report[]): string {
  const words = ['yes', 'no', 'could not tell'].flatMap((word, status) => {
    const number = reports.filter((report) => report.status === status).length;
    return number === 0 ? [] : [`${number} ${word}`];
  });
  return `${reports.length} specs: ${words.join(', ')}\n`;
}

function textOf(report: Report, colour: Colour): Printed {
  const asked = report.asked !== 'changes';
  const stream = asked ? colour.out : colour.err;
  const findings = formatDiagnostics(report.diagnostics, report.document, { colour: stream });
  const summary = report.summary === undefined ? '' : `${report.summary}\n`;
  const access = report.access ? accessText(report.access.changes, report.access.versions, colour.out) : '';
  const accepted = acceptedText(report, stream);
  const results = access + changesText(report, colour.out) + coverageText(report);
  // Standard output may hold a patch for patch(1), so that the summary goes to standard error.
  return asked ? { out: findings + accepted + results + summary, err: '' } : { out: results, err: findings + summary };
}

function acceptedText({ accepted = [], document }: Report, colour: boolean): string {
  return accepted.length === 0 ? '' : `accepted:\n${formatDiagnostics(accepted, document, { colour })}`;
}

function changesText({ changes = [], patches = false }: Report, colour: boolean): string {
  return changes
    .filter((change) => change.verb !== 'same')
    .map(
      (change) =>
        `${VERBS[change.verb]} ${change.path}: ${change.cause ?? ''}\n${patches ? patchText(change, colour) : ''}`,
    )
    .join('');
}

const SIGNS = [
  ['+', 'green'],
  ['-', 'red'],
  ['@', 'cyan'],
] as const;

function patchText(change: Change, colour: boolean): string {
  const patch = shownPatch(change);
  if (!colour) return patch;
  const painted = (line: string) => {
    const style = SIGNS.find(([sign]) => line.startsWith(sign))?.[1];
    return style ? styleText(style, line, { validateStream: false }) : line;
  };
  return patch.split('\n').map(painted).join('\n');
}

function coverageText({ coverage, document }: Report): string {
  if (!coverage) return '';
  const { untested, tested, routes } = coverage;
  const locate = document && locator(document);
  const lines = untested.map(({ route, at }) => `${locate?.(at) ?? ''}: no test touches ${route}\n`);
  return `${lines.join('')}coverage: ${tested} of ${routes} requests (${percentOf(coverage)}%)\n`;
}

/** Returns the coverage in percent, rounded down so that 100 means all. */
export function percentOf({ routes, tested }: Coverage): number {
  return routes === 0 ? 100 : Math.floor((tested * 100) / routes);
}
