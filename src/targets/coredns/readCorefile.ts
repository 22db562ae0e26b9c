import { CannotTell } from '../../prove/explore.ts';
import { type Word, wordsOf } from './lexer.ts';

/** A line of a server block, with what stands in its braces. */
export interface ReadDirective {
  readonly name: string;
  /** On its line. */
  readonly words: readonly string[];
  /** Lines in braces; the words of one line are one entry. */
  readonly inner: readonly (readonly string[])[];
  /** In its file, from 1. */
  readonly line: number;
  readonly isForeign: boolean;
}

export interface ReadBlock {
  readonly keys: readonly string[];
  readonly directives: readonly ReadDirective[];
  readonly line: number;
  /** Whether these are only some of its lines, and others write the rest. */
  readonly isPart?: boolean;
}

/** A text in the language of CoreDNS, and the line of its file for each of its lines, from 0. */
export interface CorefileText {
  readonly text: string;
  readonly lineOf: (line: number) => number;
  /** Whether a line, from 0, was written by others. */
  readonly isForeign: (line: number) => boolean;
}

/** Reads server blocks as CoreDNS does, with snippets in place of their imports. */
export function readCorefile(source: CorefileText): ReadBlock[] {
  const reader = new Reader(source);
  const all = reader.blocks();
  const snippets = new Map(
    all.flatMap((block) => {
      const [, name] = /^\((.+)\)$/.exec(block.keys[0] ?? '') ?? [];
      return name === undefined ? [] : [[name, block.directives] as const];
    }),
  );
  return all
    .filter(({ keys }) => !/^\(.+\)$/.test(keys[0] ?? ''))
    .map((block) => ({ ...block, directives: block.directives.flatMap((each) => imported(each, snippets, [])) }));
}

/** Reads what may stand inside of a server block. */
export function readDirectives(source: CorefileText): readonly ReadDirective[] {
  const reader = new Reader(source);
  const found = reader.directives();
  if (!reader.isOver()) throw new CannotTell('a brace is closed that is not open');
  return found.flatMap((each) => imported(each, new Map(), []));
}

function imported(
  directive: ReadDirective,
  snippets: ReadonlyMap<string, readonly ReadDirective[]>,
  seen: readonly string[],
): readonly ReadDirective[] {
  if (directive.name !== 'import') return [directive];
  const [pattern = ''] = directive.words;
  const snippet = snippets.get(pattern);
  if (!snippet || seen.includes(pattern) || directive.words.length !== 1)
    throw new CannotTell(`line ${directive.line} imports ${pattern}, which is not seen`);
  return snippet.flatMap((each) => imported(each, snippets, [...seen, pattern]));
}

class Reader {
  private readonly words: readonly Word[];
  private readonly source: CorefileText;
  private at = 0;

  constructor(source: CorefileText) {
    this.words = wordsOf(source.text);
    this.source = source;
    const odd = this.words.find((word) => /\{[$%]/.test(word.text));
    if (odd) throw new CannotTell(`line ${this.place(odd)} depends on the environment of CoreDNS`);
  }

  isOver(): boolean {
    return this.at >= this.words.length;
  }

  blocks(): ReadBlock[] {
    const found: ReadBlock[] = [];
    while (!this.isOver()) found.push(this.block());
    return found;
  }

  private block(): ReadBlock {
    const [first] = this.words.slice(this.at);
    if (first?.text === 'import') throw new CannotTell(`line ${this.place(first)} imports what is not seen`);
    const keys: Word[] = [];
    for (let word = this.words[this.at]; word && word.text !== '{'; word = this.words[this.at]) {
      const before = keys.at(-1);
      if (word.text === '}') throw new CannotTell(`line ${this.place(word)} closes a brace that is not open`);
      if (before && word.line !== before.line && !before.text.endsWith(','))
        throw new CannotTell(`line ${this.place(before)} starts a block without a brace`);
      keys.push(word);
      this.at++;
    }
    const open = this.words[this.at++];
    if (!open || !first || keys.length === 0) throw new CannotTell('a block has no name or no brace');
    const directives = this.directives();
    if (this.isOver()) throw new CannotTell(`line ${this.place(open)} opens a brace that is never closed`);
    this.at++;
    return {
      keys: keys.flatMap(({ text }) => text.replace(/,$/, '') || []),
      directives,
      line: this.place(first),
    };
  }

  /** Reads directives up to a closing brace, or the end. */
  directives(): ReadDirective[] {
    const found: ReadDirective[] = [];
    for (let word = this.words[this.at]; word && word.text !== '}'; word = this.words[this.at]) {
      if (word.text === '{') throw new CannotTell(`line ${this.place(word)} opens a brace without a name`);
      found.push(this.directive(word));
    }
    return found;
  }

  private directive(name: Word): ReadDirective {
    this.at++;
    const words = this.lineAfter(name);
    const inner: (readonly string[])[] = [];
    const open = this.words[this.at];
    if (open?.text === '{') {
      this.at++;
      for (let word = this.words[this.at]; word?.text !== '}'; word = this.words[this.at]) {
        if (!word) throw new CannotTell(`line ${this.place(open)} opens a brace that is never closed`);
        if (word.text === '{') throw new CannotTell(`line ${this.place(word)} has braces in braces`);
        this.at++;
        inner.push([word.text, ...this.lineAfter(word)]);
      }
      this.at++;
      const next = this.words[this.at];
      const last = this.words[this.at - 1];
      if (next && last && next.line === last.line)
        throw new CannotTell(`line ${this.place(next)} goes on behind a brace`);
    }
    return { name: name.text, words, inner, line: this.place(name), isForeign: this.source.isForeign(name.line) };
  }

  /** Returns the further words of a line, up to a brace. */
  private lineAfter(first: Word): string[] {
    const found: string[] = [];
    let line = endOf(first);
    for (let word = this.words[this.at]; word && word.line === line; word = this.words[this.at]) {
      if (word.text === '{' || word.text === '}') break;
      found.push(word.text);
      line = endOf(word);
      this.at++;
    }
    return found;
  }

  private place({ line }: Word): number {
    return this.source.lineOf(line);
  }
}

/** Returns the last line of a word: a quoted one may have several. */
function endOf({ line, text }: Word): number {
  return line + text.split('\n').length - 1;
}
