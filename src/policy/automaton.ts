import type { PathPattern } from './pattern.ts';
import { ACCEPTED_BY, classify, PARAMETER_TYPES, type ParameterType } from './segment.ts';

/**
 * All patterns of a proxy as one deterministic automaton over path segments. A path leads to exactly one state, which
 * knows all patterns that match the path: there is no order and no "most specific first". Evaluator, engines, probes
 * and access diff all use this one structure.
 */
export interface Automaton<T> {
  /** The start state is the first. */
  readonly states: readonly State<T>[];
}

export interface State<T> {
  readonly id: number;
  /** The next state for these segments, byte for byte. They are tried before `parameters`. */
  readonly literals: ReadonlyMap<string, number>;
  /** The next state for any other segment, by its most specific type. */
  readonly parameters: Readonly<Partial<Record<ParameterType, number>>>;
  /** The items whose pattern matches a path that ends here, in the order in which they were given. */
  readonly accepts: readonly T[];
  /** A shortest path that leads here, "" for the start state. */
  readonly example: string;
  /**
   * The pattern of the paths that lead here, its parameters by type: `/groups/{encodedPath}/hooks`; "" for the start
   * state. No two states share one, and a state keeps its own when other patterns come or go, with one exception: a new
   * pattern below `/files/{segment*}` may divide the state of that rest.
   */
  readonly name: string;
}

/** An example segment of each class: a segment that no narrower type accepts. */
export const CLASS_EXAMPLES: Readonly<Record<ParameterType, string>> = {
  int: '42',
  hex: 'c0ffee',
  uuid: '0b0e1d2c-3a4f-4b5c-8d6e-7f8091a2b3c4',
  slug: 'x-1',
  segment: 'x~1',
  encodedPath: 'x%2Fy',
  encodedText: 'x%3Fy',
};

/** Returns a segment of a class that is no literal here. Every class is infinite, so there is one. */
export function freshSegment(type: ParameterType, isTaken: (text: string) => boolean): string {
  const example = CLASS_EXAMPLES[type];
  if (!isTaken(example)) return example;
  for (let number = 1; ; number++) {
    const text = type === 'uuid' ? `${number.toString(16).padStart(8, '0')}${example.slice(8)}` : `${example}${number}`;
    if (!isTaken(text)) return text;
  }
}

/**
 * The most steps that building an automaton may take for overlaps; the tables of an engine would be as large. 14
 * patterns of 14 segments exceed it if each has one literal, at another place in every pattern, and 13 parameters. The
 * steps that any list of patterns takes, `WORK_PER_NODE` for each node of their tree, come on top.
 */
export const MAX_OVERLAPS = 600_000;
const WORK_PER_NODE = 20;
/** The most nodes of the tree. A pattern with four lists of 30 values has more: 30 × 30 × 30 × 30 literals. */
const MAX_NODES = 400_000;

interface Node<T> {
  readonly order: number;
  /** The pattern up to here, parameters by type. */
  readonly name: string;
  readonly literals: Map<string, Node<T>>;
  readonly parameters: Partial<Record<ParameterType, Node<T>>>;
  /** Reached by one or more segments of a type. */
  readonly rests: Partial<Record<ParameterType, Node<T>>>;
  /** Set on the node of a rest itself: the segments that lead back to it. */
  readonly repeats: ParameterType | undefined;
  readonly accepts: { readonly item: T; readonly index: number }[];
}

/** Returns all patterns as one tree; `undefined` if it would have more than `MAX_NODES` nodes. */
function insertAll<T extends { readonly pattern: PathPattern }>(
  items: readonly T[],
): { readonly root: Node<T>; readonly count: number } | undefined {
  let count = 0;
  const create = (name: string, repeats?: ParameterType): Node<T> => ({
    order: count++,
    name,
    literals: new Map(),
    parameters: {},
    rests: {},
    repeats,
    accepts: [],
  });
  const literal = ({ name, literals }: Node<T>, text: string): Node<T> => {
    const node = literals.get(text) ?? create(`${name}/${text}`);
    literals.set(text, node);
    return node;
  };
  const parameter = ({ name, parameters }: Node<T>, type: ParameterType): Node<T> => {
    parameters[type] ??= create(`${name}/${parameterName(type)}`);
    return parameters[type];
  };
  const rest = ({ name, rests }: Node<T>, type: ParameterType): Node<T> => {
    rests[type] ??= create(`${name}/${restName(type)}`, type);
    return rests[type];
  };
  const root = create('');
  for (const [index, item] of items.entries()) {
    let nodes = [root];
    for (const segment of item.pattern.segments) {
      if (segment.kind === 'rest') nodes = nodes.map((node) => rest(node, segment.type));
      else if (segment.kind === 'parameter') nodes = nodes.map((node) => parameter(node, segment.type));
      else if (segment.kind === 'literal') nodes = nodes.map((node) => literal(node, segment.text));
      else if (nodes.length * segment.values.length > MAX_NODES) return undefined;
      else nodes = nodes.flatMap((node) => segment.values.map((value) => literal(node, value)));
      if (count > MAX_NODES) return undefined;
    }
    for (const node of nodes) node.accepts.push({ item, index });
  }
  return { root, count };
}

