import type { TextSpan } from '../diagnostics/diagnostic.ts';

/** Where the references of a key are written: the value as a whole, and each of them if it is a list. */
export interface Written {
  readonly value: TextSpan;
  readonly items: readonly TextSpan[];
  /** Returns a reference of the spec as it is written in this file. */
  readonly written: (reference: string) => string;
}

type Part = Pick<TextSpan, 'start' | 'end'>;

/** Returns the text with one more reference; `undefined` where it is written in a way that is not known here. */
export function withSecond({ value, items: [item], written }: Written, added: string): string | undefined {
  const { text } = value;
  const reference = written(added);
  if (!item) {
    const first = wordOf(text, value);
    const isPlain = !/^["']/.test(first);
    const list = `[${isPlain && UNSAFE.test(first) ? JSON.stringify(first) : first}, ${wordLike(first, reference)}]`;
    return replaced(text, value, list);
  }
  const word = wordLike(wordOf(text, item), reference);
  if (isInBrackets(value)) return replaced(text, { start: item.end, end: item.end }, `, ${word}`);
  const line = lineAround(text, item);
  const mark = text.slice(line.start, item.start);
  if (!/^[ \t]*- +$/.test(mark)) return undefined;
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  return replaced(text, { start: line.end, end: line.end }, `${lineEnd}${mark}${word}`);
}

/** Returns the text without the first of two references; `undefined` where it is written in a way that is not known here. */
export function withoutFirst({ value, items: [first, second] }: Written): string | undefined {
  const { text } = value;
  if (!first || !second) return undefined;
  if (!isInBrackets(value)) {
    const mark = /- +$/.exec(text.slice(lineAround(text, first).start, first.start))?.[0];
    return mark === undefined ? undefined : without(text, { start: first.start - mark.length, end: first.end });
  }
  // A list on one line becomes a word again; in a longer one stand comments, which stay.
  if (!/[\r\n]/.test(wordOf(text, value))) return replaced(text, value, wordOf(text, second));
  const comma = /^\s*,/.exec(text.slice(first.end, second.start))?.[0];
  return comma === undefined ? undefined : without(text, { start: first.start, end: first.end + comma.length });
}

function isInBrackets({ text, start }: TextSpan): boolean {
  return text[start] === '[';
}

/** What YAML would read as more than a word, at least in brackets. */
const UNSAFE = /[,[\]{}]|:$|: | #/;

/** A reference in quotes if the other one is, as in JSON, or if it has to be. */
function wordLike(other: string, reference: string): string {
  return /^["']/.test(other) || UNSAFE.test(reference) ? JSON.stringify(reference) : reference;
}

function wordOf(text: string, { start, end }: Part): string {
  return text.slice(start, end);
}

function replaced(text: string, { start, end }: Part, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

/** Takes a part away, and its line if nothing else is on it. */
function without(text: string, part: Part): string {
  const line = lineAround(text, part);
  const isAlone = `${text.slice(line.start, part.start)}${text.slice(part.end, line.end)}`.trim() === '';
  const end = text.startsWith('\r\n', line.end) ? line.end + 2 : line.end + 1;
  return replaced(text, isAlone ? { start: line.start, end } : part, '');
}

/** Returns the lines of a part, without the last line end. */
function lineAround(text: string, { start, end }: Part): Part {
  const first = text.lastIndexOf('\n', start - 1) + 1;
  const last = /\r?\n|$/.exec(text.slice(end))?.index ?? 0;
  return { start: first, end: end + last };
}
