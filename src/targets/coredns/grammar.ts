import { type Word, wordsOf } from './lexer.ts';

export interface Directive {
  readonly name: Word;
  /** Words after the name, braces included. */
  readonly words: readonly Word[];
}

export interface ServerBlock {
  readonly keys: readonly Word[];
  /** The "{", which a file of one server block may leave out. */
  readonly open: Word | undefined;
  readonly close: Word | undefined;
  readonly directives: readonly Directive[];
}

export interface Corefile {
  readonly blocks: readonly ServerBlock[];
  /** Directives by the snippet's name. */
  readonly snippets: ReadonlyMap<string, readonly Directive[]>;
  /** Patterns of each `import` outside of blocks. */
  readonly imports: readonly Word[];
}

export interface SyntaxProblem {
  readonly problem: string;
  readonly at: Word;
}

interface Reader {
  readonly words: readonly Word[];
  next: number;
}

/** Parses a Corefile by the rules of CoreDNS's parser. Imports are kept, not followed. */
export function parseCorefile(text: string): Corefile | SyntaxProblem {
  const reader: Reader = { words: wordsOf(text), next: 0 };
  const blocks: ServerBlock[] = [];
  const snippets = new Map<string, readonly Directive[]>();
  const imports: Word[] = [];
  while (reader.next < reader.words.length) {
    const keys = readKeys(reader, imports);
    if ('problem' in keys) return keys;
    const block = readBlock(reader, keys);
    if (block === undefined) continue;
    if ('problem' in block) return block;
    const [key] = keys;
    const snippet = /^\((.+)\)$/.exec(keys.length === 1 ? (key?.text ?? '') : '')?.[1];
    if (snippet === undefined || key === undefined) blocks.push(block);
    else if (block.open === undefined) return { problem: 'is a snippet without braces', at: key };
    else if (snippets.has(snippet)) return { problem: 'is a second snippet of this name', at: key };
    else snippets.set(snippet, block.directives);
  }
  return { blocks, snippets, imports };
}

function startsLine({ words, next }: Reader): boolean {
  const before = words[next - 1];
  const word = words[next];
  return before === undefined || word === undefined || lastLine(before) < word.line;
}

/** Returns the last line of a word: a quoted one may have several. */
export function lastLine(word: Word): number {
  return word.line + word.text.split('\n').length - 1;
}

/** Reads the names before a block: those on one line, and on the next where a comma ends the line. */
function readKeys(reader: Reader, imports: Word[]): Word[] | SyntaxProblem {
  const keys: Word[] = [];
  let comma: Word | undefined;
  for (let word = reader.words[reader.next]; word !== undefined; word = reader.words[reader.next]) {
    if (word.text === 'import' && startsLine(reader) && comma === undefined) {
      if (keys.length > 0) break;
      imports.push(reader.words[reader.next + 1] ?? word);
      reader.next += 2;
      continue;
    }
    if (word.text === '}') return { problem: 'closes a block that is not open', at: word };
    if (word.text === '{')
      return comma === undefined ? keys : { problem: 'promises another name by its comma', at: comma };
    if (keys.length > 0 && comma === undefined && startsLine(reader)) break;
    if (word.text !== '') {
      comma = word.text.endsWith(',') ? word : undefined;
      keys.push(word);
    }
    reader.next += 1;
  }
  return comma === undefined ? keys : { problem: 'promises another name by its comma', at: comma };
}

function readBlock(reader: Reader, keys: readonly Word[]): ServerBlock | SyntaxProblem | undefined {
  const open = reader.words[reader.next]?.text === '{' ? reader.words[reader.next] : undefined;
  if (keys.length === 0) return open === undefined ? undefined : { problem: 'opens a block without a name', at: open };
  if (open !== undefined) reader.next += 1;
  const directives: Directive[] = [];
  for (let word = reader.words[reader.next]; word !== undefined; word = reader.words[reader.next]) {
    if (word.text === '}') {
      if (open === undefined) return { problem: 'closes a block that is not open', at: word };
      reader.next += 1;
      return { keys, open, close: word, directives };
    }
    if (word.text === '{') return { problem: 'opens a block without a name', at: word };
    const directive = readDirective(reader, word);
    if ('problem' in directive) return directive;
    // Braces after an import would belong to the last directive of what it brings in.
    if (word.text === 'import' && directive.words.length !== 1)
      return { problem: 'takes one pattern and nothing else', at: word };
    directives.push(directive);
  }
  return open === undefined
    ? { keys, open, close: undefined, directives }
    : { problem: 'opens a block that is never closed', at: open };
}

/** A directive ends with its line, or with the braces that it opens. */
function readDirective(reader: Reader, name: Word): Directive | SyntaxProblem {
  const words: Word[] = [];
  const open: Word[] = [];
  for (reader.next += 1; reader.next < reader.words.length; reader.next += 1) {
    const word = reader.words[reader.next];
    if (word === undefined) break;
    if (word.text === '{') open.push(word);
    else if (open.length === 0 && startsLine(reader)) break;
    else if (word.text === '}' && open.pop() === undefined) {
      return { problem: 'closes a block on the line of a directive', at: word };
    }
    words.push(word);
  }
  const unclosed = open.at(-1);
  return unclosed === undefined ? { name, words } : { problem: 'opens a block that is never closed', at: unclosed };
}

/** A directive of a block or of its snippets, with the line of the block where it takes effect. */
export interface Effective {
  readonly directive: Directive;
  readonly line: number;
}

/** Returns the directives of a block, with snippets in the place of their imports. Imports of files stay. */
export function effectiveDirectives(block: ServerBlock, { snippets }: Corefile): Effective[] {
  const expand = (directive: Directive, line: number, seen: readonly string[]): Effective[] => {
    const pattern = directive.words[0]?.text ?? '';
    const snippet = directive.name.text === 'import' && !seen.includes(pattern) ? snippets.get(pattern) : undefined;
    if (!snippet) return [{ directive, line }];
    return snippet.flatMap((inner) => expand(inner, line, [...seen, pattern]));
  };
  return block.directives.flatMap((directive) => expand(directive, directive.name.line, []));
}
