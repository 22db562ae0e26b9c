import type { ReadFileText } from '../../src/targets/target.ts';
import type { Random } from '../../src/verify/random.ts';

/** One small change of generated files, as a slip of the hand or a fault of a generator would make it. */
export interface Mutation {
  /** Such as `anchor`. */
  readonly kind: string;
  readonly files: readonly ReadFileText[];
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly before: string;
  readonly after: string;
}

/** Changes one line; `undefined` where it has nothing of this kind. Others are the lines around it. */
type Change = (line: string, random: Random, others: readonly string[]) => string | undefined;

/** Replaces one of the places where an expression matches. */
function replacing(what: RegExp, by: (found: string, random: Random) => string): Change {
  return (line, random) => {
    const places = [...line.matchAll(new RegExp(what.source, 'g'))];
    if (places.length === 0) return undefined;
    const place = random.pick(places);
    const at = place.index + place[0].length;
    return `${line.slice(0, place.index)}${by(place[0], random)}${line.slice(at)}`;
  };
}

const VALUE = /"[^"]*"(?=;? *$)/;

/** Changes within one line. */
const CHANGES: Readonly<Record<string, Change>> = {
  number: replacing(/(?<![A-Za-z0-9_])\d+/, (found, random) =>
    String(random.pick([Number(found) + 1, Math.max(0, Number(found) - 1), Number(found) * 10])),
  ),
  literal: replacing(/[a-z]{3,}/, (found, random) => {
    const at = random.below(found.length);
    return random.pick([found.slice(0, at) + found.slice(at + 1), `${found.slice(0, at)}x${found.slice(at + 1)}`]);
  }),
  case: replacing(/[a-z]{3,}/, (found) => found.toUpperCase()),
  anchor: replacing(/(?<=~\*?)\^|\$(?=")|\\\\z/, () => ''),
  quantifier: replacing(/(?<=[\])])(?:\+\+|\*\+|\?\+|[+*?]|\{\d+(?:,\d*)?\})/, (found, random) =>
    random.pick(['+', '*', '?', '', '{2}'].filter((each) => each !== found)),
  ),
  class: replacing(/\[\^?[^\]\\]+(?=\])/, (found, random) =>
    found.startsWith('[^')
      ? random.pick([`[${found.slice(2)}`, `${found}a`])
      : random.pick([`${found}~`, `[^${found.slice(1)}`]),
  ),
  flag: replacing(/"~(?=\^)|"~\(\?i\)|\bon(?=;)|\boff(?=;|$)|\bnot (?=[a-z])/, (found) => {
    if (found === '"~') return '"~(?i)';
    if (found === 'on' || found === 'off') return found === 'on' ? 'off' : 'on';
    return found.startsWith('not') ? '' : '"~';
  }),
  /** Another value of the same table. */
  destination: (line, random, others) => {
    const own = VALUE.exec(line)?.[0];
    const values = others.flatMap((other) => VALUE.exec(other)?.[0] ?? []).filter((value) => value !== own);
    return own === undefined || values.length === 0 ? undefined : line.replace(VALUE, () => random.pick(values));
  },
  default: (line, random, others) =>
    /^\s*default "/.test(line) ? CHANGES['destination']?.(line, random, others) : undefined,
  status: replacing(/\b[2345]\d\d\b/, (found, random) =>
    random.pick(['200', '401', '403', '404', '405', '500'].filter((each) => each !== found)),
  ),
};

const WORD = /"(?:[^"\\]|\\.)*"|[^\s;{}"]+/g;

function wordsOf(line: string): RegExpExecArray[] {
  return [...line.matchAll(WORD)];
}

/** Puts a text in the place of one of the words of a line. */
function withWord(line: string, word: RegExpExecArray, text: string): string {
  return `${line.slice(0, word.index)}${text}${line.slice(word.index + word[0].length)}`;
}

/** Changes of words, whatever they mean. */
const WORDS: Readonly<Record<string, Change>> = {
  'another word': (line, random, others) => {
    const [words, more] = [wordsOf(line), others.filter((other) => !IDLE.test(other)).flatMap(wordsOf)];
    return words.length > 0 && more.length > 0 ? withWord(line, random.pick(words), random.pick(more)[0]) : undefined;
  },
  'a word less': (line, random) => {
    const words = wordsOf(line);
    return words.length > 1 ? withWord(line, random.pick(words), '') : undefined;
  },
  'a word twice': (line, random) => {
    const words = wordsOf(line);
    const word = words.length > 0 ? random.pick(words) : undefined;
    return word && withWord(line, word, `${word[0]} ${word[0]}`);
  },
  character: (line, random) => {
    const at = random.below(line.length + 1);
    return line.slice(0, at) + random.pick([...'"\\$~*./()|?^ %@!-i0']) + line.slice(at + random.below(2));
  },
};

