import type { ImportFile, ImportProblem } from '../../import/draft.ts';

/** A directive of a Caddyfile: a line of words, and the lines of its block. */
export interface Written {
  readonly words: readonly string[];
  readonly file: string;
  /** Line of the directive, from 1. */
  readonly line: number;
  readonly block?: readonly Written[];
}

interface Word {
  readonly text: string;
  readonly line: number;
  /** Whether it was in quotes, in which a brace is text. */
  readonly quoted: boolean;
}

/** Most nesting of blocks and imports. A file with more is refused, because a refusal inside would be lost. */
const DEEPEST = 20;
const MOST_WORDS = 200_000;

/** Returns the sites of a Caddyfile, with snippets in the place of their imports. */
export function caddyTree({ name: file, text }: ImportFile): readonly Written[] | ImportProblem {
  const words = wordsOf(text);
  if (words.length > MOST_WORDS) return { file, line: 1, problem: `it has more than ${MOST_WORDS} words` };
  const reader = new Reader(words, file);
  const all = reader.statements(0);
  if (reader.problem) return { file, ...reader.problem };
  const top = all.some(({ block }) => block) ? all : asOneSite(all);
  const snippets = new Map(
    top.flatMap((one) => {
      const name = /^\((.+)\)$/.exec(one.words[0] ?? '')?.[1];
      return name === undefined ? [] : [[name, one.block ?? []] as const];
    }),
  );
  const sites = top.filter(({ words: [first = ''] }) => !/^\(.+\)$/.test(first));
  const budget = { left: MOST_WORDS };
  let deep: Written | undefined;
  const put = (list: readonly Written[], depth: number): Written[] =>
    list.flatMap((one) => {
      budget.left -= 1;
      const [word, snippet = '', ...args] = one.words;
      const known = word === 'import' && !one.block ? withArguments(snippets.get(snippet), args) : undefined;
      if (depth > DEEPEST) deep ??= one;
      if (budget.left < 0 || deep) return [];
      if (known) return put(known, depth + 1);
      return [{ ...one, ...(one.block && { block: put(one.block, depth + 1) }) }];
    });
  const whole = put(sites, 0);
  if (deep) return { file, line: deep.line, problem: 'its blocks and imports are too deep' };
  return budget.left < 0 ? { file, line: 1, problem: 'its imports come to too much' } : whole;
}

const ARGUMENT = /\{args(?:\[(\d+)\]|\.(\d+))\}/g;

/**
 * Returns a snippet with the arguments of its import put in; `undefined` where it asks for more than single arguments
 * that are there.
 */
function withArguments(
  snippet: readonly Written[] | undefined,
  args: readonly string[],
): readonly Written[] | undefined {
  let isWhole = true;
  const filled = (text: string) => {
    const found = text.replace(ARGUMENT, (_, number?: string, old?: string) => {
      const value = args[Number(number ?? old)];
      if (value === undefined) isWhole = false;
      return value ?? '';
    });
    if (/\{(?:args|blocks?)\b/.test(found)) isWhole = false;
    return found;
  };
  const put = (list: readonly Written[]): Written[] =>
    list.map((one) => ({ ...one, words: one.words.map(filled), ...(one.block && { block: put(one.block) }) }));
  const found = snippet && put(snippet);
  return isWhole ? found : undefined;
}

/** A file without braces is one site: its first line is the address. */
function asOneSite([first, ...rest]: readonly Written[]): Written[] {
  return first ? [{ ...first, block: rest }] : [];
}

class Reader {
  problem: { readonly line: number; readonly problem: string } | undefined;
  readonly #words: readonly Word[];
  readonly #file: string;
  #at = 0;

  constructor(words: readonly Word[], file: string) {
    this.#words = words;
    this.#file = file;
  }

  /** Lines up to the brace that ends the block, or to the end of the file at depth 0. */
  statements(depth: number): Written[] {
    const found: Written[] = [];
    for (;;) {
      const first = this.#words[this.#at];
      if (!first || this.problem) {
        if (!first && depth > 0)
          this.problem ??= { line: this.#words.at(-1)?.line ?? 1, problem: 'a block has no end' };
        return found;
      }
      if (isBrace(first, '}')) {
        this.#at += 1;
        if (depth > 0) return found;
        this.problem = { line: first.line, problem: 'a brace ends no block' };
        return found;
      }
      found.push(this.#statement(first, depth));
    }
  }

  #statement(first: Word, depth: number): Written {
    const words: string[] = [];
    let line = first.line;
    for (let word: Word | undefined = first; word; word = this.#words[this.#at]) {
      if (isBrace(word, '{')) {
        this.#at += 1;
        if (depth > DEEPEST) this.problem ??= { line: word.line, problem: 'its blocks are too deep' };
        return { words, file: this.#file, line: first.line, block: this.statements(depth + 1) };
      }
      // A comma at the end of a line continues the addresses of a site.
      if (isBrace(word, '}') || (word.line !== line && !(depth === 0 && words.at(-1)?.endsWith(',')))) break;
      line = word.line;
      words.push(word.text);
      this.#at += 1;
    }
    return { words, file: this.#file, line: first.line };
  }
}

function isBrace({ text, quoted }: Word, brace: string): boolean {
  return !quoted && text === brace;
}

const WORD = /#[^\n]*|"((?:[^"\\]|\\[\s\S])*)"?|`([^`]*)`?|\\\n|\n|[^\S\n]+|[^\s]+/gy;

/**
 * Returns words as Caddy's lexer reads them. A comment begins only where a word could begin, and text in backticks has
 * no escapes.
 */
function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  let line = 1;
  for (const [whole, quoted, raw] of text.matchAll(WORD)) {
    if (!/^(?:#|\s|\\\n)/.test(whole))
      words.push({
        text: quoted?.replace(/\\"/g, '"') ?? raw ?? whole,
        line,
        quoted: quoted !== undefined || raw !== undefined,
      });
    line += whole.split('\n').length - 1;
  }
  return words;
}
