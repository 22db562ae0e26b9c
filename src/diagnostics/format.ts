import { styleText } from 'node:util';
import type { Diagnostic, Severity } from './diagnostic.ts';
import { maskLine } from './mask.ts';
import { lineAround } from './position.ts';
import { printable } from './printable.ts';
import {
  type Location,
  type Locator,
  orderDiagnostics,
  type ResolvedDiagnostic,
  resolvePlaced,
  secretOffsets,
} from './resolve.ts';

interface FormatOptions {
  readonly colour?: boolean;
  /** How many are printed; the others are counted. Nobody reads more than a screen or two at a time. */
  readonly limit?: number;
}

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;
type Frame = (location: Location, tone: Style) => string[];

/** For people: `path:line:col: error: message [code]`, the line with the place underlined, a hint. */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  locator: Locator | undefined,
  { colour = false, limit = 50 }: FormatOptions = {},
): string {
  const ordered = orderDiagnostics(diagnostics, locator);
  const paint: Paint = (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text);
  const secrets = secretOffsets(ordered);
  const frame: Frame = (location, tone) => frameOf(excerptOf(location, secrets.get(location.file) ?? []), tone, paint);
  const blocks = resolvePlaced(ordered.slice(0, limit), locator).map((diagnostic) => block(diagnostic, paint, frame));
  const rest = ordered.length - blocks.length;
  if (rest > 0) blocks.push(`… and ${rest} more ${rest === 1 ? 'problem' : 'problems'}\n`);
  return blocks.join('');
}

const TONES: Readonly<Record<Severity, Style>> = { error: 'red', warning: 'yellow', note: 'blue' };

function block(diagnostic: ResolvedDiagnostic, paint: Paint, frame: Frame): string {
  const { severity, message, code, hint, location, related } = diagnostic;
  const tone = TONES[severity];
  const place = location === undefined ? '' : `${paint('bold', placeText(location))}: `;
  const lines = [`${place}${paint(tone, severity)}: ${message} ${paint('dim', `[${code}]`)}`];
  if (location !== undefined) lines.push(...frame(location, tone));
  if (hint !== undefined) lines.push(`  ${paint('cyan', 'hint')}: ${hint}`);
  for (const other of related) {
    lines.push(`  ${other.location === undefined ? '' : `${placeText(other.location)}: `}${other.message}`);
    if (other.location !== undefined) lines.push(...frame(other.location, 'blue'));
  }
  return `${lines.join('\n')}\n`;
}

function placeText({ file, from }: Location): string {
  return `${printable(file)}:${from.line}:${from.column}`;
}

function frameOf(excerpt: Excerpt | undefined, tone: Style, paint: Paint): string[] {
  if (excerpt === undefined) return [];
  const number = String(excerpt.number).padStart(5);
  const indent = /^[ \t]*/.exec(excerpt.carets)?.[0] ?? '';
  const carets = paint(tone, excerpt.carets.slice(indent.length));
  return [`${number} | ${excerpt.line}`, `${' '.repeat(number.length)} | ${indent}${carets}`];
}

/** One line of a file and the carets under it. */
interface Excerpt {
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
function excerptOf(location: Location, secrets: readonly number[]): Excerpt | undefined {
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

/** How many terminal cells a text takes; East Asian scripts and emoji take two per character. */
function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** Blanks as wide as a text. Tabs stay tabs, because only the terminal knows how wide they are. */
function blankCopy(text: string): string {
  let copy = '';
  for (const character of text) copy += character === '\t' ? '\t' : ' '.repeat(widthOf(character));
  return copy;
}

// Combining marks, variation selectors and joiners take no cell of their own.
const NO_WIDTH = /^[\p{M}\u200B-\u200D]$/u;
const WIDE =
  /^[\u1100-\u115F\u2E80-\u303E\u3041-\uA4CF\uA960-\uA97C\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\u{20000}-\u{3FFFD}]$|^\p{Emoji_Presentation}$/u;

function widthOf(character: string): number {
  if (character < '\u0300') return 1;
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
