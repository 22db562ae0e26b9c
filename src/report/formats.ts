import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import type { Finding, FindingPlace, Level, Sheet, SheetFormatter } from './sheet.ts';

const of = (level: Level) => (finding: Finding) => finding.level === level && finding.accepted !== true;
const SECTIONS: readonly (readonly [title: string, belongs: (finding: Finding) => boolean])[] = [
  ['Errors', of('error')],
  ['Warnings', of('warning')],
  ['Notes', of('note')],
  ['Accepted', ({ accepted }) => accepted === true],
];
/** A platform refuses a note of more than a million characters, and nobody reads it long before that. */
const SHOWN = 100;
const PATCH_LINES = 400;

/** A note for a merge request. Everything that comes from a spec stands in code, so that it can mention nobody. */
export const markdown: SheetFormatter = ({ command, status, summary, findings }) => {
  const mark = status === 0 ? '✅' : status === 1 ? '❌' : '⚠️';
  const lines = [`### ${mark} postern ${command}`, '', code(summary), ''];
  for (const [title, belongs] of SECTIONS) {
    const some = findings.filter(belongs);
    if (some.length === 0) continue;
    lines.push(`**${title}** (${some.length})`, '', ...some.slice(0, SHOWN).flatMap(item));
    if (some.length > SHOWN) lines.push(`- … and ${some.length - SHOWN} more`);
    lines.push('');
  }
  return `${lines.join('\n').trimEnd()}\n`;
};

function item({ code: name, message, hint, place, patch, spec, approval = [] }: Finding): string[] {
  const where = place?.from ? `${place.file}:${place.from.line}` : place?.file;
  const lines = [`- ${where === undefined ? '' : `${code(where)} `}${code(message)} (${name})`];
  if (spec !== undefined && spec !== place?.file) lines.push(`  <br>in ${code(spec)}`);
  if (hint !== undefined) lines.push(`  <br>${code(hint)}`);
  if (approval.length > 0) lines.push(`  <br>needs approval of ${approval.map(code).join(', ')}`);
  if (patch !== undefined && patch !== '') lines.push(...details(patch));
  return lines;
}

function details(patch: string): string[] {
  const all = patch.trimEnd().split('\n');
  const shown = all.slice(0, PATCH_LINES);
  const rest = all.length - shown.length;
  const fence = '`'.repeat(Math.max(3, longestRun(patch) + 1));
  return [
    '  <details><summary>patch</summary>',
    '',
    ...[`${fence}diff`, ...shown, ...(rest > 0 ? [`… ${rest} more lines`] : []), fence].map((line) => `  ${line}`),
    '',
    '  </details>',
  ];
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
}

/** A code span whose fence is longer than any run of backticks in it. */
function code(text: string): string {
  const fence = '`'.repeat(longestRun(text) + 1);
  const pad = /^`|`$/.test(text) ? ' ' : '';
  return `${fence}${pad}${text.replace(/\s+/g, ' ')}${pad}${fence}`;
}

/**
 * One name for each finding that stays when lines move, so that a platform knows what is new and what was
 * there before: made of code, file and words, and for the second of the same kind of a number.
 */
export function fingerprints(findings: readonly Finding[]): string[] {
  const seen = new Map<string, number>();
  return findings.map(({ code, place, message }) => {
    const identity = JSON.stringify([code, place?.file ?? '', message]);
    const count = seen.get(identity) ?? 0;
    seen.set(identity, count + 1);
    return createHash('sha256')
      .update(`${identity}${count === 0 ? '' : ` ${count}`}`)
      .digest('hex')
      .slice(0, 32);
  });
}

const COMMANDS: Readonly<Record<Level, string>> = { error: 'error', warning: 'warning', note: 'notice' };

/** Workflow commands that GitHub Actions turns into annotations. */
const github: SheetFormatter = ({ findings, summary }) => {
  return `${[...findings.map(annotation), plain(summary)].join('\n')}\n`;
};

