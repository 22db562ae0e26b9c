import { parsers } from 'prettier/plugins/typescript';
import { isRecord } from '../../src/source/value.ts';

export interface Written {
  readonly line: number;
  readonly pattern: string;
  readonly flags: string;
}

/** Returns every regular expression that is written out in a TypeScript file. */
export function expressionsOf(text: string): readonly Written[] {
  const found: Written[] = [];
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(walk);
    if (!isRecord(node)) return;
    const { regex, loc } = node;
    if (isRecord(regex) && isRecord(loc) && isRecord(loc['start']))
      found.push({
        line: Number(loc['start']['line']),
        pattern: String(regex['pattern']),
        flags: String(regex['flags']),
      });
    for (const [name, value] of Object.entries(node)) if (!ASIDE.has(name)) walk(value);
  };
  walk(parsers.typescript.parse(text, OPTIONS));
  return found;
}

const ASIDE = new Set(['loc', 'range', 'tokens', 'comments', 'parent']);
// The parser asks for nothing else of what prettier itself would give it.
const OPTIONS = { filepath: 'file.ts' } as Parameters<typeof parsers.typescript.parse>[1];

const SHORT: Readonly<Record<string, string>> = { d: '0-9', w: 'A-Za-z0-9_', s: ' \\t\\n\\r\\f\\v' };

/**
 * Returns an expression of JavaScript in the words of PCRE, with one byte for all characters beyond Latin 1. What looks
 * behind or asks for the end of a word always succeeds, and a reference to a group stands for any character.
 */
export function inBytes(pattern: string): string {
  let isInSet = false;
  return pattern
    .replace(LOOK_BEHIND, '')
    .replace(PIECE, (piece, short?: string, code?: string) => {
      const [first = '', second = ''] = piece;
      if (isInSet ? piece === ']' : first === '[') {
        isInSet = !isInSet;
        return piece;
      }
      if (short !== undefined) return shortSet(short, isInSet);
      if (code !== undefined) return byteOf(Number.parseInt(code, 16));
      if (/^\\[pP]/.test(piece)) return isInSet ? '\\x80-\\xFF' : '[\\x01-\\xFF]';
      if (first === '\\' && !isInSet && /[bB]/.test(second)) return '';
      if (first === '\\' && !isInSet && /[1-9k]/.test(second)) return '(?:.|\\n)';
      if (piece === '\\0') return '\\x00';
      if (first === '[') return '\\[';
      return piece.length === 1 && piece > '\xff' ? '\\xF0' : piece;
    })
    .replaceAll('[^]', '(?:.|\\n)');
}

const LOOK_BEHIND = /\(\?<[!=](?:[^()\\[]|\\.|\[(?:[^\]\\]|\\.)*\]|\((?:[^()\\[]|\\.|\[(?:[^\]\\]|\\.)*\])*\))*\)/g;
const PIECE = /\\([dDwWsS])|\\u\{?([0-9A-Fa-f]{4,5})\}?|\\[pP]\{[^}]*\}|\\k<\w+>|\\.|[\s\S]/g;

function shortSet(letter: string, isInSet: boolean): string {
  const set = SHORT[letter.toLowerCase()] ?? '';
  if (letter !== letter.toLowerCase()) return isInSet ? '\\x01-\\xFF' : `[^${set}]`;
  return isInSet ? set : `[${set}]`;
}

function byteOf(code: number): string {
  return `\\x${(code < 256 ? code : 0xf0).toString(16).padStart(2, '0')}`;
}
