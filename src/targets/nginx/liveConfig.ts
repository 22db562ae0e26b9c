/** A directive of nginx; `block` where braces follow its arguments. */
export interface NginxDirective {
  readonly name: string;
  readonly args: readonly string[];
  readonly block?: readonly NginxDirective[];
  /** Line of its first word, from 1. */
  readonly line: number;
  /** Set where several files were read as one. */
  readonly file?: string;
}

export interface NginxProblem {
  readonly problem: string;
}

// As nginx's own lexer: quotes count at the start of a word only, `${` does not open a block, and only four signs are
// blanks.
const TOKEN =
  /[ \t\r\n]+|#[^\n]*|"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|([{};])|((?:\$\{|\\[\s\S]|[^ \t\r\n;{}\\"'])(?:\$\{|\\[\s\S]|[^ \t\r\n;{\\])*)/gy;

interface Token {
  readonly text: string;
  readonly sign: boolean;
  readonly start: number;
}

function tokensOf(text: string): { readonly tokens: readonly Token[]; readonly end: number } {
  const tokens: Token[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const start = match.index;
    end = start + match[0].length;
    const [, double, single, sign, plain] = match;
    if (sign !== undefined) tokens.push({ text: sign, sign: true, start });
    const word = double ?? single ?? plain;
    if (word !== undefined) tokens.push({ text: unescaped(word), sign: false, start });
  }
  return { tokens, end };
}

