import { load } from 'js-yaml';
import { parse } from 'smol-toml';

/**
 * The words of a generated file as its own language reads them: one entry an argument, unquoted, structure
 * included. Written from each language's manual and not from our quoting, so that a mistake there shows here.
 */
export function argumentsOf(path: string, text: string): readonly string[] {
  if (path.endsWith('.toml')) return leaves(parse(text));
  if (path.endsWith('.json')) return leaves(JSON.parse(text));
  if (path.endsWith('.yaml'))
    return leaves(load(text)).flatMap((leaf) => (leaf.includes('\n') ? corefileWords(leaf) : leaf));
  if (path.endsWith('.md')) return markdownCells(text);
  if (path.startsWith('nginx/')) return nginxWords(text);
  if (path.startsWith('caddy/')) return caddyWords(text);
  return path.startsWith('coredns/') ? corefileWords(text) : text.split(/\s+/);
}

function leaves(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.entries(value).flatMap(([key, child]) => [Array.isArray(value) ? '-' : key, ...leaves(child)]);
}

/** Markdown with tables: a line is one piece, or as many as a table's row has route classes, also where "|" stands in code. */
function markdownCells(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith('|') ? line.split(/(?<!\\)[|]/).map((routeClass) => routeClass.trim()) : line));
}

/** nginx: blanks, `;`, `{`, `}` end a word; quotes only at its start; a backslash before one of `"'\` is taken off. */
export function nginxWords(text: string): string[] {
  const words: string[] = [];
  const pattern = /\s+|#[^\n]*|[;{}]|"((?:\\[\s\S]|[^"\\])*)"|'((?:\\[\s\S]|[^'\\])*)'|((?:\\[\s\S]|\$\{|[^\s;{\\])+)/y;
  while (pattern.lastIndex < text.length) {
    const { lastIndex } = pattern;
    const match = pattern.exec(text);
    if (!match) throw new Error(`not nginx: ${text.slice(lastIndex, lastIndex + 60)}`);
    const quoted = match[1] ?? match[2] ?? match[3];
    if (quoted !== undefined) words.push(quoted.replace(/\\(["'\\])/g, '$1'));
    else if (/^[;{}]$/.test(match[0])) words.push(match[0]);
  }
  return words;
}

/** Caddyfile: words by blanks; backquotes are raw, in double quotes only `\"` is an escape; a line end is a word. */
function caddyWords(text: string): string[] {
  const words: string[] = [];
  const pattern = /[ \t\r]+|\n|#[^\n]*|`([^`]*)`|"((?:\\"|[^"])*)"|([^\s]+)/y;
  while (pattern.lastIndex < text.length) {
    const { lastIndex } = pattern;
    const match = pattern.exec(text);
    if (!match) throw new Error(`not a Caddyfile: ${text.slice(lastIndex, lastIndex + 60)}`);
    if (match[0] === '\n') words.push('\n');
    else if (match[1] !== undefined) words.push(match[1]);
    else if (match[2] !== undefined) words.push(match[2].replaceAll('\\"', '"'));
    else if (match[3] !== undefined) words.push(match[3]);
  }
  return words;
}

/** Corefile: the same lexer in an older version, without backquotes. */
function corefileWords(text: string): string[] {
  return [...text.matchAll(/#[^\n]*|"((?:\\"|[^"])*)"|\n|[^\s]+/g)]
    .filter(([whole]) => !whole.startsWith('#'))
    .map(([whole, quoted]) => quoted ?? whole);
}
