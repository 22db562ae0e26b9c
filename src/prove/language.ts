import { Partition } from './partition.ts';

/**
 * A set of texts, as the smallest deterministic automaton over bytes. Equal sets are the same object, so that results
 * about a set can be stored by its id.
 */
export interface Language {
  readonly id: number;
  /** The column of `next` for each byte. */
  readonly columnOf: Uint8Array;
  readonly columns: number;
  /** The transition table: `next[state * columns + column]`. State 0 is the start. */
  readonly next: Int32Array;
  readonly accepts: Uint8Array;
}

/** An automaton that need not be the smallest one. A state is named by a text. */
export interface Draft {
  readonly columnOf: Uint8Array;
  readonly columns: number;
  readonly start: string;
  readonly step: (state: string, column: number) => string;
  readonly accepts: (state: string) => boolean;
}

/** Most states of an automaton. With more, nothing can be proved in reasonable time. */
export const MOST_STATES = 60_000;

export class TooLarge extends Error {}

const known = new Map<string, Language>();
let languages = 0;

/** Returns the smallest automaton for a draft, of which only the states that can be reached are visited. */
export function built({ columnOf, columns, start, step, accepts }: Draft): Language {
  const ids = new Map<string, number>([[start, 0]]);
  const states = [start];
  const next: number[] = [];
  for (let at = 0; at < states.length; at++) {
    if (states.length > MOST_STATES) throw new TooLarge('an expression has too many states');
    for (let column = 0; column < columns; column++) {
      const to = step(states[at] ?? '', column);
      const id = ids.get(to) ?? states.push(to) - 1;
      ids.set(to, id);
      next.push(id);
    }
  }
  return smallest({
    columnOf,
    columns,
    next: Int32Array.from(next),
    accepts: Uint8Array.from(states, (state) => (accepts(state) ? 1 : 0)),
  });
}

/** Minimizes an automaton, then numbers states and columns in the order in which they are reached. */
function smallest(automaton: Omit<Language, 'id'>): Language {
  if (automaton.accepts.length > MOST_MINIMIZED) return trimmed(automaton);
  return numbered(automaton, new Partition(automaton).blocks());
}

/** Larger automata stay as they are: that costs less than to find the smallest, and nobody looks them up again. */
const MOST_MINIMIZED = 5_000;

/** Leaves out the states that accept nothing any more, but for one. The others are neither merged nor looked up. */
export function trimmed(automaton: Omit<Language, 'id'>): Language {
  if (automaton.accepts.length <= MOST_MINIMIZED) return smallest(automaton);
  const { columnOf, columns, next, accepts } = automaton;
  const alive = aliveIn(automaton);
  const numbers = new Map<number, number>([[0, 0]]);
  const order = [0];
  const rows: number[] = [];
  /** The state from which nothing is accepted. */
  let nowhere: number | undefined;
  for (let at = 0; at < order.length; at++) {
    const state = order[at] ?? 0;
    for (let column = 0; column < columns; column++) {
      const to = state === NOWHERE ? NOWHERE : (next[state * columns + column] ?? 0);
      if (to === NOWHERE || alive[to] !== 1) {
        nowhere ??= order.push(NOWHERE) - 1;
        rows.push(nowhere);
        continue;
      }
      let number = numbers.get(to);
      if (number === undefined) {
        number = order.push(to) - 1;
        numbers.set(to, number);
      }
      rows.push(number);
    }
  }
  const own = {
    columnOf,
    columns,
    next: Int32Array.from(rows),
    accepts: Uint8Array.from(order, (state) => (state === NOWHERE ? 0 : (accepts[state] ?? 0))),
  };
  return own.accepts.length <= MOST_MINIMIZED ? smallest(own) : { ...own, id: ++languages };
}

const NOWHERE = -1;

/** States from which something is accepted. */
function aliveIn({ columns, next, accepts }: Omit<Language, 'id'>): Uint8Array {
  const count = accepts.length;
  const starts = new Int32Array(count + 1);
  for (const to of next) starts[to + 1] = (starts[to + 1] ?? 0) + 1;
  for (let at = 1; at <= count; at++) starts[at] = (starts[at] ?? 0) + (starts[at - 1] ?? 0);
  const filled = starts.slice();
  const sources = new Int32Array(next.length);
  for (const [index, to] of next.entries()) {
    const place = filled[to] ?? 0;
    sources[place] = Math.floor(index / columns);
    filled[to] = place + 1;
  }
  const alive = new Uint8Array(count);
  const open = [...accepts.keys()].filter((state) => accepts[state] === 1);
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    if (alive[state] === 1) continue;
    alive[state] = 1;
    for (let at = starts[state] ?? 0; at < (starts[state + 1] ?? 0); at++) open.push(sources[at] ?? 0);
  }
  return alive;
}

