/** A set of bytes. */
export type ByteSet = ReadonlySet<number>;

/** A regular expression over bytes, with the features that paths use. */
export type Regex =
  | { readonly kind: 'bytes'; readonly bytes: ByteSet; readonly literal?: string }
  | { readonly kind: 'sequence'; readonly parts: readonly Regex[] }
  | { readonly kind: 'choice'; readonly parts: readonly Regex[] }
  | { readonly kind: 'repeat'; readonly part: Regex; readonly least: number; readonly most: number }
  | { readonly kind: 'group'; readonly part: Regex; readonly number: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };

/** The most copies of a repetition: `a{64}` becomes 64 copies in the automaton. */
const MOST_COPIES = 64;
const MOST_DEPTH = 40;

export const ALL_BYTES: ByteSet = new Set(Array.from({ length: 256 }, (_, byte) => byte));
const DIGITS = range('0', '9');
const WORD = new Set([...DIGITS, ...range('a', 'z'), ...range('A', 'Z'), 0x5f]);
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d]);
const CLASSES: Readonly<Record<string, ByteSet>> = {
  d: new Set(DIGITS),
  D: without(ALL_BYTES, new Set(DIGITS)),
  w: WORD,
  W: without(ALL_BYTES, WORD),
  s: SPACE,
  S: without(ALL_BYTES, SPACE),
};

function range(first: string, last: string): number[] {
  const [low, high] = [first.charCodeAt(0), last.charCodeAt(0)];
  return Array.from({ length: Math.max(0, high - low + 1) }, (_, index) => low + index);
}

export function without(all: ByteSet, some: ByteSet): ByteSet {
  return new Set([...all].filter((byte) => !some.has(byte)));
}

/** Returns an expression for each byte of a text. */
export function literalBytes(text: string): Regex[] {
  return [...Buffer.from(text, 'utf8')].map((byte) => ({
    kind: 'bytes',
    bytes: new Set([byte]),
    literal: String.fromCharCode(byte),
  }));
}

/** Thrown within this file for syntax that it does not know; callers get `undefined`. */
class Unknown extends Error {}

/** Parses the part of PCRE that describes regular languages; `undefined` for the rest, such as lookaround. */
export function parseRegex(source: string, ignoreCase = false): Regex | undefined {
  try {
    const reader = new Reader(Buffer.from(source, 'utf8').toString('latin1'), ignoreCase);
    return reader.whole();
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  }
}

class Reader {
  #at = 0;
  #groups = 0;
  readonly #text: string;
  readonly #ignoreCase: boolean;

  constructor(text: string, ignoreCase: boolean) {
    this.#text = text;
    this.#ignoreCase = ignoreCase;
  }

