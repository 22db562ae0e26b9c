import type { Access } from '../policy/access.ts';
import { PARAMETER_TYPES, type ParameterType } from '../policy/segment.ts';

type States = Access['automaton']['states'];

/** States of a spec from which the same paths lead to ends with the same names. */
export interface AlikeStates {
  /** One of them. */
  readonly id: number;
  /** That of their ends; `undefined` where no rule is for them. */
  readonly name: string | undefined;
  /** The number of the next ones, by segment. */
  readonly literals: ReadonlyMap<string, number>;
  readonly parameters: Readonly<Partial<Record<ParameterType, number>>>;
}

/** Returns the states of a spec, those that are alike as one; the first is that of the start. */
export function alikeStates(states: States, nameOf: (state: number) => string | undefined): readonly AlikeStates[] {
  const names = states.map(({ id }) => nameOf(id));
  let classes = numbersOf(names.map((name) => JSON.stringify(name ?? null)));
  for (let count = 0; count < classes.count; ) {
    const before = classes.of;
    count = classes.count;
    classes = numbersOf(
      states.map(({ id, literals, parameters }) => {
        const next = [...literals].map(([text, to]) => [text, before[to]] as const);
        next.sort(([a], [b]) => (a < b ? -1 : 1));
        return JSON.stringify([before[id], next, PARAMETER_TYPES.map((type) => before[parameters[type] ?? -1])]);
      }),
    );
  }
  const { of } = classes;
  const firsts = new Map(states.toReversed().map((state) => [of[state.id] ?? 0, state]));
  return [...firsts]
    .sort(([a], [b]) => a - b)
    .map(([, state]) => state)
    .map(({ id, literals, parameters }) => ({
      id,
      name: names[id],
      literals: new Map([...literals].map(([text, to]) => [text, of[to] ?? 0])),
      parameters: Object.fromEntries(Object.entries(parameters).map(([type, to]) => [type, of[to]])),
    }));
}

/** Returns the same number for equal texts, in the order of their first. */
function numbersOf(texts: readonly string[]): { readonly of: readonly number[]; readonly count: number } {
  const numbers = new Map<string, number>();
  const of = texts.map((text) => {
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return number;
  });
  return { of, count: numbers.size };
}

/** The literals of all states, as trees. Trees that are equal are one. */
export class Literals {
  private readonly nodes: { readonly next: ReadonlyMap<number, number>; readonly end: number | undefined }[] = [];
  private readonly ids = new Map<string, number>();
  private readonly roots: readonly number[];

  constructor(states: readonly AlikeStates[]) {
    this.roots = states.map(({ literals }) =>
      this.treeOf(
        [...literals].sort(([a], [b]) => (a < b ? -1 : 1)),
        0,
      ),
    );
  }

  /** Adds texts that have the same beginning, in their order, and returns the node behind it. */
  private treeOf(texts: readonly (readonly [text: string, end: number])[], length: number): number {
    const own = texts[0]?.[0].length === length ? texts[0] : undefined;
    const next = new Map<number, number>();
    for (let from = own ? 1 : 0, to = from; from < texts.length; from = to) {
      const byte = texts[from]?.[0].charCodeAt(length) ?? 0;
      while (to < texts.length && texts[to]?.[0].charCodeAt(length) === byte) to++;
      next.set(byte, this.treeOf(texts.slice(from, to), length + 1));
    }
    const key = `${own?.[1]} ${[...next].join(' ')}`;
    const id = this.ids.get(key) ?? this.nodes.push({ next, end: own?.[1] }) - 1;
    this.ids.set(key, id);
    return id;
  }

  root(state: number): number | undefined {
    return this.roots[state];
  }

  /** The bytes with which a literal goes on, and what follows each of them. */
  after(node: number | undefined): ReadonlyMap<number, number> {
    return (node === undefined ? undefined : this.nodes[node]?.next) ?? NONE;
  }

  end(node: number | undefined): number | undefined {
    return node === undefined ? undefined : this.nodes[node]?.end;
  }
}

const NONE: ReadonlyMap<number, number> = new Map();