/** What stands where in a file, and a place in it. */
interface Place {
  readonly lines: readonly string[];
  readonly at: number;
  readonly random: Random;
}

/** Returns how many lines the block has that begins at a place; 0 where none does. */
function blockAt({ lines, at }: Pick<Place, 'lines' | 'at'>): number {
  let depth = 0;
  for (const [index, line] of lines.slice(at).entries()) {
    if (/\{\s*$/.test(line)) depth++;
    if (/^\s*\}/.test(line)) depth--;
    if (depth <= 0) return index === 0 ? 0 : index + 1;
  }
  return 0;
}

const opensOrCloses = (line: string) => /[{}]\s*$/.test(line);

/** Changes of whole lines, by how each makes others of them. */
const ARRANGEMENTS: Readonly<Record<string, (place: Place) => readonly string[] | undefined>> = {
  order: ({ lines, at }) => {
    const pair = lines.slice(at, at + 2);
    if (pair.length < 2 || pair.some((line) => IDLE.test(line) || opensOrCloses(line))) return undefined;
    return lines.toSpliced(at, 2, ...pair.reverse());
  },
  deletion: ({ lines, at }) => (opensOrCloses(lines[at] ?? '') ? undefined : lines.with(at, '')),
  'a line elsewhere': ({ lines, at, random }) => {
    if (opensOrCloses(lines[at] ?? '')) return undefined;
    return lines.toSpliced(at, 1).toSpliced(random.below(lines.length), 0, lines[at] ?? '');
  },
  'a line twice': ({ lines, at, random }) =>
    opensOrCloses(lines[at] ?? '') ? undefined : lines.toSpliced(random.below(lines.length), 0, lines[at] ?? ''),
  'a block less': ({ lines, at }) => {
    const length = blockAt({ lines, at });
    return length > 0 && length < MOST_LINES ? lines.toSpliced(at, length) : undefined;
  },
  'a block twice': ({ lines, at, random }) => {
    const length = blockAt({ lines, at });
    if (length === 0 || length >= MOST_LINES) return undefined;
    return lines.toSpliced(random.below(lines.length), 0, ...lines.slice(at, at + length));
  },
};

/** Of a block that is copied or lost. */
const MOST_LINES = 40;

/** Lines that decide nothing: about logs and times, and what an engine is told about itself. */
const IDLE =
  /^\s*(?:#|[{}]*\s*$|(?:"\d{3}"|log_|access_log|error_log|.*(?:timeout|_temp|hash_(?:max|bucket)|buffers?)\b))/;

const KINDS = [...Object.keys(CHANGES), ...Object.keys(WORDS), ...Object.keys(ARRANGEMENTS)];

/** Returns files with one change. */
export function mutated(files: readonly ReadFileText[], random: Random): Mutation {
  for (;;) {
    const { path, text } = random.pick(files);
    const lines = text.split('\n');
    const at = random.below(lines.length);
    if (IDLE.test(lines[at] ?? '')) continue;
    const kind = random.pick(KINDS);
    const changed = changedBy(kind, { lines, at, random });
    const first = changed?.findIndex((line, index) => line !== lines[index]) ?? -1;
    if (!changed || first < 0) continue;
    const own = { path, text: changed.join('\n') };
    return {
      kind,
      files: files.map((file) => (file.path === path ? own : file)),
      file: path,
      line: first + 1,
      before: lines[first]?.trim() ?? '',
      after: changed[first]?.trim() ?? '',
    };
  }
}

function changedBy(kind: string, place: Place): readonly string[] | undefined {
  const { lines, at, random } = place;
  const arrangement = ARRANGEMENTS[kind];
  if (arrangement) return arrangement(place);
  const others = kind in WORDS ? lines : lines.slice(Math.max(0, at - 12), at + 12);
  const after = (WORDS[kind] ?? CHANGES[kind])?.(lines[at] ?? '', random, others);
  return after === undefined ? undefined : lines.with(at, after);
}
