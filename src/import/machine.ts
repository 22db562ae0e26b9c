import type { ByteSet, Regex } from './regex.ts';

/** A step of a nondeterministic automaton. One without bytes reads nothing; `only` limits it to an end of the text. */
interface Step {
  readonly to: number;
  readonly bytes?: ByteSet;
  readonly only?: 'start' | 'end';
}

/** The most states of an automaton: more than any expression that people write for paths has. */
const MOST_STATES = 20_000;

/**
 * A deterministic automaton that reads a text byte by byte and tells whether an expression is found in it. States are
 * numbers, made when first reached; state 0 has read nothing.
 */
export interface Machine {
  next(state: number, byte: number): number;
  /** Returns whether the text read so far matches, if it ends here. */
  accepts(state: number): boolean;
  /** Returns whether every continuation of the text matches. */
  isDone(state: number): boolean;
  /** Returns whether no continuation of the text can match. */
  isDead(state: number): boolean;
  /** Sets of bytes. The machine treats two bytes alike that are in the same of these sets. */
  readonly marks: readonly ByteSet[];
}

/** Returns the automaton of an expression; `undefined` if the expression is too large. */
export function machineOf(regex: Regex): Machine | undefined {
  const builder = new Builder();
  builder.add(regex, FIRST, LAST);
  return builder.isFull ? undefined : determined(builder.steps, FIRST, LAST);
}

const [FIRST, LAST] = [0, 1];

class Builder {
  readonly steps: Step[][] = [[], []];
  isFull = false;

  #fresh(): number {
    this.isFull ||= this.steps.length > MOST_STATES;
    return this.steps.push([]) - 1;
  }

  #link(from: number, step: Step): void {
    this.steps[from]?.push(step);
  }

  /** Adds the steps that lead from one state to another by reading `part`. */
  add(part: Regex, from: number, to: number): void {
    if (this.isFull) return;
    if (part.kind === 'bytes') this.#link(from, { to, bytes: part.bytes });
    else if (part.kind === 'start' || part.kind === 'end') this.#link(from, { to, only: part.kind });
    else if (part.kind === 'group') this.add(part.part, from, to);
    else if (part.kind === 'choice') for (const one of part.parts) this.add(one, from, to);
    else if (part.kind === 'repeat') this.#repeat(part, from, to);
    else if (part.kind === 'sequence') {
      let at = from;
      for (const one of part.parts) at = this.#after(one, at);
      this.#link(at, { to });
    }
  }

  #after(part: Regex, from: number): number {
    const next = this.#fresh();
    this.add(part, from, next);
    return next;
  }

  #repeat({ part, least, most }: Extract<Regex, { kind: 'repeat' }>, from: number, to: number): void {
    let at = this.#fresh();
    this.#link(from, { to: at });
    for (let count = 0; count < least; count++) at = this.#after(part, at);
    if (!Number.isFinite(most)) this.#link(this.#after(part, at), { to: at });
    else
      for (let count = least; count < most; count++) {
        this.#link(at, { to });
        at = this.#after(part, at);
      }
    this.#link(at, { to });
  }
}

function determined(steps: readonly (readonly Step[])[], first: number, last: number): Machine {
  const states: { readonly nodes: readonly number[]; readonly done: boolean; readonly ends: boolean }[] = [];
  const ids = new Map<string, number>();
  const moves: Map<number, number>[] = [];
  const closure = (from: readonly number[], place: ReadonlySet<Step['only']>): number[] => {
    const found = new Set(from);
    for (const node of found)
      for (const step of steps[node] ?? [])
        if (!step.bytes && (step.only === undefined || place.has(step.only))) found.add(step.to);
    return [...found].sort((a, b) => a - b);
  };
  const NOWHERE = new Set<Step['only']>();
  const idOf = (nodes: readonly number[], isStart: boolean, wasDone: boolean): number => {
    // The expression may begin anywhere in the text, and after a match the rest of the text does not matter.
    const open = closure([...nodes, first], isStart ? new Set(['start'] as const) : NOWHERE);
    const done = wasDone || open.includes(last);
    const ends =
      done || closure(open, new Set(isStart ? (['start', 'end'] as const) : (['end'] as const))).includes(last);
    const key = done ? 'done' : `${open.join()}${ends ? '.' : ''}`;
    const known = ids.get(key);
    if (known !== undefined) return known;
    ids.set(key, states.length);
    moves.push(new Map());
    return states.push({ nodes: done ? [] : open, done, ends }) - 1;
  };
  idOf([], true, false);
  const isAnchored = steps[first]?.every(({ only }) => only === 'start') ?? false;
  return {
    accepts: (state) => states[state]?.ends ?? false,
    isDone: (state) => states[state]?.done ?? false,
    isDead: (state) => state !== 0 && isAnchored && states[state]?.done === false && states[state]?.nodes.length === 1,
    next(state, byte) {
      const known = moves[state]?.get(byte);
      if (known !== undefined) return known;
      const { nodes, done } = states[state] ?? { nodes: [], done: false };
      if (done) return state;
      const next = new Set<number>();
      for (const node of nodes) for (const step of steps[node] ?? []) if (step.bytes?.has(byte)) next.add(step.to);
      const to = idOf([...next], false, false);
      moves[state]?.set(byte, to);
      return to;
    },
    marks: steps.flat().flatMap(({ bytes }) => (bytes ? [bytes] : [])),
  };
}

