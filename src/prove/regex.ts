/** A set of bytes: 1 where the byte is in it. */
export type ByteSet = Uint8Array;

/** A regular expression, as far as files of engines use them. Anything else in one is a problem. */
export type Regex =
  | { readonly kind: 'bytes'; readonly bytes: ByteSet }
  | { readonly kind: 'sequence'; readonly items: readonly Regex[] }
  | { readonly kind: 'either'; readonly items: readonly Regex[] }
  | {
      readonly kind: 'repeat';
      readonly item: Regex;
      readonly least: number;
      readonly most: number;
      /** Which number of repetitions is tried first. A possessive one never tries another number. */
      readonly mode: 'greedy' | 'lazy' | 'possessive';
    }
  | { readonly kind: 'look'; readonly item: Regex; readonly negative: boolean }
  | { readonly kind: 'group'; readonly name: string | undefined; readonly item: Regex }
  | { readonly kind: 'begin' }
  | { readonly kind: 'end' };

/**
 * The dialect of an engine: in PCRE `$` also matches before a line feed at the end, in RE2 and JavaScript only at the
 * end.
 */
export type Dialect = 'pcre' | 're2' | 'ours';

export interface RegexProblem {
  readonly problem: string;
}

const MOST_REPEATS = 1_000;
const LINE_FEED = 10;

export function bytesOf(has: (byte: number) => boolean): ByteSet {
  return Uint8Array.from({ length: 256 }, (_, byte) => (has(byte) ? 1 : 0));
}

/** Parses a source whose characters are bytes. */
export function parseRegex(source: string, dialect: Dialect, ignoreCase = false): Regex | RegexProblem {
  try {
    const reader = new Reader(source, dialect);
    const regex = reader.either(ignoreCase);
    if (!reader.isOver()) return { problem: 'has a ")" too many' };
    return regex;
  } catch (error) {
    if (error instanceof Unknown) return { problem: error.message };
    throw error;
  }
}

/** Thrown where the reader meets something that it does not know. */
class Unknown extends Error {}

/** In RE2, ignoring case also means U+212A for "k" and U+017F for "s", here in UTF-8. */
const WIDE_TWINS: Readonly<Record<string, readonly number[]>> = { k: [0xe2, 0x84, 0xaa], s: [0xc5, 0xbf] };

const CONTROL: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, f: 12, v: 11 };

class Reader {
  private at = 0;
  private readonly source: string;
  private readonly dialect: Dialect;

  constructor(source: string, dialect: Dialect) {
    this.source = source;
    this.dialect = dialect;
  }

  isOver(): boolean {
    return this.at >= this.source.length;
  }

  either(ignoreCase: boolean): Regex {
    let folded = ignoreCase;
    const items: Regex[] = [];
    let sequence: Regex[] = [];
    while (!this.isOver() && this.peek() !== ')') {
      if (this.take('|')) {
        items.push({ kind: 'sequence', items: sequence });
        sequence = [];
      } else if (this.take('(?i)')) folded = true;
      else if (this.take('\\Q')) sequence.push(...this.quoted(folded));
      else sequence.push(this.repeated(folded));
    }
    const last: Regex = { kind: 'sequence', items: sequence };
    return items.length === 0 ? last : { kind: 'either', items: [...items, last] };
  }

  private peek(): string {
    return this.source[this.at] ?? '';
  }

