import { styleText } from 'node:util';
import type { Diagnostic } from './diagnostic.ts';
import { type Excerpt, excerptOf } from './excerpt.ts';
import { type Location, type Locator, orderDiagnostics, type ResolvedDiagnostic, resolvePlaced } from './resolve.ts';

export interface FormatOptions {
  readonly colour?: boolean;
  /** How many are printed; the others are counted. Nobody reads more than a screen or two at a time. */
  readonly limit?: number;
}

type Style = Parameters<typeof styleText>[0];
type Paint = (style: Style, text: string) => string;

/** For people: `path:line:col: error: message [code]`, the line with the place underlined, a hint. */
export function formatDiagnostics(
  diagnostics: readonly Diagnostic[],
  locator: Locator | undefined,
  { colour = false, limit = 50 }: FormatOptions = {},
): string {
  const ordered = orderDiagnostics(diagnostics, locator);
  const paint: Paint = (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text);
  const blocks = resolvePlaced(ordered.slice(0, limit), locator).map((diagnostic) => block(diagnostic, paint));
  const rest = ordered.length - blocks.length;
  if (rest > 0) blocks.push(`… and ${rest} more ${rest === 1 ? 'problem' : 'problems'}\n`);
  return blocks.join('');
}

function block(diagnostic: ResolvedDiagnostic, paint: Paint): string {
  const { severity, message, code, hint, location, hiddenFrom, related } = diagnostic;
  const tone: Style = severity === 'error' ? 'red' : 'yellow';
  const place = location === undefined ? '' : `${paint('bold', placeText(location))}: `;
  const lines = [`${place}${paint(tone, severity)}: ${message} ${paint('dim', `[${code}]`)}`];
  if (location !== undefined) lines.push(...frame(excerptOf(location, hiddenFrom), (carets) => paint(tone, carets)));
  if (hint !== undefined) lines.push(`  ${paint('cyan', 'hint')}: ${hint}`);
  for (const other of related) {
    lines.push(`  ${other.location === undefined ? '' : `${placeText(other.location)}: `}${other.message}`);
    if (other.location !== undefined) lines.push(...frame(excerptOf(other.location), (carets) => paint('blue', carets)));
  }
  return `${lines.join('\n')}\n`;
}

export function placeText({ file, from }: Location): string {
  return `${file}:${from.line}:${from.column}`;
}

function frame(excerpt: Excerpt | undefined, paint: (carets: string) => string): string[] {
  if (excerpt === undefined) return [];
  const number = String(excerpt.number).padStart(5);
  const indent = /^[ \t]*/.exec(excerpt.carets)?.[0] ?? '';
  return [`${number} | ${excerpt.line}`, `${' '.repeat(5)} | ${indent}${paint(excerpt.carets.slice(indent.length))}`];
}
