import { styleText } from 'node:util';
import type { Diagnostic } from './diagnostic.ts';
import { type Excerpt, excerptOf } from './excerpt.ts';
import { printable } from './printable.ts';
import {
  type Location,
  type Locator,
  orderDiagnostics,
  type ResolvedDiagnostic,
  resolvePlaced,
  secretOffsets,
} from './resolve.ts';

export interface FormatOptions {
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

function block(diagnostic: ResolvedDiagnostic, paint: Paint, frame: Frame): string {
  const { severity, message, code, hint, location, related } = diagnostic;
  const tone: Style = severity === 'error' ? 'red' : 'yellow';
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
