import { compareLines } from './lines.ts';
import type { Change } from './plan.ts';

const CONTEXT = 3;

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
  /** Number of lines above this one, on each side. */
  readonly before: number;
  readonly after: number;
}

/** Returns a change as a unified diff for patch(1); "" if nothing differs. */
export function unifiedPatch({ path, before, after }: Pick<Change, 'path' | 'before' | 'after'>): string {
  if (before === after) return '';
  const from = before === undefined ? '/dev/null' : `a/${path}`;
  const to = after === undefined ? '/dev/null' : `b/${path}`;
  return `${[`--- ${from}`, `+++ ${to}`, ...hunksOf(numbered(linesOf(before), linesOf(after))).flatMap(hunkText)].join('\n')}\n`;
}

/** Mark after a last line without a line feed. It makes the line differ from the same line with one. */
const UNENDED = '\n\\ No newline at end of file';

function linesOf(text = ''): string[] {
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  return last === '' ? lines : [...lines, `${last}${UNENDED}`];
}

function numbered(beforeLines: readonly string[], afterLines: readonly string[]): Line[] {
  let [before, after] = [0, 0];
  return compareLines(beforeLines, afterLines).flatMap(({ kind, lines }) =>
    lines.map((text) => {
      const line: Line = { sign: kind === 'both' ? ' ' : kind === 'before' ? '-' : '+', text, before, after };
      if (kind !== 'after') before++;
      if (kind !== 'before') after++;
      return line;
    }),
  );
}

/** Returns changed lines with their context, in hunks. Changes whose contexts touch share a hunk. */
function hunksOf(lines: readonly Line[]): Line[][] {
  const spans: { first: number; last: number }[] = [];
  lines.forEach(({ sign }, index) => {
    const open = spans.at(-1);
    if (sign === ' ') return;
    if (open && index - open.last <= 2 * CONTEXT + 1) open.last = index;
    else spans.push({ first: index, last: index });
  });
  return spans.map(({ first, last }) => lines.slice(Math.max(0, first - CONTEXT), last + CONTEXT + 1));
}

function hunkText(hunk: readonly Line[]): string[] {
  const range = (start: number, other: Line['sign']) => {
    const count = hunk.filter((line) => line.sign !== other).length;
    return `${count === 0 ? start : start + 1},${count}`;
  };
  const [top] = hunk;
  return [
    `@@ -${range(top?.before ?? 0, '+')} +${range(top?.after ?? 0, '-')} @@`,
    ...hunk.map(({ sign, text }) => sign + text),
  ];
}
