import type { Access, Cell, Place, Rule } from '../../policy/access.ts';
import type { State } from '../../policy/automaton.ts';
import { PARAMETER_TYPES, type ParameterType } from '../../policy/segment.ts';

/** Where paths lead: states of the automaton that nothing can tell apart are one. */
export interface Node {
  readonly number: number;
  readonly literals: readonly (readonly [text: string, next: number])[];
  readonly classes: Readonly<Partial<Record<ParameterType, number>>>;
  readonly place: Landing | undefined;
}

export interface Landing {
  /** Name of the cell by method, HEAD written out. */
  readonly cells: readonly (readonly [method: string, cell: string])[];
  readonly allow: string;
}

export interface Nodes {
  readonly start: number;
  /** By number. */
  readonly nodes: ReadonlyMap<number, Node>;
}

/** Longer ids, of paths that many groups allow, would not fit into a token beside what stands in front of them. */
const LONGEST_NAME = 200;

/** What maps call the cells: by their ids, or by numbers where ids are long or differ in case only, which maps do not see. */
export function cellNames({ cells }: Access): ReadonlyMap<Cell, string> {
  const short = cells.every(({ id }) => id.length <= LONGEST_NAME);
  const distinct = short && new Set(cells.map(({ id }) => id.toLowerCase())).size === cells.length;
  return new Map(cells.map((cell, index) => [cell, distinct ? cell.id : String(index + 1)]));
}

/**
 * Merges the states with the same future, leaves first. Ten thousand routes usually end in a handful of
 * ways, so the tables behind the routing stay small and in the processor's cache.
 */
export function mergeStates(access: Access): Nodes {
  const names = cellNames(access);
  const landings = new Map(access.places.map((place) => [place.state.id, landingOf(place, names)]));
  const nodes = new Map<number, Node>();
  const bySignature = new Map<string, number>();
  const merged = new Map<number, number>();
  const numberOf = (id: number): number => {
    const known = merged.get(id);
    if (known !== undefined) return known;
    const state = access.automaton.states[id];
    if (!state) throw new Error(`no state ${id}`);
    // The rest of a path after {name*}: the only kind of state that leads to itself.
    const next = (to: number) => (to === id ? 0 : numberOf(to));
    const literals = [...state.literals]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([text, to]) => [text, next(to)] as const);
    const classes = classesOf(state, next);
    const place = landings.get(id);
    const signature = JSON.stringify([literals, classes, place]);
    const number = bySignature.get(signature) ?? bySignature.size + 1;
    merged.set(id, number);
    if (!nodes.has(number)) nodes.set(number, { number, literals, classes: withSelf(classes, number), place });
    bySignature.set(signature, number);
    return number;
  };
  return { start: numberOf(0), nodes };
}

function classesOf(state: State<Rule>, next: (to: number) => number): Partial<Record<ParameterType, number>> {
  const entries = PARAMETER_TYPES.flatMap((type) => {
    const to = state.classes[type];
    return to === undefined ? [] : [[type, next(to)] as const];
  });
  return Object.fromEntries(entries);
}

function withSelf(classes: Partial<Record<ParameterType, number>>, self: number): Node['classes'] {
  return Object.fromEntries(Object.entries(classes).map(([type, to]) => [type, to === 0 ? self : to]));
}

function landingOf({ allow, cells }: Place, names: ReadonlyMap<Cell, string>): Landing {
  const byMethod = new Map([...cells].map(([method, cell]) => [method, names.get(cell) ?? '']));
  const get = byMethod.get('GET');
  if (get !== undefined && !byMethod.has('HEAD')) byMethod.set('HEAD', get);
  return { cells: [...byMethod], allow: allow.join(', ') };
}
