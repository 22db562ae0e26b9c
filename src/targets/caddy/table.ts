import { type CaddyToken, placeholder, trustedText } from './quote.ts';

/** Caddy's `map`: the first entry that fits gives the value of the destination, worked out only where it is used. */
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
  /** Name of the placeholder that it makes. */
  readonly destination: string;
  /** A regular expression starts with "~"; the output of one may name its groups, that of a plain text may hold placeholders. */
  readonly entries: readonly (readonly [input: string, output: string])[];
  readonly fallback?: string;
}

/** A table of our own making; user text in it has been checked by whoever put it there. */
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

/** Caddy compares the plain entries of a map one by one; more of them than this are split by characters of the text. */
const LONG_TABLE = 256;

/** A text that is not in the tables may be shorter than one that is, and still has characters to look at. */
const PADDING = '_'.repeat(64);
/** Combinations of characters, which are gone through one by one too. */
const MOST_NAMES = 400;
/** What one more table costs every request, in comparisons of plain entries. */
const TABLE_COST = 50;
/** Texts that are looked at to choose the characters. */
const SAMPLE = 4000;

export interface LookupText {
  /** A placeholder, whose value is looked up. */
  readonly source: string;
  readonly destination: string;
  readonly entries: readonly (readonly [text: string, value: string])[];
}

/** Tables that find a text among many at a cost that grows with the square root of their number. */
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
    // Placeholders in the output of a plain entry are filled in, and so only one part is ever searched.
    plainTable({ source: `{${destination}_at}`, destination, entries: selection }),
    table({ source: `${source}${PADDING}`, destination: `${destination}_at`, entries: [selector(positions)] }),
    ...parts.map((part, index) => plainTable({ source, destination: partOf(index), entries: part })),
  ];
}

/** Puts groups together into so many of about one size. */
function balanced<T>(groups: readonly (readonly T[])[], count: number): readonly (readonly T[])[] {
  const parts: T[][] = Array.from({ length: Math.min(count, groups.length) }, () => []);
  for (const group of groups.toSorted((x, y) => y.length - x.length)) {
    const smallest = parts.reduce((least, part) => (part.length < least.length ? part : least));
    for (const item of group) smallest.push(item);
  }
  return parts;
}

/** The "=" keeps a text that starts with "~" from being a regular expression, and one that is "default" from being the default. */
function plainTable({ source, destination, entries }: LookupText): Table {
  return table({ source: `=${source}`, destination, entries: entries.map(([text, value]) => [`=${text}`, value]) });
}

/** Positions in a text, the smaller first, whose characters spread the texts best. */
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

/** A regular expression that gives the characters at these positions; anchored, because Go is slow where it has to search. */
function selector(positions: readonly number[]): readonly [string, string] {
  const gaps = positions.map((position, index) => `.{${position - (positions[index - 1] ?? -1) - 1}}(.)`);
  return [`~^${gaps.join('')}`, positions.map((_, index) => `$${index + 1}`).join('')];
}
