import { addTo } from './multimap.ts';
import { type Table, table } from './table.ts';

/** Caddy compares the plain entries of a map one by one; more of them than this are split by characters of the text. */
const LONG_TABLE = 256;

/** A text that is not in the tables may be shorter than one that is, and still has characters to look at. */
const PADDING = '_'.repeat(64);
const MOST_TABLES = 400;
/** What one more table costs a request, in comparisons of plain entries. */
const TABLE_COST = 10;
/** Texts that are looked at to choose the characters. */
const SAMPLE = 4000;

export interface LookupText {
  /** A placeholder, whose value is looked up. */
  readonly source: string;
  readonly destination: string;
  readonly entries: readonly (readonly [text: string, value: string])[];
}

/** Tables that find a text among many at a cost that hardly grows with their number. */
export function lookup({ source, destination, entries }: LookupText): Table[] {
  if (entries.length <= LONG_TABLE) return [plainTable({ source, destination, entries })];
  const positions = bestPositions(entries.map(([text]) => text));
  const buckets = new Map<string, (readonly [string, string])[]>();
  for (const entry of entries) {
    addTo(buckets, charactersAt(entry[0], positions), entry);
  }
  const sorted = [...buckets].sort(([a], [b]) => (a < b ? -1 : 1));
  const partOf = (index: number) => `${destination}_${index}`;
  return [
    // Placeholders in the output of a plain entry are filled in, and so only one part is ever searched.
    plainTable({
      source: `{${destination}_at}`,
      destination,
      entries: sorted.map(([name], index) => [name, `{${partOf(index)}}`]),
    }),
    table({ source: `${PADDING}${source}`, destination: `${destination}_at`, entries: [selector(positions)] }),
    ...sorted.map(([, part], index) => plainTable({ source, destination: partOf(index), entries: part })),
  ];
}

/** The "=" keeps a text that starts with "~" from being a regular expression, and one that is "default" from being the default. */
function plainTable({ source, destination, entries }: LookupText): Table {
  return table({ source: `=${source}`, destination, entries: entries.map(([text, value]) => [`=${text}`, value]) });
}

/** Positions from the end of a text, the larger first, whose characters spread the texts best. */
function bestPositions(all: readonly string[]): readonly number[] {
  const step = Math.ceil(all.length / SAMPLE);
  const texts = all.filter((_, index) => index % step === 0);
  const longest = texts.reduce((most, text) => Math.max(most, text.length), 1);
  let best: { positions: readonly number[]; cost: number } = { positions: [0], cost: Number.POSITIVE_INFINITY };
  const consider = (positions: readonly number[]) => {
    const sizes = sizesOf(texts, positions);
    const compared = (sizes.reduce((sum, size) => sum + size * size, 0) / texts.length) * step;
    const cost = compared + sizes.length * TABLE_COST;
    if (sizes.length <= MOST_TABLES && cost < best.cost) best = { positions, cost };
  };
  for (let position = 0; position < longest; position++) consider([position]);
  const [first = 0] = best.positions;
  for (let second = 0; second < longest; second++) {
    if (second !== first) consider([Math.max(first, second), Math.min(first, second)]);
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
  const padded = PADDING + text;
  return positions.map((position) => padded[padded.length - 1 - position]).join('');
}

/** A regular expression that gives the characters at these positions from the end. */
function selector(positions: readonly number[]): readonly [string, string] {
  const gaps = positions.map((position, index) => `(.).{${position - (positions[index + 1] ?? -1) - 1}}`);
  return [`~${gaps.join('')}$`, positions.map((_, index) => `$${index + 1}`).join('')];
}