  private take(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  private next(): string {
    if (this.isOver()) throw new Unknown('breaks off');
    const character = this.peek();
    this.at++;
    return character;
  }

  private quoted(folded: boolean): Regex[] {
    const end = this.source.indexOf('\\E', this.at);
    if (end < 0) throw new Unknown('has \\Q without \\E');
    const text = this.source.slice(this.at, end);
    this.at = end + 2;
    return [...text].map((character) => this.literal(character, folded));
  }

  private literal(character: string, folded: boolean): Regex {
    const code = character.charCodeAt(0);
    if (code > 255) throw new Unknown('holds a character of more than one byte');
    const bytes = foldedSet(
      bytesOf((byte) => byte === code),
      folded,
    );
    return this.withTwins(bytes, folded);
  }

  /** One of these characters, or of those beyond ASCII that RE2 takes for the same letters. */
  private withTwins(bytes: ByteSet, folded: boolean): Regex {
    const own: Regex = { kind: 'bytes', bytes };
    const twins = Object.entries(WIDE_TWINS).filter(([letter]) => bytes[letter.charCodeAt(0)] === 1);
    if (!folded || this.dialect !== 're2' || twins.length === 0) return own;
    const wide = twins.map(([, twin]): Regex => {
      const items = twin.map((part): Regex => ({ kind: 'bytes', bytes: bytesOf((byte) => byte === part) }));
      return { kind: 'sequence', items };
    });
    return { kind: 'either', items: [own, ...wide] };
  }

  private repeated(folded: boolean): Regex {
    const item = this.atom(folded);
    const bounds = this.bounds();
    if (!bounds) return item;
    const [least, most] = bounds;
    if (least > MOST_REPEATS || (most !== Number.POSITIVE_INFINITY && most > MOST_REPEATS) || most < least)
      throw new Unknown('repeats too often');
    // RE2 counts characters, of which some are several bytes.
    const counts = least > 1 || (most !== Number.POSITIVE_INFINITY && most > 1);
    if (this.dialect === 're2' && counts && item.kind === 'bytes' && item.bytes.indexOf(1, 128) >= 0)
      throw new Unknown('counts characters beyond ASCII');
    const mode = this.take('?') ? 'lazy' : this.dialect === 'pcre' && this.take('+') ? 'possessive' : 'greedy';
    if (/^[*+?]|^\{[0-9]+(?:,[0-9]*)?\}/.test(this.source.slice(this.at, this.at + 12)))
      throw new Unknown('repeats a repetition');
    return { kind: 'repeat', item, least, most, mode };
  }

  private bounds(): readonly [number, number] | undefined {
    if (this.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.take('?')) return [0, 1];
    const [whole, least, comma, most] =
      /^\{([0-9]+)(,?)([0-9]*)\}/.exec(this.source.slice(this.at, this.at + 16)) ?? [];
    if (whole === undefined) return undefined;
    this.at += whole.length;
    if (comma === '') return [Number(least), Number(least)];
    return [Number(least), most === '' ? Number.POSITIVE_INFINITY : Number(most)];
  }

  private atom(folded: boolean): Regex {
    const character = this.next();
    switch (character) {
      case '(':
        return this.group(folded);
      case '[':
        // No byte at all: an expression that matches nothing.
        if (this.take('^\\s\\S]')) return { kind: 'bytes', bytes: bytesOf(() => false) };
        return this.set(folded);
      case '.':
        return { kind: 'bytes', bytes: bytesOf((byte) => byte !== LINE_FEED) };
      case '^':
        return { kind: 'begin' };
      case '$':
        return this.dialect === 'pcre' ? beforeLastLineFeed() : { kind: 'end' };
      case '\\':
        return this.escape(folded);
      case '*':
      case '+':
      case '?':
        throw new Unknown('repeats nothing');
      default:
        return this.literal(character, folded);
    }
  }

  private escape(folded: boolean): Regex {
    const character = this.next();
    if (character === 'z') return { kind: 'end' };
    const control = CONTROL[character];
    if (control !== undefined) return this.literal(String.fromCharCode(control), folded);
    if (character === 'x') return this.literal(String.fromCharCode(this.hexadecimal()), folded);
    if (/[A-Za-z0-9]/.test(character)) throw new Unknown(`has \\${character}`);
    return this.literal(character, folded);
  }

  private group(folded: boolean): Regex {
    const look = (negative: boolean): Regex => ({ kind: 'look', negative, item: this.inside(folded) });
    if (this.take('?:')) return this.inside(folded);
    if (this.take('?i:')) return this.inside(true);
    if (this.take('?=')) return look(false);
    if (this.take('?!')) return look(true);
    if (this.take('?<') || this.take('?P<')) {
      const [name] = /^[A-Za-z_][A-Za-z0-9_]*(?=>)/.exec(this.source.slice(this.at)) ?? [];
      if (name === undefined) throw new Unknown('looks behind');
      this.at += name.length + 1;
      return { kind: 'group', name, item: this.inside(folded) };
    }
    if (this.peek() === '?' || this.peek() === '*') throw new Unknown('has a group of a kind that is not known here');
    return { kind: 'group', name: undefined, item: this.inside(folded) };
  }

  private inside(folded: boolean): Regex {
    const regex = this.either(folded);
    if (!this.take(')')) throw new Unknown('has a "(" too many');
    return regex;
  }

  private hexadecimal(): number {
    const [digits] = /^[0-9A-Fa-f]{2}/.exec(this.source.slice(this.at, this.at + 2)) ?? [];
    if (digits === undefined) throw new Unknown('has \\x without two digits');
    this.at += 2;
    const code = Number.parseInt(digits, 16);
    // RE2 takes it for a character, and those beyond ASCII are several bytes.
    if (this.dialect === 're2' && code > 127) throw new Unknown('holds a character of more than one byte');
    return code;
  }

  private set(folded: boolean): Regex {
    const negative = this.take('^');
    const bytes = new Uint8Array(256);
    for (let first = true; first || this.peek() !== ']'; first = false) {
      if (this.peek() === '[' && /^\[[:.=]/.test(this.source.slice(this.at))) throw new Unknown('names a class');
      const from = this.member();
      const isRange = this.peek() === '-' && this.source[this.at + 1] !== ']';
      if (isRange) this.at++;
      const to = isRange ? this.member() : from;
      if (to < from) throw new Unknown('has a range that is upside down');
      bytes.fill(1, from, to + 1);
    }
    this.at++;
    const own = this.withTwins(foldedSet(bytes, folded), folded);
    if (!negative) return own;
    if (own.kind !== 'bytes') throw new Unknown('ignores case in a class of what is excluded');
    return { kind: 'bytes', bytes: own.bytes.map((has) => 1 - has) };
  }

  private member(): number {
    const character = this.next();
    if (character !== '\\') return byteOf(character);
    const escaped = this.next();
    const control = CONTROL[escaped];
    if (control !== undefined) return control;
    if (escaped === 'x') return this.hexadecimal();
    if (/[A-Za-z0-9]/.test(escaped)) throw new Unknown(`has \\${escaped} in a class`);
    return byteOf(escaped);
  }
}

function byteOf(character: string): number {
  const code = character.charCodeAt(0);
  if (code > 255) throw new Unknown('holds a character of more than one byte');
  return code;
}

function foldedSet(bytes: ByteSet, folded: boolean): ByteSet {
  if (!folded) return bytes;
  const twin = (byte: number) => (/[A-Za-z]/.test(String.fromCharCode(byte)) ? byte ^ 32 : byte);
  return bytesOf((byte) => bytes[byte] === 1 || bytes[twin(byte)] === 1);
}

function beforeLastLineFeed(): Regex {
  const lineFeed: Regex = { kind: 'bytes', bytes: bytesOf((byte) => byte === LINE_FEED) };
  const end: Regex = { kind: 'end' };
  const item: Regex = { kind: 'either', items: [end, { kind: 'sequence', items: [lineFeed, end] }] };
  return { kind: 'look', negative: false, item };
}
