import { type Access, type Endpoint, type RouteClass, routeClassOf } from '../policy/access.ts';
import type { State } from '../policy/automaton.ts';
import { METHOD_LETTERS, NO_RULES } from '../policy/pattern.ts';
import { CannotTell, exampleOf, just, matches, type Part, type Piece, pieceOf, type Run } from './explore.ts';
import { built, includes, type Language } from './language.ts';
import { lazily } from './lazily.ts';
import { wholly } from './matching.ts';
import type { Distinctions, SymbolicRequest } from './request.ts';
import { nameOf } from './rows.ts';
import { columnsOfTypes, DEAD, Kinds, MOST_KINDS, SLASH, START, TYPES, waysOf } from './segmentKinds.ts';
import { endsOf } from './specPaths.ts';

/** What the spec says about method and path. */
export interface SpecMatch {
  readonly endpoint: Endpoint | undefined;
  readonly routeClass: RouteClass | undefined;
}

type States = Access['automaton']['states'];

/** Looks up method and path in the spec, after narrowing both until the spec treats all that is left alike. */
export function specMatchOf(request: SymbolicRequest, access: Access, depth: number | undefined): SpecMatch {
  const { run } = request;
  const state = run.once('spec', () =>
    depth === undefined ? endOf(request, access) : walk(request, access.automaton.states, depth),
  );
  const endpoint = state && endpointsOf(access).get(state);
  if (!endpoint) return { endpoint: undefined, routeClass: undefined };
  request.method();
  const piece = pieceOf(run, 'method');
  const read = request.world.methods;
  const named = run.once('spec method', () => choose(run, 'method', piece, methodsOf(endpoint, read)));
  if (named === undefined && endpoint.others)
    run.once('spec every method', () => matches(run, [{ piece: 'method' }], wholly(METHOD_LETTERS)));
  const method = named ?? exampleOf(pieceOf(run, 'method')) ?? '';
  return { endpoint, routeClass: routeClassOf(method, endpoint) };
}

const endpoints = new WeakMap<Access, ReadonlyMap<State<unknown>, Endpoint>>();

function endpointsOf(access: Access): ReadonlyMap<State<unknown>, Endpoint> {
  const known = endpoints.get(access) ?? new Map(access.endpoints.map((each) => [each.state, each]));
  endpoints.set(access, known);
  return known;
}

const methods = {
  method: new WeakMap<Endpoint, readonly string[]>(),
  token: new WeakMap<Endpoint, readonly string[]>(),
} satisfies Record<Distinctions['methods'], unknown>;

/** Returns the methods that the spec tells apart; always the same list, by which `choose` knows what it found. */
function methodsOf(endpoint: Endpoint, read: Distinctions['methods']): readonly string[] {
  // What reads capitals alone, nginx, refuses these itself, before it looks at a table.
  const unruled = read === 'token' && endpoint.others ? NO_RULES : [];
  const known = methods[read].get(endpoint) ?? [...new Set([...endpoint.classes.keys(), 'GET', 'HEAD', ...unruled])];
  methods[read].set(endpoint, known);
  return known;
}

/** After how many segments no path of the spec is told apart by a text any more. */
export function depthOf({ automaton: { states } }: Access): number {
  const depths = new Map<number, number>();
  /** How many segments follow, the last of them written out; 0 for none. */
  const below = (id: number): number => {
    const known = depths.get(id);
    if (known !== undefined) return known;
    // The rest of a path leads back to where it comes from.
    depths.set(id, 0);
    const state = states[id];
    const literal = (state?.literals.size ?? 0) > 0 ? 1 : 0;
    const next = [...(state?.literals.values() ?? []), ...Object.values(state?.parameters ?? {})];
    const deepest = Math.max(0, ...next.filter((each) => each !== id).map(below));
    const own = deepest > 0 ? deepest + 1 : literal;
    depths.set(id, own);
    return own;
  };
  return Math.max(1, below(0) + 1);
}

/** Chooses what the spec makes of a path that was looked at as a whole. */
function endOf(request: SymbolicRequest, access: Access): State<unknown> | undefined {
  const { run } = request;
  request.wholePath();
  const { language } = pieceOf(run, 'path');
  const found = endpointsOf(access);
  const nameOf = (id: number) => {
    const own = access.automaton.states[id];
    const endpoint = own && found.get(own);
    return (
      endpoint &&
      JSON.stringify([
        endpoint.allow,
        [...endpoint.classes].map(([method, { id }]) => [method, id]),
        endpoint.others?.id,
      ])
    );
  };
  const { state, example } = run.choose(endsOf(access, language, nameOf));
  run.pieces.set('path', just(example));
  return state === undefined ? undefined : access.automaton.states[state];
}

function walk(request: SymbolicRequest, states: States, depth: number): State<unknown> | undefined {
  const shape = request.shape(depth);
  if (shape.kind === 'other') return undefined;
  const count = shape.kind === 'segments' ? shape.count : depth;
  let state: State<unknown> | undefined = states[0];
  for (let number = 1; number <= count && state; number++) {
    const from = state;
    state = request.run.once(`spec ${number}`, () => step(request.run, states, from, request.segment(number, depth)));
  }
  if (!state || shape.kind === 'segments') return state;
  if (shape.after) state = afterMore(request, states, state, depth);
  const end: number | undefined = shape.slash ? state?.literals.get('') : state?.id;
  return end === undefined ? undefined : states[end];
}

