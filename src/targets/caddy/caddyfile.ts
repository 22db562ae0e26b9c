import { CannotTell } from '../../prove/explore.ts';

export interface Word {
  readonly text: string;
  readonly quoted: boolean;
}

/** One line of a Caddyfile, with the lines between its braces. */
export interface Line {
  readonly words: readonly Word[];
  readonly block: readonly Line[] | undefined;
  /** File and number of the line. */
  readonly place: string;
}

export interface CaddyFile {
  readonly path: string;
  readonly text: string;
}

export const nameOf = ({ words }: Line): string => words[0]?.text ?? '';
export const argsOf = ({ words }: Line): readonly string[] => words.slice(1).map(({ text }) => text);

/** Keys and tokens: what "secrets render" writes. */
export const SECRETS = 'secrets/keys*';

const known = new WeakMap<readonly CaddyFile[], readonly Line[]>();

/** The lines of `Caddyfile` with everything that it imports, read once for all proxies; secrets stay an import. */
export function readCaddyfile(files: readonly CaddyFile[]): readonly Line[] {
  const lines = known.get(files) ?? readAnew(files);
  known.set(files, lines);
  return lines;
}

function readAnew(files: readonly CaddyFile[]): readonly Line[] {
  const texts = new Map(files.map(({ path, text }) => [path.replace(/^.*\//, ''), text]));
  const read = (name: string): readonly Line[] => {
    const text = texts.get(name);
    if (text === undefined) throw new CannotTell(`${name} is not there`);
    return parse(text, name);
  };
  const snippets = new Map<string, readonly Line[]>();
  const main = read('Caddyfile').filter((line) => {
    const [, name] = /^\((.+)\)$/.exec(nameOf(line)) ?? [];
    if (name === undefined) return true;
    if (snippets.has(name) || !line.block || line.words.length > 1)
      throw new CannotTell(`${line.place}: a snippet that is there twice, or is none`);
    snippets.set(name, line.block);
    return false;
  });
  const importer = new Importer(snippets, read);
  return importer.expand(main, 0);
}

class Importer {
  private readonly snippets: ReadonlyMap<string, readonly Line[]>;
  private readonly read: (name: string) => readonly Line[];

  constructor(snippets: ReadonlyMap<string, readonly Line[]>, read: (name: string) => readonly Line[]) {
    this.snippets = snippets;
    this.read = read;
  }

  expand(lines: readonly Line[], depth: number): readonly Line[] {
    if (depth > 20) throw new CannotTell('imports in a circle');
    return lines.flatMap((line) => {
      const [name = '', ...args] = argsOf(line);
      const isImport = nameOf(line) === 'import' && line.words[0]?.quoted === false;
      if (!isImport || name === SECRETS)
        return [line.block ? { ...line, block: this.expand(line.block, depth) } : line];
      if (line.block) throw new CannotTell(`${line.place}: an import with a block`);
      const own = this.snippets.get(name) ?? this.read(name);
      return this.expand(withArguments(own, args, line.place), depth + 1);
    });
  }
}

function withArguments(lines: readonly Line[], args: readonly string[], place: string): readonly Line[] {
  return lines.map((line) => ({
    ...line,
    words: line.words.map(({ text, quoted }) => ({ quoted, text: filledIn(text, args, place) })),
    block: line.block && withArguments(line.block, args, place),
  }));
}

function filledIn(text: string, args: readonly string[], place: string): string {
  const filled = text.replace(/\{args\[(\d+)\]\}/g, (_, index: string) => {
    const arg = args[Number(index)];
    if (arg === undefined) throw new CannotTell(`${place}: an import without its argument ${index}`);
    return arg;
  });
  if (filled.includes('{args') || filled.includes('{block'))
    throw new CannotTell(`${place}: an import that is not known`);
  return filled;
}

/** The lines of one file as they are written. */
export function parse(text: string, file: string): readonly Line[] {
  if (text.includes('{$')) throw new CannotTell(`${file} is filled in from the environment`);
  const lines: Line[] = [];
  const open: { words: readonly Word[]; place: string; block: Line[] }[] = [];
  for (const [words, number] of wordsByLine(text, file)) {
    const place = `${file}:${number}`;
    const into = open.at(-1)?.block ?? lines;
    const last = words.at(-1);
    if (
      words.some(
        ({ text: word }, index) => (word === '{' && index < words.length - 1) || (word === '}' && words.length > 1),
      )
    )
      throw new CannotTell(`${place}: a brace in the middle of a line`);
    if (last?.text === '{') open.push({ words: words.slice(0, -1), place, block: [] });
    else if (last?.text === '}') {
      const done = open.pop();
      if (!done) throw new CannotTell(`${place}: a "}" too many`);
      (open.at(-1)?.block ?? lines).push(done);
    } else into.push({ words, place, block: undefined });
  }
  if (open.length > 0) throw new CannotTell(`${file}: a "}" is missing`);
  return lines;
}

/**
 * A word of a Caddyfile: a backquoted one is raw, in quotes `\"` is the one escape. Caddy takes `\x85` for a blank, and
 * joins what stands before and behind a `\r`.
 */
const WORD = /[ \t]*(?:"((?:[^"\\\n]|\\[^\n])*)"|`([^`\n]*)`|([^\s\x85"`\\#<][^\s\x85\\]*))(?=\s|$)/y;

function wordsByLine(text: string, file: string): (readonly [readonly Word[], number])[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const words: Word[] = [];
    WORD.lastIndex = 0;
    for (let at = 0; ; at = WORD.lastIndex) {
      if (/^[ \t]*(?:#|$)/.test(line.slice(at))) break;
      WORD.lastIndex = at;
      const match = WORD.exec(line);
      if (!match) throw new CannotTell(`${file}:${index + 1} has a word that is not known`);
      const [, inQuotes, raw, bare] = match;
      const word = inQuotes?.replaceAll('\\"', '"') ?? raw ?? bare ?? '';
      words.push({ text: word, quoted: bare === undefined });
    }
    return words.length > 0 ? [[words, index + 1] as const] : [];
  });
}