/** Returns the nodes that a non-literal segment of a class leads to. */
function afterClass<T>(nodes: readonly Node<T>[], type: ParameterType): Node<T>[] {
  const next: Node<T>[] = [];
  for (const node of nodes) {
    for (const accepting of ACCEPTED_BY[type]) {
      for (const child of [node.parameters[accepting], node.rests[accepting]]) if (child) next.push(child);
      if (node.repeats === accepting) next.push(node);
    }
  }
  return next;
}

function afterLiteral<T>(nodes: readonly Node<T>[], text: string): Node<T>[] {
  const type = classify(text);
  const next = type === undefined ? [] : afterClass(nodes, type);
  for (const node of nodes) {
    const child = node.literals.get(text);
    if (child) next.push(child);
  }
  return next;
}

/**
 * Returns the part of a name that means a parameter; `restName` is that for the rest of a path. No literal holds a
 * brace.
 */
export function parameterName(type: ParameterType): string {
  return `{${type}}`;
}
export function restName(type: ParameterType): string {
  return `{${type}*}`;
}
const isRestName = (part: string | undefined) => part?.endsWith('*}') === true;

/** Returns the pattern of the paths that lead to all of these nodes: in each place the narrowest of their parts. */
function meetOf(nodes: readonly { readonly name: string }[]): string {
  const [first, ...others] = nodes;
  if (!first || others.length === 0) return first?.name ?? '';
  return others.reduce((name, other) => narrower(name.split('/'), other.name.split('/')), first.name);
}

function narrower(a: readonly string[], b: readonly string[]): string {
  const length = Math.max(a.length, b.length);
  const [left, right] = [stretched(a, length), stretched(b, length)];
  return left.map((part, index) => narrowerPart(part, right[index] ?? part)).join('/');
}

/**
 * Returns a pattern with its rest repeated until it has `length` parts: `/files/{slug*}` as three is
 * `/files/{slug*}/{slug*}`.
 */
function stretched(parts: readonly string[], length: number): readonly string[] {
  const at = parts.findIndex(isRestName);
  const more = Array.from({ length: length - parts.length }, () => parts[at] ?? '');
  return at < 0 ? parts : parts.toSpliced(at, 0, ...more);
}

const BREADTH = PARAMETER_TYPES.map(parameterName);

/** Returns the narrower of two parts that accept a common segment. A literal is narrower than any type. */
function narrowerPart(a: string, b: string): string {
  const [one, other] = [a, b].map((part) => part.replace('*}', '}'));
  if (one === undefined || other === undefined) return a;
  // A literal is not in BREADTH: its index is -1, the smallest.
  const narrow = BREADTH.indexOf(one) <= BREADTH.indexOf(other) ? one : other;
  return isRestName(a) && isRestName(b) ? narrow.replace('}', '*}') : narrow;
}

/** Stands for every empty map: most of the states of a large spec have no literal behind them. */
const NONE: ReadonlyMap<string, number> = new Map();

/**
 * Builds the automaton by subset construction. O(states × branches).
 * @returns `undefined` where that would take more steps than `MAX_OVERLAPS` and what the patterns themselves need
 */
export function buildAutomaton<T extends { readonly pattern: PathPattern }>(
  items: readonly T[],
): Automaton<T> | undefined {
  const states: State<T>[] = [];
  const queue: { nodes: readonly Node<T>[]; example: string }[] = [];
  const ids = new Map<string, number>();
  let work = 0;
  const idOf = (found: readonly Node<T>[], example: string): number => {
    work += found.length;
    const nodes = [...new Set(found)].sort((a, b) => a.order - b.order);
    const key = nodes.map((node) => node.order).join();
    const known = ids.get(key);
    if (known !== undefined) return known;
    ids.set(key, queue.length);
    return queue.push({ nodes, example }) - 1;
  };
  const tree = insertAll(items);
  if (!tree) return undefined;
  const limit = MAX_OVERLAPS + WORK_PER_NODE * tree.count;
  idOf([tree.root], '');
  for (let id = 0; id < queue.length; id++) {
    const { nodes, example } = queue[id] ?? { nodes: [], example: '' };
    if (work > limit) return undefined;
    const literals = new Map<string, number>();
    for (const text of new Set(nodes.flatMap((node) => [...node.literals.keys()]))) {
      literals.set(text, idOf(afterLiteral(nodes, text), `${example}/${text}`));
    }
    const parameters: Partial<Record<ParameterType, number>> = {};
    for (const type of PARAMETER_TYPES) {
      const next = afterClass(nodes, type);
      if (next.length > 0)
        parameters[type] = idOf(next, `${example}/${freshSegment(type, (text) => literals.has(text))}`);
    }
    const accepted = new Map(nodes.flatMap((node) => node.accepts).map(({ item, index }) => [index, item]));
    const accepts = [...accepted].sort(([a], [b]) => a - b).map(([, item]) => item);
    states.push({
      id,
      literals: literals.size > 0 ? literals : NONE,
      parameters,
      accepts,
      example,
      name: meetOf(nodes),
    });
  }
  return { states };
}

/** Returns the state that a raw path leads to; `undefined` if no pattern can match. */
export function run<T>(automaton: Automaton<T>, path: string): State<T> | undefined {
  if (!path.startsWith('/')) return undefined;
  let state = automaton.states[0];
  for (const segment of path.slice(1).split('/')) {
    if (!state) return undefined;
    let next = state.literals.get(segment);
    if (next === undefined) {
      const type = classify(segment);
      next = type === undefined ? undefined : state.parameters[type];
    }
    state = next === undefined ? undefined : automaton.states[next];
  }
  return state;
}