function annotation({ code, level, accepted, message: words, hint, place }: Finding): string {
  const message = accepted ? `accepted: ${words}` : words;
  const { from, to } = place ?? {};
  const sameLine = from && to && from.line === to.line;
  const properties = {
    file: place?.file,
    line: from?.line,
    endLine: to?.line,
    // GitHub takes columns only where begin and end are on one line.
    col: sameLine ? from.column : undefined,
    endColumn: sameLine ? to.column : undefined,
    title: code,
  };
  const written = Object.entries(properties).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${property(String(value))}`,
  );
  return `::${COMMANDS[level]} ${written.join(',')}::${data(hint === undefined ? message : `${message}\n${hint}`)}`;
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** A line of text must never be read as a command. */
function plain(text: string): string {
  return text.replace(/^(?=::)/gm, ' ');
}

/** GitLab Code Quality. It colours a merge request and never fails it: the exit status has to. */
const gitlab: SheetFormatter = ({ findings, subject }) => {
  const prints = fingerprints(findings);
  const issues = findings.map((finding, index) => ({
    description: descriptionOf(finding),
    check_name: finding.code,
    fingerprint: prints[index] ?? '',
    severity: severityOf(finding),
    location: {
      path: (finding.place?.file ?? subject).replace(/^(?:\.\/)+/, ''),
      lines: { begin: finding.place?.from?.line ?? 1 },
    },
  }));
  return `${JSON.stringify(issues, null, 2)}\n`;
};

function descriptionOf({ message, hint, accepted }: Finding): string {
  return `${accepted ? 'accepted: ' : ''}${message}${hint === undefined ? '' : ` (${hint})`}`;
}

function severityOf({ level, fails }: Finding): 'info' | 'minor' | 'major' | 'critical' {
  if (level === 'note') return 'info';
  if (level === 'warning') return fails ? 'major' : 'minor';
  return fails ? 'critical' : 'major';
}

/** JUnit XML, as CI systems read it: one suite, a case for each check and each finding. */
const junit: SheetFormatter = (sheet) => {
  const cases = [...sheet.checks.map(checkCase), ...sheet.findings.map((finding) => findingCase(finding, sheet))];
  // Without any case a reader could not tell "all is well" from "nothing was looked at".
  if (cases.length === 0) cases.push({ name: sheet.summary, kind: 'passed', text: '' });
  const count = (kind: Case['kind']) => cases.filter((one) => one.kind === kind).length;
  const counts = `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}"`;
  const skipped = count('skipped');
  const name = attribute(`postern ${sheet.command}`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="postern" ${counts}>`,
    `  <testsuite name="${name}" ${counts} skipped="${skipped}">`,
    ...cases.map((one) => caseText(one, name)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
};

interface Case {
  readonly name: string;
  readonly kind: 'passed' | 'skipped' | 'failure' | 'error';
  readonly text: string;
  readonly type?: string;
  readonly file?: string | undefined;
}

function checkCase({ name, passed, message }: Sheet['checks'][number]): Case {
  return { name, kind: passed ? 'passed' : 'failure', text: message, type: 'test/failed' };
}

function findingCase({ code, fails, accepted, message, hint, place }: Finding, { status }: Sheet): Case {
  const where = place?.from ? `${place.file}:${place.from.line}:${place.from.column}` : (place?.file ?? '');
  return {
    name: [where, message].filter(Boolean).join(': '),
    kind: fails ? (status === 2 ? 'error' : 'failure') : accepted ? 'skipped' : 'passed',
    text: hint === undefined ? message : `${message}\n${hint}`,
    type: code,
    file: place?.file,
  };
}

function caseText({ name, kind, text, type = '', file }: Case, suite: string): string {
  const open = `    <testcase classname="${suite}" name="${attribute(name)}"${file === undefined ? '' : ` file="${attribute(file)}"`}`;
  if (kind === 'passed')
    return text === '' ? `${open}/>` : `${open}><system-out>${content(text)}</system-out></testcase>`;
  if (kind === 'skipped') return `${open}><skipped message="accepted: ${attribute(text)}"/></testcase>`;
  const message = attribute(text.split('\n', 1)[0] ?? '');
  return `${open}><${kind} message="${message}" type="${attribute(type)}">${content(text)}</${kind}></testcase>`;
}

/** XML 1.0 has no way to write most control characters, nor half of a surrogate pair. */
function content(text: string): string {
  const legal = text.replace(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD');
  return legal.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function attribute(text: string): string {
  return content(text)
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
    .replaceAll('\t', '&#9;')
    .replaceAll('\r', '&#13;');
}

/** SARIF 2.1.0, for code scanning. */
const sarif: SheetFormatter = (sheet) => `${JSON.stringify(sarifLog(sheet), null, 2)}\n`;

function sarifLog(sheet: Sheet) {
  const ids = [...new Set(sheet.findings.map(({ code }) => code))].sort();
  const prints = fingerprints(sheet.findings);
  // The standard wants this of all results of a run or of none.
  const suppressible = sheet.findings.some(({ accepted }) => accepted === true);
  const results = sheet.findings.map(({ code, level, accepted, message, hint, place, related }, index) => ({
    ruleId: code,
    ruleIndex: ids.indexOf(code),
    level,
    message: { text: hint === undefined ? message : `${message}\n${hint}` },
    locations: [location(place ?? { file: sheet.subject })],
    ...(related.length > 0 && {
      relatedLocations: related.map((other, id) => ({
        id,
        message: { text: other.message },
        ...(other.place && location(other.place)),
      })),
    }),
    ...(suppressible && { suppressions: accepted === true ? [acceptance(hint)] : [] }),
    partialFingerprints: { 'postern/v1': prints[index] ?? '' },
  }));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'postern',
            version: sheet.version,
            rules: ids.map((id) => ({ id, name: id.replace('/', '-') })),
          },
        },
        // Ours count code points, so that no editor has to know how strings are stored.
        columnKind: 'unicodeCodePoints',
        invocations: [{ executionSuccessful: sheet.status !== 2, exitCode: sheet.status }],
        automationDetails: { id: `postern/${sheet.command}/` },
        results,
      },
    ],
  };
}

const acceptance = (hint: string | undefined) => {
  const justification = hint?.startsWith('accepted until ') ? hint : 'named by --accept';
  return { kind: 'external', status: 'accepted', justification } as const;
};

function location({ file, from, to }: FindingPlace) {
  const region = from && {
    startLine: from.line,
    startColumn: from.column,
    ...(to && { endLine: to.line, endColumn: to.column }),
  };
  return { physicalLocation: { artifactLocation: { uri: uriOf(file) }, ...(region && { region }) } };
}

/** A relative reference; a colon in its first part would make that a scheme. */
function uriOf(file: string): string {
  if (file.startsWith('/')) return pathToFileURL(file).href;
  return file.split('/').map(encodeURIComponent).join('/');
}

/** The formats that other programs read: one more is one more line. */
export const sheetFormats = { sarif, junit, github, gitlab, markdown } as const satisfies Readonly<
  Record<string, SheetFormatter>
>;
