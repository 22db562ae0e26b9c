import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { type Location, type ResolvedDiagnostic, resolveDiagnostics } from '../diagnostics/resolve.ts';
import { shownChanges } from '../report/access.ts';
import type { Finding, FindingPlace, Level, Sheet, SheetFormatter } from '../report/sheet.ts';
import { toolVersion } from '../version.ts';
import type { Formatter, Report } from './report.ts';
import { shownPatch } from './shownPatch.ts';

/** Returns a formatter that prints any report as findings. Files are named as on the command line. */
export function sheetReport(format: SheetFormatter): Formatter {
  return (reports) => ({ out: format(together(reports.map(sheetOf))), err: '' });
}

/** Returns the same for formats that platforms read: files are named from the top of the repository. */
export function platformReport(format: SheetFormatter): Formatter {
  return (reports) => ({ out: format(placed(together(reports.map(sheetOf)), placesInRepository())), err: '' });
}

function placed(sheet: Sheet, placeOf: (place: FindingPlace) => FindingPlace): Sheet {
  const place = (old: FindingPlace | undefined) => old && placeOf(old);
  const findings = sheet.findings.map((finding) => ({
    ...finding,
    place: place(finding.place),
    related: finding.related.map((other) => ({ ...other, place: place(other.place) })),
  }));
  return { ...sheet, findings, subject: placeOf({ file: sheet.subject }).file };
}

/** Merges sheets into one. The name of a check then begins with its spec. */
function together(sheets: readonly Sheet[]): Sheet {
  const [first, ...others] = sheets;
  if (!first) throw new Error('no report');
  if (others.length === 0) return first;
  const status = Math.max(...sheets.map((sheet) => sheet.status)) as Sheet['status'];
  const checks = sheets.flatMap(({ subject, checks }) =>
    checks.map((check) => ({ ...check, name: `${subject}: ${check.name}` })),
  );
  const summary = sheets
    .map((sheet) => `${sheet.subject}: ${sheet.summary.replace(`${sheet.subject}: `, '')}`)
    .join('; ');
  const findings = sheets.flatMap(({ subject, findings }) => findings.map((one) => ({ ...one, spec: subject })));
  return { ...first, status, summary, checks, findings };
}

function sheetOf(report: Report): Sheet {
  const { command, status, document, tests = [] } = report;
  const summary =
    report.summary ?? (status === 0 ? 'nothing found' : status === 1 ? 'problems were found' : 'could not tell');
  const found = [
    ...diagnosticFindings(report),
    ...acceptedFindings(report),
    ...accessFindings(report),
    ...changeFindings(report),
  ];
  const checks = tests.map(({ subject, passed, expected, actual }) => ({
    name: subject,
    passed,
    message: passed ? '' : `expected ${expected}, got ${actual}`,
  }));
  const explained = status === 0 || found.some(({ fails }) => fails) || checks.some(({ passed }) => !passed);
  const findings = explained ? found : [...found, unexplained(command, summary)];
  return {
    command,
    version: toolVersion,
    status,
    summary,
    findings,
    checks,
    subject: document?.file.name ?? report.spec ?? 'postern.yaml',
  };
}

/** Returns a finding for a status without one, such as a coverage that is too low, so that every format shows it. */
function unexplained(command: string, summary: string): Finding {
  return {
    code: `command/${command.replace(/[^a-z]+/g, '-')}`,
    level: 'error',
    fails: true,
    message: summary,
    related: [],
  };
}

function diagnosticFindings({ diagnostics, document, status, asked }: Report): Finding[] {
  const resolved = resolveDiagnostics(diagnostics, document);
  const gravest = (['error', 'warning', 'note'] as const).find((one) =>
    resolved.some((found) => found.severity === one),
  );
  // An error fails. A warning or note does only if diagnostics were asked for and it is the gravest.
  const decisive = (severity: Level) => severity === 'error' || (severity === gravest && asked === 'diagnostics');
  return resolved.map((one) => findingOf(one, { level: one.severity, fails: status !== 0 && decisive(one.severity) }));
}

function acceptedFindings({ accepted = [], document }: Report): Finding[] {
  return resolveDiagnostics(accepted, document).map((one) => ({
    ...findingOf(one, { level: 'note', fails: false }),
    accepted: true,
  }));
}

function findingOf(
  { code, message, hint, location, related }: ResolvedDiagnostic,
  rest: Pick<Finding, 'level' | 'fails'>,
): Finding {
  return {
    ...rest,
    code,
    message,
    hint,
    place: placeOf(location),
    related: related.map((other) => ({ message: other.message, place: placeOf(other.location) })),
  };
}

function placeOf(location: Location | undefined): FindingPlace | undefined {
  if (!location) return undefined;
  const { file, from, to, text } = location;
  // A place without text means the whole file.
  return text === '' ? { file } : { file, from, to };
}

function accessFindings({ access, status }: Report): Finding[] {
  if (!access) return [];
  return shownChanges(access.changes, access.versions).map(({ change, ...shown }) => ({
    ...shown,
    fails: status !== 0 && access.fails(change),
    related: [],
  }));
}

function changeFindings({ changes = [], patches = false, folder = '', status }: Report): Finding[] {
  return changes
    .filter(({ verb }) => verb !== 'same')
    .map(
      (change): Finding => ({
        code: `drift/file-${change.verb}d`,
        level: status === 0 ? 'note' : 'error',
        fails: status !== 0,
        message: `${change.path} ${WORDS[change.verb]}: ${change.cause ?? ''}`,
        place: { file: join(folder, change.path) },
        related: [],
        ...(patches && { patch: shownPatch(change) }),
      }),
    );
}

const WORDS = { create: 'is to be created', change: 'is to be changed', delete: 'is to be deleted', same: '' } as const;

/**
 * Returns a function that names files from the top of the repository around the working directory. Platforms do not
 * show findings under other names. A file outside keeps its name.
 */
function placesInRepository(): (place: FindingPlace) => FindingPlace {
  const top = topOf(process.cwd());
  return (place) => {
    const { file } = place;
    if (top === undefined || file.startsWith('<')) return place;
    if (file.includes(':')) return withoutRevision(place, top);
    const inside = relative(top, resolve(file));
    const outside = inside === '' || inside === '..' || inside.startsWith(`..${sep}`);
    return outside ? place : { ...place, file: inside.split(sep).join('/') };
  };
}

/** Returns the current file for a place in an old version: a removed line has no line number now. */
function withoutRevision(place: FindingPlace, top: string): FindingPlace {
  const path = place.file.slice(place.file.indexOf(':') + 1);
  return path !== '' && existsSync(join(top, path)) ? { file: path } : place;
}

/**
 * Returns the top of the repository around a folder. `.git` is a folder in a clone, and a file in a worktree or a
 * submodule.
 */
function topOf(folder: string): string | undefined {
  if (existsSync(join(folder, '.git'))) return folder;
  const parent = dirname(folder);
  return parent === folder ? undefined : topOf(parent);
}