function numbered({ columnOf, columns, next, accepts }: Omit<Language, 'id'>, blocks: Int32Array): Language {
  const representative = new Map<number, number>();
  for (let state = accepts.length - 1; state >= 0; state--) representative.set(blocks[state] ?? 0, state);
  const numbers = new Map<number, number>([[blocks[0] ?? 0, 0]]);
  const order = [blocks[0] ?? 0];
  // Columns are in the order of the bytes, so that the result does not depend on their numbers before.
  const byColumn = [...new Set(columnOf)];
  const rows: number[][] = byColumn.map(() => []);
  for (let at = 0; at < order.length; at++) {
    const state = representative.get(order[at] ?? 0) ?? 0;
    for (const [index, column] of byColumn.entries()) {
      const block = blocks[next[state * columns + column] ?? 0] ?? 0;
      const number = numbers.get(block) ?? order.push(block) - 1;
      numbers.set(block, number);
      rows[index]?.push(number);
    }
  }
  const merged = new Map<string, number>();
  const kept: number[][] = [];
  const columnNumber = new Map<number, number>();
  for (const [index, column] of byColumn.entries()) {
    const row = rows[index] ?? [];
    const key = row.join();
    const number = merged.get(key) ?? kept.push(row) - 1;
    merged.set(key, number);
    columnNumber.set(column, number);
  }
  return interned({
    columnOf: columnOf.map((column) => columnNumber.get(column) ?? 0),
    columns: kept.length,
    next: Int32Array.from({ length: order.length * kept.length }, (_, index) => {
      return kept[index % kept.length]?.[Math.floor(index / kept.length)] ?? 0;
    }),
    accepts: Uint8Array.from(order, (block) => accepts[representative.get(block) ?? 0] ?? 0),
  });
}

function interned(language: Omit<Language, 'id'>): Language {
  const { columnOf, next, accepts } = language;
  const key = `${columnOf.join()};${next.join()};${accepts.join('')}`;
  const found = known.get(key) ?? { ...language, id: ++languages };
  known.set(key, found);
  return found;
}

const combined = new Map<string, Language>();

function combine(a: Language, b: Language, name: string, accepts: (a: boolean, b: boolean) => boolean): Language {
  const key = `${name} ${a.id} ${b.id}`;
  const found = combined.get(key);
  if (found) return found;
  const { columnOf, pairs } = sharedColumns(a, b);
  const count = b.accepts.length;
  const made = built({
    columnOf,
    columns: pairs.length,
    start: '0',
    step: (state, column) => {
      const [left, right] = [Math.floor(Number(state) / count), Number(state) % count];
      const [one = 0, other = 0] = pairs[column] ?? [];
      return String((a.next[left * a.columns + one] ?? 0) * count + (b.next[right * b.columns + other] ?? 0));
    },
    accepts: (state) =>
      accepts(a.accepts[Math.floor(Number(state) / count)] === 1, b.accepts[Number(state) % count] === 1),
  });
  combined.set(key, made);
  return made;
}

type Columns = Pick<Language, 'columnOf'>;

/** Returns columns for two automata at once, and which column of each they are. */
export function sharedColumns(a: Columns, b: Columns): { columnOf: Uint8Array; pairs: readonly (readonly number[])[] } {
  const ids = new Map<number, number>();
  const pairs: number[][] = [];
  const columnOf = a.columnOf.map((left, byte) => {
    const right = b.columnOf[byte] ?? 0;
    const key = left * 256 + right;
    const id = ids.get(key) ?? pairs.push([left, right]) - 1;
    ids.set(key, id);
    return id;
  });
  return { columnOf, pairs };
}

export const both = (a: Language, b: Language) => combine(a, b, 'both', (left, right) => left && right);
export const either = (a: Language, b: Language) => combine(a, b, 'either', (left, right) => left || right);
export const without = (a: Language, b: Language) => combine(a, b, 'without', (left, right) => left && !right);

const lowered = new Map<number, Language>();

/** Returns the texts that are in a language once their capital letters are written small. */
export function lowering(language: Language): Language {
  const { columnOf, columns, next, accepts } = language;
  const known = lowered.get(language.id);
  if (known) return known;
  const small = (byte: number) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
  const made = built({
    columnOf: columnOf.map((_, byte) => columnOf[small(byte)] ?? 0),
    columns,
    start: '0',
    step: (state, column) => String(next[Number(state) * columns + column] ?? 0),
    accepts: (state) => accepts[Number(state)] === 1,
  });
  lowered.set(language.id, made);
  return made;
}

export function isEmptyLanguage({ accepts }: Language): boolean {
  return !accepts.includes(1);
}

/** Returns the state after a text. */
export function stateAfter({ columnOf, columns, next }: Language, text: string, from = 0): number {
  let state = from;
  for (let index = 0; index < text.length; index++)
    state = next[state * columns + (columnOf[text.charCodeAt(index)] ?? 0)] ?? 0;
  return state;
}

