import type { Access } from '../policy/access.ts';
import { type Language, settled } from './language.ts';
import { BYTES, columnsOfTypes, DEAD, Kinds, SLASH, START, waysOf } from './segmentKinds.ts';
import { type AlikeStates, alikeStates, Literals } from './specStates.ts';

const NOWHERE: Inside = { node: undefined, way: -1, kind: DEAD };

/** In the middle of a segment: how far which literals fit, and which types, of a state of the spec. */
interface Inside {
  readonly node: number | undefined;
  /** Which parameters that state has. */
  readonly way: number;
  readonly kind: number;
}

/** The automaton of a spec's paths over bytes, as far as anybody has walked it. States that go on alike are one. */
class SpecPaths {
  private readonly states: readonly AlikeStates[];
  private readonly inside: Inside[] = [NOWHERE, NOWHERE];
  private readonly ids = new Map<string, number>();
  private readonly literals: Literals;
  /** By `way`; states with equal parameters have the same. */
  private readonly kinds: readonly Kinds<number>[];
  private readonly wayOf: readonly number[];

  constructor(access: Access, nameOf: (state: number) => string | undefined) {
    this.states = alikeStates(access.automaton.states, nameOf);
    this.literals = new Literals(this.states);
    const ways = new Map<string, number>();
    this.wayOf = this.states.map(({ parameters }) => {
      const key = JSON.stringify(parameters);
      const way = ways.get(key) ?? ways.size;
      ways.set(key, way);
      return way;
    });
    this.kinds = [...ways.keys()].map((key) => new Kinds(waysOf(JSON.parse(key))));
  }

  step(state: number, byte: number): number {
    if (state === DEAD) return DEAD;
    if (byte === SLASH) return this.enter(state === START ? 0 : this.endsAt(state));
    const { node, way, kind } = this.inside[state] ?? NOWHERE;
    return this.stateOf({
      node: this.literals.after(node).get(byte),
      way,
      kind: this.kinds[way]?.next(kind, byte) ?? DEAD,
    });
  }

  /** The states of the spec that a path which ends here comes to. */
  end(state: number): AlikeStates | undefined {
    return this.states[this.endsAt(state) ?? -1];
  }

  /** The bytes with which a literal goes on from a state. */
  literalsAt(state: number): { has(byte: number): boolean; keys(): Iterable<number> } {
    return this.literals.after(this.inside[state]?.node);
  }

  private endsAt(state: number): number | undefined {
    const { node, way, kind } = this.inside[state] ?? NOWHERE;
    return this.literals.end(node) ?? this.kinds[way]?.end(kind);
  }

  private enter(state: number | undefined): number {
    if (state === undefined) return DEAD;
    return this.stateOf({ node: this.literals.root(state), way: this.wayOf[state] ?? 0, kind: START });
  }

  private stateOf(inside: Inside): number {
    const { node, way, kind } = inside;
    if (node === undefined && kind === DEAD) return DEAD;
    const key = `${node} ${kind === DEAD ? '' : `${way} ${kind}`}`;
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = this.inside.push(inside) - 1;
    this.ids.set(key, id);
    return id;
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

/** Returns what the spec makes of the paths of a language. Ends with the same `nameOf` are one; it is the same for each language. */
export function endsOf(
  access: Access,
  language: Language,
  nameOf: (state: number) => string | undefined,
): readonly PathEnd[] {
  const own = automata.get(access) ?? { paths: new SpecPaths(access, nameOf), ends: new Map() };
  automata.set(access, own);
  const found = own.ends.get(language.id) ?? findEnds(own.paths, language);
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

function findEnds(paths: SpecPaths, language: Language): PathEnd[] {
  const { accepts, next, columns, columnOf } = language;
  const after = goingOn(language);
  const reached: Reached[] = [{ at: START, own: 0, from: -1, byte: 0 }];
  const seen = new Set([START * accepts.length]);
  const ends = new Map<string, PathEnd>();
  for (const [index, { at, own }] of reached.entries()) {
    if (accepts[own] === 1) {
      const { name = '', id } = paths.end(at) ?? {};
      const known = ends.get(name);
      // An engine may refuse a target that does not begin with a slash, so that it shows less.
      const example = known?.example.startsWith('/') ? undefined : textTo(reached, index);
      if (example !== undefined && (!known || example.startsWith('/')))
        ends.set(name, { state: name === '' ? undefined : id, example });
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
