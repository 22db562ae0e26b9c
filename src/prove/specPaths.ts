import type { Access } from '../policy/access.ts';
import { type Language, settled } from './language.ts';
import { BYTES, columnsOfTypes, DEAD, Kinds, MOST_KINDS, SLASH, START } from './segmentKinds.ts';

type States = Access['automaton']['states'];

const NO_NODE = -1;
const NONE: ReadonlySet<number> = new Set();

/** In the middle of a segment: which state of the spec it follows, how far which literals fit, and which types. */
interface Inside {
  readonly id: number;
  readonly node: number;
  readonly kind: number;
}

/** The automaton of a spec's paths over bytes, as far as anybody has walked it. */
class SpecPaths {
  private readonly states: States;
  private readonly inside: (Inside | undefined)[] = [undefined, undefined];
  /** By state of the spec or by node of its literals, which no other state has, and by kind of segment. */
  private readonly ids = new Map<number, number>();
  private readonly literals: Literals;
  private readonly kinds = new Kinds();

  constructor(states: States) {
    this.states = states;
    this.literals = new Literals(states);
  }

  step(state: number, byte: number): number {
    if (state === DEAD) return DEAD;
    const own = this.inside[state];
    if (byte === SLASH) return this.enter(own ? this.end(state) : 0);
    if (!own) return DEAD;
    const node = this.literals.next(own.node, byte);
    const kind = this.kinds.next(own.kind, byte);
    return node === NO_NODE && kind === DEAD ? DEAD : this.stateOf({ id: own.id, node, kind });
  }

  /** The state of the spec that a path which ends here comes to. */
  end(state: number): number | undefined {
    const own = this.inside[state];
    if (!own) return undefined;
    const literal = this.literals.end(own.node);
    if (literal !== undefined) return literal;
    const type = this.kinds.type(own.kind);
    return type && this.states[own.id]?.parameters[type];
  }

  /** The bytes with which a literal goes on from a state. */
  literalsAt(state: number): { has(byte: number): boolean; keys(): Iterable<number> } {
    return this.literals.after(this.inside[state]?.node ?? NO_NODE);
  }

  private enter(id: number | undefined): number {
    return id === undefined ? DEAD : this.stateOf({ id, node: this.literals.root(id), kind: START });
  }

  private stateOf(inside: Inside): number {
    const place = inside.node === NO_NODE ? inside.id : this.states.length + inside.node;
    const key = place * MOST_KINDS + inside.kind;
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = this.inside.push(inside) - 1;
    this.ids.set(key, id);
    return id;
  }
}

/** The literals of all states, as trees. */
class Literals {
  private readonly nodes: { readonly next: Map<number, number>; end?: number }[] = [];
  private readonly roots: readonly number[];

  constructor(states: States) {
    this.roots = states.map(({ literals }) => {
      const root = this.node();
      for (const [text, end] of literals) this.add(root, text, end);
      return root;
    });
  }

  private node(): number {
    return this.nodes.push({ next: new Map() }) - 1;
  }

  private add(root: number, text: string, end: number): void {
    let at = root;
    for (let index = 0; index < text.length; index++) {
      const own = this.nodes[at]?.next;
      const to = own?.get(text.charCodeAt(index)) ?? this.node();
      own?.set(text.charCodeAt(index), to);
      at = to;
    }
    const last = this.nodes[at];
    if (last) last.end = end;
  }

  root(id: number): number {
    return this.roots[id] ?? NO_NODE;
  }

  next(node: number, byte: number): number {
    return this.nodes[node]?.next.get(byte) ?? NO_NODE;
  }

  after(node: number): { has(byte: number): boolean; keys(): Iterable<number> } {
    return this.nodes[node]?.next ?? NONE;
  }

  end(node: number): number | undefined {
    return this.nodes[node]?.end;
  }
}

const automata = new WeakMap<Access, { readonly paths: SpecPaths; readonly ends: Map<number, readonly PathEnd[]> }>();

