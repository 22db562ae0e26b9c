import { type CaddyToken, placeholder, trustedText } from './quote.ts';

/**
 * A `map` of Caddy: the first entry that matches gives the value of the destination, which is computed only where it is
 * used.
 */
export interface Table {
  readonly source: CaddyToken;
  readonly destination: CaddyToken;
  readonly entries: readonly Entry[];
  readonly fallback: CaddyToken;
}

interface Entry {
  readonly input: CaddyToken;
  readonly output: CaddyToken;
}

export interface TableText {
  /** Text with placeholders. */
  readonly source: string;
  /** Name of the placeholder that it sets. */
  readonly destination: string;
  /**
   * Inputs and outputs. An input that starts with "~" is a regular expression, whose output may name its groups; the
   * output of a plain input may hold placeholders.
   */
  readonly entries: readonly (readonly [input: string, output: string])[];
  readonly fallback?: string;
}

/** Returns a table of our own. User text in it was checked by the caller. */
export function table({ source, destination, entries, fallback = '' }: TableText): Table {
  return {
    source: trustedText(source),
    destination: placeholder(destination),
    entries: entries.map(([input, output]) => ({ input: trustedText(input), output: trustedText(output) })),
    fallback: trustedText(fallback),
  };
}

/** Adds a value to the list of a key. */
export function addTo<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** Caddy compares the plain entries of a map one by one. More entries than this are split by characters of the text. */
const LONG_TABLE = 256;

/** Appended to each text, because a text that is in no table may be too short to have a character at every position. */
const PADDING = '_'.repeat(64);
/** Most combinations of characters, which Caddy also compares one by one. */
const MOST_NAMES = 400;
/** Cost of one more table for every request, in comparisons of plain entries. */
const TABLE_COST = 50;
/** Number of texts that are examined to choose the positions. */
const SAMPLE = 4000;

export interface LookupText {
  /** Placeholder whose value is looked up. */
  readonly source: string;
  readonly destination: string;
  readonly entries: readonly (readonly [text: string, value: string])[];
}

/** Returns tables that find a text among many, at a cost that grows with the square root of their number. */
export function lookup({ source, destination, entries }: LookupText): Table[] {
  if (entries.length <= LONG_TABLE) return [plainTable({ source, destination, entries })];
  const positions = bestPositions(entries.map(([text]) => text));
  const named = new Map<string, (readonly [string, string])[]>();
  for (const entry of entries) addTo(named, charactersAt(entry[0], positions), entry);
  const parts = balanced([...named.values()], Math.ceil(Math.sqrt(entries.length / TABLE_COST)));
  const partOf = (index: number) => `${destination}_${index}`;
  const selection = parts.flatMap((part, index) =>
    [...new Set(part.map(([text]) => charactersAt(text, positions)))].map(
      (name) => [name, `{${partOf(index)}}`] as const,
    ),
  );
  return [
    // The output of a plain entry is a placeholder, so that only the table that it names is searched.
    plainTable({ source: `{${destination}_at}`, destination, entries: selection }),
    table({ source: `${source}${PADDING}`, destination: `${destination}_at`, entries: [selector(positions)] }),
    ...parts.map((part, index) => plainTable({ source, destination: partOf(index), entries: part })),
  ];
}

/** Distributes groups over this many parts of about the same size. */
function balanced<T>(groups: readonly (readonly T[])[], count: number): readonly (readonly T[])[] {
  const parts: T[][] = Array.from({ length: Math.min(count, groups.length) }, () => []);
  for (const group of groups.toSorted((x, y) => y.length - x.length)) {
    const smallest = parts.reduce((least, part) => (part.length < least.length ? part : least));
    for (const item of group) smallest.push(item);
  }
  return parts;
}

/**
 * Returns a table of plain texts. The "=" keeps a text that starts with "~" from being a regular expression, and the
 * text "default" from being the default.
 */
function plainTable({ source, destination, entries }: LookupText): Table {
  return table({ source: `=${source}`, destination, entries: entries.map(([text, value]) => [`=${text}`, value]) });
}

/** Returns the positions, in ascending order, whose characters divide the texts best. */
function bestPositions(all: readonly string[]): readonly number[] {
  const step = Math.ceil(all.length / SAMPLE);
  const texts = all.filter((_, index) => index % step === 0);
  const longest = Math.min(
    PADDING.length,
    texts.reduce((most, text) => Math.max(most, text.length), 1),
  );
  let best: { positions: readonly number[]; cost: number } = { positions: [0], cost: Number.POSITIVE_INFINITY };
  const consider = (positions: readonly number[]) => {
    const sizes = sizesOf(texts, positions);
    const cost = sizes.reduce((sum, size) => sum + size * size, 0) / texts.length;
    if (sizes.length <= MOST_NAMES && cost < best.cost) best = { positions, cost };
  };
  for (let position = 0; position < longest; position++) consider([position]);
  const [first = 0] = best.positions;
  for (let second = 0; second < longest; second++) {
    if (second !== first) consider([Math.min(first, second), Math.max(first, second)]);
  }
  return best.positions;
}

function sizesOf(texts: readonly string[], positions: readonly number[]): number[] {
  const sizes = new Map<string, number>();
  for (const text of texts) {
    const name = charactersAt(text, positions);
    sizes.set(name, (sizes.get(name) ?? 0) + 1);
  }
  return [...sizes.values()];
}

function charactersAt(text: string, positions: readonly number[]): string {
  const padded = text + PADDING;
  return positions.map((position) => padded[position]).join('');
}

/**
 * Returns the entry whose regular expression takes the characters at these positions. It is anchored, because Go is
 * slow at searching.
 */
function selector(positions: readonly number[]): readonly [string, string] {
  const gaps = positions.map((position, index) => `.{${position - (positions[index - 1] ?? -1) - 1}}(.)`);
  return [`~^${gaps.join('')}`, positions.map((_, index) => `$${index + 1}`).join('')];
}
