import type { Finding, Sheet, SheetFormatter } from './sheet.ts';

/** JUnit XML, as CI systems read it: one suite, a case for each check and each finding. */
export const junit: SheetFormatter = (sheet) => {
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
