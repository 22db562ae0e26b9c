import type { randomOf } from '../../src/verify/random.ts';

export type Random = ReturnType<typeof randomOf>;

const WORDS = ['0.0.0.0/0', 'evil.example.com', 'default', '"~.*"', '1', 'off', '""', '$http_x', '{', '}', '.', 'any'];

/** The lines of a text, and one of them that is no comment. */
interface Spot {
  readonly lines: readonly string[];
  readonly at: number;
  readonly line: string;
}

/** Changes lines; `undefined` where there is nothing of this kind. */
type Change = (spot: Spot, random: Random) => readonly string[] | undefined;

const CHANGES: readonly Change[] = [
  ({ lines, at }) => lines.toSpliced(at, 1),
  ({ lines, at, line }) => lines.toSpliced(at, 0, line),
  ({ lines, at, line }) => lines.toSpliced(at, 2, lines[at + 1] ?? '', line),
  (spot, random) =>
    withWords(spot, random, (words, word) =>
      words.with(word, random.pick(WORDS) + (/[;{]$/.exec(words[word] ?? '')?.[0] ?? '')),
    ),
  (spot, random) => withWords(spot, random, (words, word) => words.toSpliced(word, 1)),
  (spot, random) => withWords(spot, random, (words, word) => words.toSpliced(word, 0, random.pick(WORDS))),
  (spot, random) => withFound(spot, random, /\d+/g, (number) => otherNumber(number, random)),
  (spot, random) => withFound(spot, random, /[A-Za-z]{2,}/g, (name) => otherName(name, random)),
  wordsExchanged,
  ({ lines, at, line }, random) => lines.toSpliced(at, 1).toSpliced(random.below(lines.length), 0, line),
  blockChanged,
];

/**
 * A line goes, comes twice or is elsewhere, a block as well, or has another word, number or name, one word fewer or one
 * more, or a word of another line.
 */
export function mutatedText(text: string, random: Random): string {
  const lines = text.split('\n');
  const own = lines.flatMap((line, index) => (/^\s*(?:#|$)/.test(line) ? [] : [index]));
  for (;;) {
    const at = random.pick(own);
    const changed = random
      .pick(CHANGES)({ lines, at, line: lines[at] ?? '' }, random)
      ?.join('\n');
    if (changed !== undefined && changed !== text) return changed;
  }
}

function withWords(
  { lines, at, line }: Spot,
  random: Random,
  change: (words: readonly string[], word: number) => readonly string[],
): readonly string[] {
  const words = line.trim().split(/ +/);
  return lines.with(at, indentOf(line) + change(words, random.below(words.length)).join(' '));
}

function withFound(
  { lines, at, line }: Spot,
  random: Random,
  what: RegExp,
  other: (found: string) => string,
): readonly string[] | undefined {
  const places = [...line.matchAll(what)];
  if (places.length === 0) return undefined;
  const { 0: found, index } = random.pick(places);
  return lines.with(at, `${line.slice(0, index)}${other(found)}${line.slice(index + found.length)}`);
}

function otherNumber(number: string, random: Random): string {
  return String(random.pick([Number(number) + 1, Math.max(0, Number(number) - 1), Number(number) * 10]));
}

function otherName(name: string, random: Random): string {
  const at = random.below(name.length);
  const letter = name[at] ?? '';
  const swapped = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
  return name.slice(0, at) + random.pick(['', 'x', letter + letter, swapped]) + name.slice(at + 1);
}

function wordsExchanged({ lines, at, line }: Spot, random: Random): readonly string[] | undefined {
  const elsewhere = random.below(lines.length);
  const other = lines[elsewhere] ?? '';
  if (elsewhere === at || /^\s*(?:#|$)/.test(other)) return undefined;
  const [own, theirs] = [line.trim().split(/ +/), other.trim().split(/ +/)];
  const [from, to] = [random.below(own.length), random.below(theirs.length)];
  return lines
    .with(at, indentOf(line) + own.with(from, theirs[to] ?? '').join(' '))
    .with(elsewhere, indentOf(other) + theirs.with(to, own[from] ?? '').join(' '));
}

/** A block goes, comes twice or is elsewhere: the line that opens it, and all up to the one that closes it. */
function blockChanged({ lines, at, line }: Spot, random: Random): readonly string[] | undefined {
  if (!line.endsWith('{')) return undefined;
  const end = lines.findIndex((each, index) => index > at && each === `${indentOf(line)}}`);
  if (end < 0) return undefined;
  const block = lines.slice(at, end + 1);
  const without = lines.toSpliced(at, block.length);
  return random.pick([
    () => without,
    () => lines.toSpliced(at, 0, ...block),
    () => without.toSpliced(random.below(without.length), 0, ...block),
  ])();
}

function indentOf(line: string): string {
  return /^\s*/.exec(line)?.[0] ?? '';
}

export type Json = Readonly<Record<string, unknown>>;

/** Somewhere in a value a member goes, comes twice, changes places or is another. */
export function mutatedJson(value: unknown, random: Random): unknown {
  const words = wordsIn(value);
  for (;;) {
    const changed = changedJson(value, random, words);
    if (JSON.stringify(changed) !== JSON.stringify(value)) return changed;
  }
}

function wordsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(wordsIn) : [];
}

function changedJson(value: unknown, random: Random, words: readonly string[]): unknown {
  const isDeep = (item: unknown) => typeof item === 'object' && item !== null && Object.keys(item).length > 0;
  if (Array.isArray(value)) {
    const at = random.below(value.length);
    if (isDeep(value[at]) && random.chance(0.8)) return value.with(at, changedJson(value[at], random, words));
    return random.pick([
      () => value.toSpliced(at, 1),
      () => value.toSpliced(at, 0, value[at]),
      () => value.toSpliced(at, 2, ...value.slice(at, at + 2).reverse()),
      () => value.with(at, isDeep(value[at]) ? 'evil.example.com' : changedLeaf(value[at], random, words)),
    ])();
  }
  const record = value as Json;
  const name = random.pick(Object.keys(record));
  const { [name]: item, ...others } = record;
  if (isDeep(item) && random.chance(0.9)) return { ...record, [name]: changedJson(item, random, words) };
  return random.pick([
    () => others,
    () => ({ ...record, [name]: isDeep(item) ? 'x' : changedLeaf(item, random, words) }),
    () => ({ ...record, evil: true }),
  ])();
}

function changedLeaf(item: unknown, random: Random, words: readonly string[]): unknown {
  if (typeof item === 'number') return random.pick([item + 1, Math.max(0, item - 1), item * 10]);
  if (typeof item === 'boolean') return !item;
  if (typeof item !== 'string') return 'x';
  const number = /\d+/.exec(item)?.[0];
  return random.pick([
    `${item}x`,
    item.slice(1),
    'evil.example.com',
    random.pick(words),
    item === '' ? 'x' : otherName(item, random),
    number === undefined ? '' : item.replace(number, otherNumber(number, random)),
  ]);
}