/** Some paths that the spec treats alike. */
export interface PathEnd {
  /** The state of the spec's automaton that they come to; `undefined` where no rule is for them. */
  readonly state: number | undefined;
  /** A shortest one. */
  readonly example: string;
}

/** Returns what the spec makes of the paths of a language. Ends with the same `nameOf` are one. */
export function endsOf(
  access: Access,
  language: Language,
  nameOf: (state: number) => string | undefined,
): readonly PathEnd[] {
  const own = automata.get(access) ?? { paths: new SpecPaths(access.automaton.states), ends: new Map() };
  automata.set(access, own);
  const found = own.ends.get(language.id) ?? findEnds(own.paths, language, nameOf);
  own.ends.set(language.id, found);
  return found;
}

/** Bytes that lead from one state of a language to another, and that all types of segments treat alike. */
interface Alike {
  readonly to: number;
  readonly bytes: readonly number[];
}

/** Returns how texts of a language go on from a state. */
function goingOn(language: Language): (state: number) => readonly Alike[] {
  const { accepts, next, columns, columnOf } = language;
  const alive = accepts.map((_, state) => (settled(language, state) === false ? 0 : 1));
  const classes = new Map<number, { readonly column: number; readonly type: number; readonly bytes: number[] }>();
  for (const byte of BYTES) {
    const [column, type] = [columnOf[byte] ?? 0, columnsOfTypes()[byte] ?? 0];
    const key = column * 256 + type;
    const known = classes.get(key) ?? { column, type, bytes: [] };
    classes.set(key, known);
    known.bytes.push(byte);
  }
  const all = [...classes.values()];
  const known: (readonly Alike[])[] = [];
  const find = (state: number): readonly Alike[] => {
    const found = new Map<number, { to: number; bytes: number[] }>();
    for (const { column, type, bytes } of all) {
      const to = next[state * columns + column] ?? 0;
      if (alive[to] !== 1) continue;
      const own = found.get(to * 256 + type);
      if (own) own.bytes.push(...bytes);
      else found.set(to * 256 + type, { to, bytes: [...bytes] });
    }
    return [...found.values()];
  };
  return (state) => {
    const found = known[state] ?? find(state);
    known[state] = found;
    return found;
  };
}

interface Reached {
  readonly at: number;
  readonly own: number;
  readonly from: number;
  readonly byte: number;
}

function findEnds(paths: SpecPaths, language: Language, nameOf: (state: number) => string | undefined): PathEnd[] {
  const { accepts, next, columns, columnOf } = language;
  const after = goingOn(language);
  const reached: Reached[] = [{ at: START, own: 0, from: -1, byte: 0 }];
  const seen = new Set([START * accepts.length]);
  const ends = new Map<string, PathEnd>();
  for (const [index, { at, own }] of reached.entries()) {
    if (accepts[own] === 1) {
      const state = paths.end(at);
      const name = state === undefined ? undefined : nameOf(state);
      if (!ends.has(name ?? ''))
        ends.set(name ?? '', { state: name === undefined ? undefined : state, example: textTo(reached, index) });
    }
    const literals = paths.literalsAt(at);
    for (const { to, bytes } of after(own)) {
      const other = bytes.find((byte) => !literals.has(byte));
      if (other !== undefined) reach(index, other, to);
    }
    for (const byte of literals.keys()) reach(index, byte, next[own * columns + (columnOf[byte] ?? 0)] ?? 0);
  }
  return [...ends.values()];

  function reach(from: number, byte: number, own: number): void {
    if (settled(language, own) === false) return;
    const at = paths.step(reached[from]?.at ?? DEAD, byte);
    const key = at * accepts.length + own;
    if (seen.has(key)) return;
    seen.add(key);
    reached.push({ at, own, from, byte });
  }
}

function textTo(reached: readonly Reached[], index: number): string {
  let text = '';
  for (let at = reached[index]; at && at.from >= 0; at = reached[at.from]) text = String.fromCharCode(at.byte) + text;
  return text;
}