  whole(): Regex {
    const found = this.#choice(0);
    if (this.#at < this.#text.length) throw new Unknown();
    return found;
  }

  #choice(depth: number): Regex {
    if (depth > MOST_DEPTH) throw new Unknown();
    const parts = [this.#sequence(depth)];
    while (this.#take('|')) parts.push(this.#sequence(depth));
    return parts.length === 1 && parts[0] ? parts[0] : { kind: 'choice', parts };
  }

  #sequence(depth: number): Regex {
    const parts: Regex[] = [];
    while (this.#at < this.#text.length && !/[|)]/.test(this.#text[this.#at] ?? '')) parts.push(this.#repeated(depth));
    return { kind: 'sequence', parts };
  }

  #repeated(depth: number): Regex {
    const part = this.#atom(depth);
    const [, sign, least, comma, most] = this.#match(/([*+?])|\{(\d{1,4})(?:(,)(\d{0,4}))?\}/y) ?? [];
    if (sign === undefined && least === undefined) return part;
    if (part.kind === 'start' || part.kind === 'end') throw new Unknown();
    // A lazy quantifier matches the same texts; a possessive one may not.
    if (this.#take('+')) throw new Unknown();
    this.#take('?');
    if (sign !== undefined)
      return { kind: 'repeat', part, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Number.POSITIVE_INFINITY };
    const low = Number(least);
    const high = comma === undefined ? low : most === '' ? Number.POSITIVE_INFINITY : Number(most);
    if (low > MOST_COPIES || (Number.isFinite(high) && high > MOST_COPIES) || high < low) throw new Unknown();
    return { kind: 'repeat', part, least: low, most: high };
  }

  #atom(depth: number): Regex {
    if (this.#take('(')) return this.#group(depth);
    if (this.#take('[')) return { kind: 'bytes', bytes: this.#class() };
    if (this.#take('^')) return { kind: 'start' };
    if (this.#take('$')) return { kind: 'end' };
    if (this.#take('.')) return { kind: 'bytes', bytes: without(ALL_BYTES, new Set([0x0a])) };
    if (this.#take('\\')) return this.#escape();
    const character = this.#next();
    if (/[*+?{]/.test(character)) throw new Unknown();
    return this.#one(character);
  }

  #group(depth: number): Regex {
    const [prefix] = this.#match(/\?(?::|P?<[A-Za-z_]\w*>|'[A-Za-z_]\w*')/y) ?? [];
    if (prefix === undefined && this.#text[this.#at] === '?') throw new Unknown();
    const number = prefix === '?:' ? 0 : ++this.#groups;
    const part = this.#choice(depth + 1);
    if (!this.#take(')')) throw new Unknown();
    return number === 0 ? part : { kind: 'group', part, number };
  }

  #escape(): Regex {
    const letter = this.#next();
    const known = CLASSES[letter];
    if (known) return { kind: 'bytes', bytes: known };
    if (letter === 'A') return { kind: 'start' };
    if (letter === 'z' || letter === 'Z') return { kind: 'end' };
    return this.#one(this.#escaped(letter));
  }

  #escaped(letter: string): string {
    if (letter === 'x') {
      const [, hex] = this.#match(/([0-9A-Fa-f]{2})/y) ?? [];
      if (hex === undefined) throw new Unknown();
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    if (/[A-Za-z0-9]/.test(letter)) throw new Unknown();
    return letter;
  }

  #class(): ByteSet {
    const isNegated = this.#take('^');
    const bytes = new Set<number>();
    for (let first = true; first || this.#text[this.#at] !== ']'; first = false) {
      const low = this.#classItem();
      if (typeof low !== 'string') for (const byte of low) bytes.add(byte);
      else if (this.#text[this.#at] === '-' && (this.#text[this.#at + 1] ?? ']') !== ']') {
        this.#at += 1;
        const high = this.#classItem();
        if (typeof high !== 'string' || high < low) throw new Unknown();
        for (const byte of range(low, high)) bytes.add(byte);
      } else bytes.add(low.charCodeAt(0));
    }
    this.#at += 1;
    const all = this.#ignoreCase ? new Set([...bytes].flatMap(bothCases)) : bytes;
    return isNegated ? without(ALL_BYTES, all) : all;
  }

  #classItem(): string | ByteSet {
    const character = this.#next();
    if (character === '[' && /[:.=]/.test(this.#text[this.#at] ?? '')) throw new Unknown();
    if (character !== '\\') return character;
    const letter = this.#next();
    return CLASSES[letter] ?? this.#escaped(letter);
  }

  #one(character: string): Regex {
    const byte = character.charCodeAt(0);
    const bytes = new Set(this.#ignoreCase ? bothCases(byte) : [byte]);
    return { kind: 'bytes', bytes, literal: character };
  }

  #next(): string {
    const character = this.#text[this.#at];
    if (character === undefined) throw new Unknown();
    this.#at += 1;
    return character;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }
}

function bothCases(byte: number): number[] {
  const character = String.fromCharCode(byte);
  return byte < 0x80 ? [character.toLowerCase().charCodeAt(0), character.toUpperCase().charCodeAt(0)] : [byte];
}