/** Returns one byte of each class. Bytes that are in the same of these sets, and have the same number, form a class. */
export function representatives(sets: readonly ByteSet[], numbers: readonly number[]): number[] {
  return [...new Map(classesBy(sets).map((number, byte) => [`${number} ${numbers[byte]}`, byte])).values()];
}

/** Returns the class of each byte. Bytes that are in the same of these sets form a class. */
function classesBy(sets: readonly ByteSet[]): number[] {
  // A byte with a set of its own is in a class of its own; of those sets there are many, and few others.
  const single = new Set(sets.flatMap((set) => (set.size === 1 ? [...set] : [])));
  const distinct = new Map(sets.flatMap((set) => (set.size === 1 ? [] : [[nameOf(set), set]])));
  let classes: number[] = Array.from({ length: 256 }, () => 0);
  for (const set of distinct.values()) {
    const numbers = new Map<number, number>();
    classes = classes.map((number, byte) => {
      const key = set.has(byte) ? -1 - number : number;
      const known = numbers.get(key) ?? numbers.size;
      numbers.set(key, known);
      return known;
    });
  }
  for (const byte of single) classes[byte] = 256 + byte;
  return classes;
}

const names = new WeakMap<ByteSet, string>();

/** Returns a text that is equal for equal sets. */
function nameOf(set: ByteSet): string {
  const name = names.get(set) ?? [...set].sort((a, b) => a - b).join();
  names.set(set, name);
  return name;
}

/** A place in a list of which only the first that matches counts. */
export interface Rank {
  readonly list: number;
  readonly order: number;
}

/** One of several machines that read the same text. */
export interface Member {
  readonly machine: Machine;
  /** Its ranks in all lists that it is in: in those, it matters only where no earlier one matches. */
  readonly ranks: readonly Rank[];
  /** Where it is done, those behind it in this list no longer matter. */
  readonly decides?: Rank;
}

/** Several machines that read the same text. */
export interface Together {
  next(state: number, byte: number): number;
  /** Returns the numbers of the machines that accept, without those that no longer matter. */
  accepts(state: number): readonly number[];
  /** The class of each byte. The machines treat two bytes alike that are of the same class. */
  readonly classes: readonly number[];
}

/** The state of one of them, where it still matters. */
type At = readonly [member: number, state: number];

/** Machines that read the same text as one machine, whose states hold only what still matters: most are few. */
export function together(members: readonly Member[]): Together {
  const vectors: (readonly At[])[] = [];
  const ids = new Map<string, number>();
  const moves: Map<number, number>[] = [];
  const idOf = (all: readonly At[]): number => {
    const vector = mattering(all, members);
    const key = vector.join();
    const known = ids.get(key);
    if (known !== undefined) return known;
    ids.set(key, vectors.length);
    moves.push(new Map());
    return vectors.push(vector) - 1;
  };
  idOf(members.map((_, index) => [index, 0]));
  return {
    next(state, byte) {
      const known = moves[state]?.get(byte);
      if (known !== undefined) return known;
      const vector = vectors[state] ?? [];
      const to = idOf(vector.map(([index, at]): At => [index, members[index]?.machine.next(at, byte) ?? 0]));
      moves[state]?.set(byte, to);
      return to;
    },
    accepts: (state) =>
      (vectors[state] ?? []).flatMap(([index, at]) => (members[index]?.machine.accepts(at) ? [index] : [])),
    // Worked out once for all texts: machines have very many marks, and bytes have at most 256 classes.
    classes: classesBy(members.flatMap(({ machine }) => machine.marks)),
  };
}

function mattering(all: readonly At[], members: readonly Member[]): readonly At[] {
  const firsts = new Map<number, number>();
  for (const [index, state] of all) {
    const { machine, decides } = members[index] ?? {};
    if (decides && machine?.isDone(state))
      firsts.set(decides.list, Math.min(decides.order, firsts.get(decides.list) ?? decides.order));
  }
  return all.filter(([index, state]) => {
    const { machine, ranks = [] } = members[index] ?? {};
    return !machine?.isDead(state) && ranks.every(({ list, order }) => order <= (firsts.get(list) ?? order));
  });
}
