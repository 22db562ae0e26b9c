import type { Container, ContainerFile } from './container.ts';
import { editedLines } from './edits.ts';

/**
 * A Corefile in double quotes: in JSON, as `kubectl get -o json` prints it, or in YAML, where kubectl does so once a line
 * ends with a blank or holds a tab. Its lines end at the escaped line feeds.
 */
export function quotedContainer(
  { file, text }: ContainerFile,
  span: { readonly start: number; readonly end: number },
  corefile: string,
): Container | undefined {
  const pieces = piecesOf(text.slice(span.start, span.end));
  if (pieces?.map(({ value }) => value).join('') !== corefile) return undefined;
  const raws = pieces.map(({ raw }) => raw);
  const outer = (offset: number) => span.start + 1 + raws.slice(0, offset).join('').length;
  return {
    corefile,
    placeOf: ({ start, end }) => ({ file, text, start: outer(start), end: outer(end) }),
    apply: (edits) => {
      const escaped = edits.map((edit) => ({ ...edit, insert: edit.insert.map(escapedLine) }));
      const edited = editedLines(linesOf(pieces), escaped).join('');
      return `${text.slice(0, span.start)}"${edited}"${text.slice(span.end)}`;
    },
  };
}

/** Some text, and the one UTF-16 unit that it stands for. */
interface Piece {
  readonly raw: string;
  readonly value: string;
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '"': '"',
  '\\': '\\',
  '/': '/',
  ' ': ' ',
};

/** `undefined` for what is no such string; spellings that nobody prints end up as another value than the Corefile. */
function piecesOf(quoted: string): Piece[] | undefined {
  const inner = /^"(.*)"$/s.exec(quoted)?.[1];
  if (inner === undefined) return undefined;
  const pieces: Piece[] = [];
  let before = '';
  // A line break that is not escaped stands for a blank, one that is for nothing.
  for (const [raw] of inner.matchAll(/\\\r?\n[ \t]*|[ \t]*\r?\n[ \t]*|\\u[0-9a-fA-F]{4}|\\.|[^\\]/gs)) {
    const value = valueOf(raw);
    if (value === '') before += raw;
    else pieces.push({ raw: before + raw, value });
    if (value !== '') before = '';
  }
  return pieces;
}

function valueOf(raw: string): string {
  if (raw.startsWith('\\u')) return String.fromCharCode(Number.parseInt(raw.slice(2), 16));
  if (/^\\\r?\n/.test(raw)) return '';
  if (raw.startsWith('\\')) return ESCAPES[raw.slice(1)] ?? raw;
  return raw.includes('\n') ? ' ' : raw;
}

/** Each with the line feed at its end, in the spelling that it has. */
function linesOf(pieces: readonly Piece[]): string[] {
  const lines = [''];
  for (const { raw, value } of pieces) {
    lines.push((lines.pop() ?? '') + raw);
    if (value === '\n') lines.push('');
  }
  return lines;
}

function escapedLine(line: string): string {
  return `${JSON.stringify(line).slice(1, -1)}\\n`;
}