export function includes(language: Language, text: string): boolean {
  return language.accepts[stateAfter(language, text)] === 1;
}

/**
 * Returns whether all texts from this state on are in the language (`true`) or none (`false`); `undefined` where it
 * depends on the text.
 */
export function settled({ columns, next, accepts }: Language, state: number): boolean | undefined {
  for (let column = 0; column < columns; column++) if (next[state * columns + column] !== state) return undefined;
  return accepts[state] === 1;
}

/** Returns the texts of `own` by the state of `test` that they lead to from the state `from`. */
export function splitBy(own: Language, test: Language, from: number): ReadonlyMap<number, Language> {
  const key = `${own.id} ${test.id} ${from}`;
  const found = splits.get(key) ?? split(own, test, from);
  splits.set(key, found);
  return found;
}

const splits = new Map<string, ReadonlyMap<number, Language>>();

function split(own: Language, test: Language, from: number): ReadonlyMap<number, Language> {
  const { columnOf, pairs } = sharedColumns(own, test);
  const count = test.accepts.length;
  const ids = new Map<number, number>([[from, 0]]);
  const states = [from];
  const next: number[] = [];
  for (let at = 0; at < states.length; at++) {
    if (states.length > MOST_STATES) throw new TooLarge('an expression has too many states');
    const [left, right] = [Math.floor((states[at] ?? 0) / count), (states[at] ?? 0) % count];
    for (const [one = 0, other = 0] of pairs) {
      const to = (own.next[left * own.columns + one] ?? 0) * count + (test.next[right * test.columns + other] ?? 0);
      const id = ids.get(to) ?? states.push(to) - 1;
      ids.set(to, id);
      next.push(id);
    }
  }
  const ends = new Set<number>();
  for (const state of states) if (own.accepts[Math.floor(state / count)] === 1) ends.add(state % count);
  const table = { columnOf, columns: pairs.length, next: Int32Array.from(next) };
  const acceptsAt = (end: number) =>
    Uint8Array.from(states, (state) => (own.accepts[Math.floor(state / count)] === 1 && state % count === end ? 1 : 0));
  return new Map([...ends].map((end) => [end, smallest({ ...table, accepts: acceptsAt(end) })]));
}

/** Generates texts of a language, shorter ones first. Of bytes with the same column only some are used. */
export function* shortest(language: Language, samples = sampleBytes(language)): Generator<string> {
  const { accepts } = language;
  /** For each length, the states from which some text of this length is accepted. */
  const within: Uint8Array[] = [Uint8Array.from(accepts)];
  for (let length = 0, misses = 0; misses <= accepts.length; length++) {
    const isThere = within[length]?.[0] === 1;
    misses = isThere ? 0 : misses + 1;
    if (isThere) yield* textsFrom(language, { state: 0, text: '', length, within, samples });
    within.push(oneLonger(language, within[length] ?? new Uint8Array()));
  }
}

interface Prefix {
  readonly state: number;
  readonly text: string;
  readonly length: number;
  readonly within: readonly Uint8Array[];
  readonly samples: readonly number[];
}

function* textsFrom(language: Language, { state, text, length, within, samples }: Prefix): Generator<string> {
  if (length === 0) {
    yield text;
    return;
  }
  for (const byte of samples) {
    const to = language.next[state * language.columns + (language.columnOf[byte] ?? 0)] ?? 0;
    if (within[length - 1]?.[to] !== 1) continue;
    yield* textsFrom(language, {
      state: to,
      text: text + String.fromCharCode(byte),
      length: length - 1,
      within,
      samples,
    });
  }
}

function oneLonger({ columns, next }: Language, shorter: Uint8Array): Uint8Array {
  return shorter.map((_, state) => {
    for (let column = 0; column < columns; column++) if (shorter[next[state * columns + column] ?? 0] === 1) return 1;
    return 0;
  });
}

/**
 * Returns one byte for each column, letters and digits first, then more bytes of the same columns, since the caller may
 * exclude some texts.
 */
function sampleBytes(language: Language): readonly number[] {
  const found = samples.get(language) ?? findSamples(language);
  samples.set(language, found);
  return found;
}

const samples = new WeakMap<Language, readonly number[]>();

function findSamples({ columnOf, columns }: Language): readonly number[] {
  const nice = [...'azAZ09'].map((character) => character.charCodeAt(0));
  const printable = Array.from({ length: 94 }, (_, index) => index + 33);
  const bytes = [...new Set([...nice, ...printable, ...columnOf.keys()])];
  const first = new Map<number, number>();
  for (const byte of bytes) if (!first.has(columnOf[byte] ?? 0)) first.set(columnOf[byte] ?? 0, byte);
  const chosen = new Set(first.values());
  const more = bytes.filter((byte) => !chosen.has(byte)).slice(0, 40);
  return columns === 0 ? [] : [...first.values(), ...more];
}
