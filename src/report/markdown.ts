import type { Finding, Level, SheetFormatter } from './sheet.ts';

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

function item({ code: name, message, hint, place, patch, approval = [] }: Finding): string[] {
  const where = place?.from ? `${place.file}:${place.from.line}` : place?.file;
  const lines = [`- ${where === undefined ? '' : `${code(where)} `}${code(message)} (${name})`];
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