/** Returns the state after a segment, as the evaluator finds it: by a literal, else by the narrowest type. */
function step(run: Run, states: States, state: State<unknown>, [part]: readonly Part[]): State<unknown> | undefined {
  if (typeof part !== 'object' || !('piece' in part)) throw new Error('a segment is a piece');
  const text = choose(run, part.piece, pieceOf(run, part.piece), literalsFrom(state));
  const literal = text === undefined ? undefined : state.literals.get(text.slice(1));
  if (literal !== undefined) return states[literal];
  for (const { to, own } of waysFrom(state)) if (matches(run, [part], own)) return states[to];
  return undefined;
}

const literals = new WeakMap<State<unknown>, readonly string[]>();

function literalsFrom(state: State<unknown>): readonly string[] {
  const known = literals.get(state) ?? [...state.literals.keys()].map((text) => `/${text}`);
  literals.set(state, known);
  return known;
}

const ways = new WeakMap<State<unknown>, ReturnType<typeof waysOf>>();

function waysFrom(state: State<unknown>): ReturnType<typeof waysOf> {
  const known = ways.get(state) ?? waysOf(state.parameters);
  ways.set(state, known);
  return known;
}

interface Option {
  readonly text: string | undefined;
  readonly piece: Piece;
}

const options = new WeakMap<readonly string[], Map<string, readonly Option[]>>();

/** Chooses which of some texts a piece is, byte for byte; `undefined` for any other text. */
function choose(run: Run, name: string, piece: Piece, texts: readonly string[]): string | undefined {
  if (piece.only !== undefined) return texts.includes(piece.only) ? piece.only : undefined;
  const known = options.get(texts) ?? new Map<string, readonly Option[]>();
  options.set(texts, known);
  const key = nameOf(piece);
  const found = known.get(key) ?? split(piece, texts);
  known.set(key, found);
  const option = run.choose(found);
  run.pieces.set(name, option.piece);
  return option.text;
}

function split(piece: Piece, texts: readonly string[]): readonly Option[] {
  const there = texts.filter((text) => !piece.except.has(text) && includes(piece.language, text));
  const each = there.map((text) => ({ text, piece: { ...piece, only: text } }));
  if (there.length === 0) return [{ text: undefined, piece }];
  const others = { ...piece, except: new Set([...piece.except, ...there]) };
  return exampleOf(others) === undefined ? each : [...each, { text: undefined, piece: others }];
}

/** Returns the state after all segments that are not looked up one by one. */
function afterMore(
  request: SymbolicRequest,
  states: States,
  from: State<unknown>,
  depth: number,
): State<unknown> | undefined {
  const parts = request.further(depth);
  for (const [target, language] of furtherOf(states, from))
    if (matches(request.run, parts, language)) return states[target];
  return undefined;
}

const further = new WeakMap<State<unknown>, ReadonlyMap<number, Language>>();

function furtherOf(states: States, from: State<unknown>): ReadonlyMap<number, Language> {
  const known = further.get(from);
  if (known) return known;
  const reached = new Set([from.id]);
  for (const id of reached) {
    const state = states[id];
    if ([...(state?.literals.keys() ?? [])].some((text) => text !== ''))
      throw new CannotTell('a path is longer than the tables look');
    for (const next of Object.values(state?.parameters ?? {})) reached.add(next);
  }
  const result = new Map([...reached].map((target) => [target, languageTo(states, from, target)]));
  further.set(from, result);
  return result;
}

/** Returns the texts, such as `/a/b/c`, that lead from one state to another. */
function languageTo(states: States, from: State<unknown>, target: number): Language {
  const columns = columnsOfTypes();
  const byteOf = Uint8Array.from({ length: Math.max(...columns) + 1 }, (_, column) => columns.indexOf(column));
  /** The next state of the spec at the end of a segment; -1 for none. */
  const finish = (id: number, kind: number): number => {
    const type = kinds().end(kind);
    return (type && states[id]?.parameters[type]) ?? -1;
  };
  // A state of the draft is a state of the spec and the kind of the segment; at first there is none.
  const read = (state: string): readonly [id: number, kind: number] => {
    const number = Number(state);
    return [Math.floor(number / MOST_KINDS), number % MOST_KINDS];
  };
  const nameOf = (id: number, kind: number) => (id < 0 ? NOWHERE : String(id * MOST_KINDS + kind));
  return built({
    columnOf: Uint8Array.from(columns),
    columns: byteOf.length,
    start: nameOf(from.id, DEAD),
    step: (state, column) => {
      if (state === NOWHERE) return NOWHERE;
      const [id, kind] = read(state);
      const byte = byteOf[column] ?? 0;
      if (byte === SLASH) return nameOf(kind === DEAD ? id : finish(id, kind), START);
      const next = kinds().next(kind, byte);
      return next === DEAD ? NOWHERE : nameOf(id, next);
    },
    accepts: (state) => {
      const [id, kind] = read(state);
      return state !== NOWHERE && kind !== DEAD && finish(id, kind) === target;
    },
  });
}

const kinds = lazily(() => new Kinds(TYPES()));
const NOWHERE = '-1';