/** Only these escapes mean something to nginx; of all others, as of `\{`, the backslash stays. */
function unescaped(text: string): string {
  return text.replace(/\\(["'\\trn])/g, (_, letter: string) => ESCAPED[letter] ?? letter);
}

const ESCAPED: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n' };

/**
 * Reads configuration as far as comparing needs it: comments, blanks and the kind of quotes are gone afterwards.
 * A problem names a line and never quotes it, because it may hold a key.
 */
export function parseNginx(text: string): readonly NginxDirective[] | NginxProblem {
  const { tokens, end } = tokensOf(text);
  const at = (offset: number, problem: string): NginxProblem => ({
    problem: `line ${text.slice(0, offset).split('\n').length} ${problem}`,
  });
  if (end < text.length) return at(end, 'breaks off inside of a word');
  const stack: NginxDirective[][] = [[]];
  const heads: { readonly words: readonly string[]; readonly line: number }[] = [];
  let words: string[] = [];
  let [line, counted, first] = [1, 0, 1];
  for (const { text: word, sign, start } of tokens) {
    for (let found = text.indexOf('\n', counted); found >= 0 && found < start; found = text.indexOf('\n', counted)) {
      line += 1;
      counted = found + 1;
    }
    if (words.length === 0) first = line;
    if (!sign) words.push(word);
    else if (word === ';') {
      const [name, ...args] = words;
      if (name === undefined) return at(start, 'ends a directive that is not there');
      stack.at(-1)?.push({ name, args, line: first });
      words = [];
    } else if (word === '{') {
      heads.push({ words, line: first });
      stack.push([]);
      words = [];
    } else {
      const head = heads.pop();
      const [name = '', ...args] = head?.words ?? [];
      const block = stack.pop() ?? [];
      if (stack.length === 0) return at(start, 'closes a block that is not open');
      if (words.length > 0) return at(start, 'ends a block after a directive without ";"');
      stack.at(-1)?.push({ name, args, block, line: head?.line ?? first });
    }
  }
  if (heads.length > 0) return at(end, 'is the last, inside of a block that is never closed');
  return words.length > 0 ? at(end, 'is the last, in the middle of a directive') : (stack[0] ?? []);
}

export interface Difference {
  readonly kind: 'missing' | 'changed' | 'added' | 'reordered';
  readonly wanted?: NginxDirective | undefined;
  readonly found?: NginxDirective | undefined;
  /** The blocks around it, outermost first. */
  readonly inside: readonly NginxDirective[];
}

/** Directives that nginx tries or runs in the order of the file. The order of all others has no effect. */
const ORDERED = new Set(['allow', 'break', 'deny', 'if', 'include', 'return', 'rewrite', 'server', 'set']);

function isOrdered({ name, args }: NginxDirective, parent: string | undefined): boolean {
  if (name === 'server' && parent === 'upstream') return false;
  // Regular expressions of locations and maps are tried from the top.
  return (
    ORDERED.has(name) ||
    (name === 'location' && /^~\*?$/.test(args[0] ?? '')) ||
    (parent === 'map' && name.startsWith('~'))
  );
}

const texts = new WeakMap<NginxDirective, string>();

/** Returns a text that is equal for directives with the same meaning. */
function textOf(directive: NginxDirective): string {
  const known = texts.get(directive);
  if (known !== undefined) return known;
  const { name, args, block } = directive;
  const ordered = block?.filter((one) => isOrdered(one, name)).map(textOf);
  const others = block
    ?.filter((one) => !isOrdered(one, name))
    .map(textOf)
    .sort();
  const text = JSON.stringify([name, args, ordered, others]);
  texts.set(directive, text);
  return text;
}

/** Returns what is missing, changed, added or at another place in a live block of directives. */
export function compareDirectives(
  wanted: readonly NginxDirective[],
  found: readonly NginxDirective[],
  inside: readonly NginxDirective[] = [],
): Difference[] {
  const rest = new Map<string, NginxDirective[]>();
  for (const one of found) {
    const same = rest.get(textOf(one));
    if (same) same.push(one);
    else rest.set(textOf(one), [one]);
  }
  const missing = wanted.filter((one) => rest.get(textOf(one))?.shift() === undefined);
  const left = new Set([...rest.values()].flat());
  const partners = partnersIn(found.filter((one) => left.has(one)));
  const differences = missing.flatMap((one): Difference[] => {
    const partner = partners.take(one);
    if (!partner) return [{ kind: 'missing', wanted: one, inside }];
    left.delete(partner);
    if (one.block && partner.block && one.args.join(' ') === partner.args.join(' ')) {
      return compareDirectives(one.block, partner.block, [...inside, one]);
    }
    return [{ kind: 'changed', wanted: one, found: partner, inside }];
  });
  const extra = found.filter((one) => left.has(one));
  const added = extra.map((one): Difference => ({ kind: 'added', found: one, inside }));
  return [...differences, ...added, ...moved(wanted, found, inside)];
}

/**
 * Returns a function that finds what a missing directive has most likely become: the same directive with the same first
 * argument, or else the same directive with as many arguments.
 */
function partnersIn(extra: readonly NginxDirective[]) {
  const left = new Set(extra);
  const about = new Map<string, NginxDirective[]>();
  const alike = new Map<string, NginxDirective[]>();
  const enter = (map: Map<string, NginxDirective[]>, key: string, one: NginxDirective) => {
    const list = map.get(key);
    if (list) list.push(one);
    else map.set(key, [one]);
  };
  const subject = ({ name, args, block }: NginxDirective) => JSON.stringify([name, args[0], block === undefined]);
  const shape = ({ name, args, block }: NginxDirective) => JSON.stringify([name, args.length, block === undefined]);
  // Backwards, so that the first of several is the last of its list.
  for (const one of extra.toReversed()) {
    enter(about, subject(one), one);
    enter(alike, shape(one), one);
  }
  const pop = (list: NginxDirective[] = []): NginxDirective | undefined => {
    for (let one = list.pop(); one; one = list.pop()) if (left.delete(one)) return one;
    return undefined;
  };
  return { take: (one: NginxDirective) => pop(about.get(subject(one))) ?? pop(alike.get(shape(one))) };
}

/** Returns the first directive, among those that both have and whose order matters, that is at another place. */
function moved(
  wanted: readonly NginxDirective[],
  found: readonly NginxDirective[],
  inside: readonly NginxDirective[],
): Difference[] {
  const parent = inside.at(-1)?.name;
  const ordered = (list: readonly NginxDirective[], other: readonly NginxDirective[]) => {
    const known = new Set(other.map(textOf));
    return list.filter((one) => isOrdered(one, parent) && known.has(textOf(one)));
  };
  const [left, right] = [ordered(wanted, found), ordered(found, wanted)];
  if (left.length !== right.length) return [];
  const index = left.findIndex((one, place) => textOf(one) !== textOf(right[place] ?? one));
  const first = left[index];
  return first ? [{ kind: 'reordered', wanted: first, inside }] : [];
}
