import { maskLine } from './mask.ts';
import { lineAround } from './position.ts';
import { printable } from './printable.ts';
import type { Location } from './resolve.ts';
import { blankCopy, displayWidth } from './width.ts';

/** One line of a file and the carets under it. */
export interface Excerpt {
  readonly number: number;
  readonly line: string;
  readonly carets: string;
}

/** Longer lines are shown in part: a JSON file may be one line. */
const LONGEST = 160;
const BEFORE = 60;

/**
 * The line where a place starts, with the place underlined up to the end of that line. Nothing is shown of what
 * follows the first of the given secrets in it.
 */
export function excerptOf(location: Location, secrets: readonly number[]): Excerpt | undefined {
  const { text, start } = lineAround(location.text, location.start);
  if (text.trim() === '') return undefined;
  const secret = secrets.find((offset) => offset >= start && offset < start + text.length);
  const open = secret === undefined ? text : text.slice(0, secret - start);
  const masked = maskLine(open) + (secret === undefined ? '' : HIDDEN);
  const from = Math.max(Math.min(location.start - start, secret === undefined ? text.length : open.length), 0);
  const to = Math.min(Math.max(location.end - start, from), masked.length);
  const window = cut(printable(masked), { from, to });
  const carets = Math.max(displayWidth(window.line.slice(window.from, window.to)), 1);
  return {
    number: location.from.line,
    line: window.line.trimEnd(),
    carets: blankCopy(window.line.slice(0, window.from)) + '^'.repeat(carets),
  };
}

const HIDDEN = '***';

interface Window {
  readonly line: string;
  readonly from: number;
  readonly to: number;
}

function cut(line: string, { from, to }: { from: number; to: number }): Window {
  if (line.length <= LONGEST) return { line, from, to };
  const start = outsidePair(line, Math.max(from - BEFORE, 0));
  const end = outsidePair(line, Math.min(start + LONGEST, line.length));
  const left = start > 0 ? '…' : '';
  const shift = left.length - start;
  return {
    line: left + line.slice(start, end) + (end < line.length ? '…' : ''),
    from: from + shift,
    to: Math.min(to, end) + shift,
  };
}

/** An offset that does not cut a character beyond U+FFFF in two. */
function outsidePair(text: string, offset: number): number {
  return (text.codePointAt(offset - 1) ?? 0) > 0xffff ? offset - 1 : offset;
}
