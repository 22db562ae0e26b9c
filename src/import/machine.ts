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

/** Returns one byte of each class. Bytes that are in the same of these sets form a class. */
export function representatives(sets: readonly ByteSet[]): number[] {
  return classesBy(sets).map(([byte = 0]) => byte);
}

function classesBy(sets: readonly ByteSet[]): (readonly number[])[] {
  const distinct = [...new Set(sets)];
  const kinds = new Map<string, number[]>();
  for (let byte = 0; byte < 256; byte++) {
    const key = distinct.map((set) => (set.has(byte) ? '1' : '0')).join('');
    const known = kinds.get(key);
    if (known) known.push(byte);
    else kinds.set(key, [byte]);
  }
  return [...kinds.values()];
}

/** Several machines that read the same text. */
export interface Together {
  next(state: number, byte: number): number;
  /** Returns by machine whether it accepts; false for one that no longer matters. */
  accepts(state: number): readonly boolean[];
  readonly marks: readonly ByteSet[];
}

/** The state of a machine that no longer matters. */
const PASSED = -1;

/**
 * Machines that read the same text as one machine.
 * @param passes by machine, those that no longer matter once it is done: their states would only multiply
 */
export function together(machines: readonly Machine[], passes: ReadonlyMap<number, readonly number[]>): Together {
  const vectors: (readonly number[])[] = [];
  const ids = new Map<string, number>();
  const moves: Map<number, number>[] = [];
  const idOf = (vector: number[]): number => {
    for (const [index, others] of passes)
      if (vector[index] === PASSED || machines[index]?.isDone(vector[index] ?? 0))
        for (const other of others) vector[other] = PASSED;
    const key = vector.join();
    const known = ids.get(key);
    if (known !== undefined) return known;
    ids.set(key, vectors.length);
    moves.push(new Map());
    return vectors.push(vector) - 1;
  };
  idOf(machines.map(() => 0));
  return {
    next(state, byte) {
      const known = moves[state]?.get(byte);
      if (known !== undefined) return known;
      const vector = vectors[state] ?? [];
      const to = idOf(
        machines.map((machine, index) => (vector[index] === PASSED ? PASSED : machine.next(vector[index] ?? 0, byte))),
      );
      moves[state]?.set(byte, to);
      return to;
    },
    accepts: (state) =>
      machines.map(
        (machine, index) =>
          (vectors[state]?.[index] ?? PASSED) !== PASSED && machine.accepts(vectors[state]?.[index] ?? 0),
      ),
    // Worked out once for all texts: machines have very many marks, and bytes have at most 256 classes.
    marks: classesBy(machines.flatMap(({ marks }) => marks)).map((bytes) => new Set(bytes)),
  };
}
