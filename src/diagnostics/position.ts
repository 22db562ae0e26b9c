/** Where something stands for a reader: lines and columns from 1, the end just behind the last character. */
export interface Position {
  readonly line: number;
  /**
   * Counted in code points, as vim and most editors' status lines do: neither UTF-16 units, which only
   * programs see, nor terminal cells, which depend on the font.
   */
  readonly column: number;
}

/** Remembers the line starts of each text, because many diagnostics point into few texts. */
export function createPositions(text: string): (offset: number) => Position {
  const starts = lineStarts(text);
  let last = { offset: 0, line: 0, points: 0 };
  return (offset) => {
    const line = lineAt(starts, offset);
    const start = starts[line] ?? 0;
    // A JSON file may be one line of megabytes, so counting goes on from the last position where possible.
    const from = last.line === line && last.offset <= offset ? last : { offset: start, points: 0 };
    const points = from.points + countPoints(text, from.offset, offset);
    last = { offset, line, points };
    return { line: line + 1, column: points + 1 };
  };
}

/** The same for texts of which each is asked about often. */
export function positionsByText(): (text: string) => (offset: number) => Position {
  const known = new Map<string, (offset: number) => Position>();
  return (text) => {
    const position = known.get(text) ?? createPositions(text);
    known.set(text, position);
    return position;
  };
}

export interface Line {
  readonly text: string;
  /** Offset of its first character. */
  readonly start: number;
}

/** The whole line around an offset, without its line break. */
export function lineAround(text: string, offset: number): Line {
  let start = Math.min(offset, text.length);
  while (start > 0 && !isBreak(text, start - 1)) start -= 1;
  let end = Math.min(offset, text.length);
  while (end < text.length && !isBreak(text, end)) end += 1;
  // A byte order mark at the start of the file is no part of its first line.
  if (start === 0 && text.startsWith('\uFEFF')) start = 1;
  return { text: text.slice(start, Math.max(start, end)), start };
}

function isBreak(text: string, offset: number): boolean {
  const unit = text.charCodeAt(offset);
  return unit === 0x0a || unit === 0x0d;
}

/** A lone carriage return ends a line in YAML, and so it does here. */
function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (const match of text.matchAll(/\r\n?|\n/g)) starts.push(match.index + match[0].length);
  return starts;
}

function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

function countPoints(text: string, from: number, to: number): number {
  let count = from === 0 && to > 0 && text.startsWith('\uFEFF') ? -1 : 0;
  for (let at = from; at < to; at += 1) {
    const unit = text.charCodeAt(at);
    // The second half of a pair belongs to a character that is counted already.
    if (unit < 0xdc00 || unit > 0xdfff) count += 1;
  }
  return count;
}
