import type { Endpoints } from '../../plan/endpoints.ts';
import { PARAMETER_TYPES, type ParameterType } from '../../policy/segment.ts';
import type { MapEntryDefinition, MapList } from './maps.ts';
import { patternName } from './names.ts';
import { restAfter, segmentOf, type TypeTest, typeFile } from './paths.ts';
import { type Part, type Variable, variable } from './quote.ts';

/**
 * The value of `$api_path_N` where no pattern leads. It is not "", which is the name of the root: a later segment could
 * then be looked up as if it were the first.
 */
export const NOWHERE = '-';
/** The result of a type test that no type passes. It makes a name that no pattern has: `/groups/{-}`. */
const UNFIT = '/{-}';

/** The transitions from a junction by the type of the next segment, narrowest type first. */
export interface ParameterRow {
  readonly from: string;
  readonly transitions: readonly (readonly [type: ParameterType, to: string])[];
}

export interface TransitionInput {
  readonly prefix: string;
  readonly depth: number;
  readonly routes: MapList;
}

/** The transitions by parameters, written as rows of maps. */
export interface Transitions {
  /** Returns whether a junction is the rest of a path that is looked up as a whole, where it begins. */
  readonly isWhole: (name: string) => boolean;
  /** Returns the rows from junctions to the next ones, and defines the maps of the type tests that these need. */
  readonly rows: (rows: readonly ParameterRow[], before: Part, segment: number) => MapEntryDefinition[];
  /** The type tests of all rows so far. */
  readonly tests: readonly TypeTest[];
}

export function transitionWriter(input: TransitionInput, { junctions }: Endpoints): Transitions {
  const whole = wholeRests(junctions);
  const tests: TypeTest[] = [];
  const rows = (given: readonly ParameterRow[], before: Part, segment: number): MapEntryDefinition[] => {
    const steps = given.map((row) => stepOf(row, whole));
    const used = new Map(steps.flatMap(testsOf).map((test) => [nameOf(test), test]));
    const at = (words: string) => variable(`${input.prefix}_${words}_${segment}`);
    for (const [name, test] of [...used].sort(([, a], [, b]) => (rankOf(a) < rankOf(b) ? -1 : 1))) {
      defineTest(test, { name: at(name), source: testedBy(test, segment, input.depth), routes: input.routes });
      tests.push(...testedTypes(test));
    }
    typedMaps(steps, { before, at, routes: input.routes });
    return steps.map(({ from, types, same }) => {
      if (!same) return [from, at(typedName(types))];
      // The path so far is written as its variable, so that many rows have the same value, which nginx stores once.
      return [from, [same.stem === from ? before : same.stem, at(nameOf(same.test))]];
    });
  };
  return { isWhole: (name) => whole.has(name), rows, tests };
}

/**
 * Returns the names of rests, such as `/files/{int*}`, that can be looked up as a whole where they begin. All their
 * segments are of one type, perhaps with a slash at the end, and every way into one is by a segment of that type. The
 * tables after that pass the name on.
 */
export function wholeRests(junctions: Endpoints['junctions']): ReadonlySet<string> {
  const whole = new Map<string, ParameterType>();
  for (const { name, literals, parameters } of junctions) {
    const [[type, to] = [], ...others] = [...parameters];
    const isOver = [...literals].every(([text, end]) => text === '' && end === `${name}/`);
    if (type && to === name && others.length === 0 && name.endsWith(`/{${type}*}`) && isOver) whole.set(name, type);
  }
  for (const { literals, parameters } of junctions) {
    for (const to of literals.values()) whole.delete(to);
    for (const [type, to] of parameters) if (whole.get(to) !== type) whole.delete(to);
  }
  return new Set(whole.keys());
}

/**
 * The map that yields the narrowest of these types that a segment has, `/{int}`, or of a rest, whether all segments
 * have the one type, `/{int*}`.
 */
export interface Test {
  readonly kind: TypeTest['kind'];
  readonly types: readonly ParameterType[];
}

interface Transition {
  readonly type: ParameterType;
  readonly kind: TypeTest['kind'];
  readonly to: string;
  /** `to` without its last part, where that part is what the type test yields; else `null`. */
  readonly stem: string | null;
}

interface Step {
  readonly from: string;
  readonly types: readonly ParameterType[];
  readonly transitions: readonly Transition[];
  /**
   * Set where one type test yields the last part of every target, after one stem: `/{int}` and `/{slug}` after
   * `/groups`.
   */
  readonly same: { readonly stem: string; readonly test: Test } | null;
}

function stepOf({ from, transitions: given }: ParameterRow, whole: ReadonlySet<string>): Step {
  const types = given.map(([type]) => type);
  const transitions = given.map(([type, to]) => transitionOf(type, to, whole.has(to) ? 'rest' : 'type'));
  const [first, ...others] = transitions;
  const isSame = others.every(({ kind, stem }) => kind === 'type' && first?.kind === 'type' && stem === first.stem);
  const same = first && first.stem !== null && isSame ? { stem: first.stem, test: { kind: first.kind, types } } : null;
  return { from: patternName(from), types, transitions, same };
}

function transitionOf(type: ParameterType, target: string, kind: TypeTest['kind']): Transition {
  const [to, end] = [patternName(target), kind === 'rest' ? `/{${type}*}` : `/{${type}}`];
  return { type, kind, to, stem: to.endsWith(end) ? to.slice(0, -end.length) : null };
}

function testsOf({ types, transitions, same }: Step): Test[] {
  if (same) return [same.test];
  const rests = transitions.filter(({ kind }) => kind === 'rest').map(({ type }) => restTest(type));
  return [{ kind: 'type', types }, ...rests];
}

const restTest = (type: ParameterType): Test => ({ kind: 'rest', types: [type] });

const rankOf = ({ kind, types }: Test) =>
  `${kind === 'type' ? 0 : 1}${types.map((type) => PARAMETER_TYPES.indexOf(type))}`;

/** Returns the words for a type test in names of variables: `as_int_or_slug`, `rest_int`. */
export function nameOf({ kind, types }: Test): string {
  return `${kind === 'type' ? 'as' : 'rest'}_${wordsOf(types)}`;
}

const typedName = (types: readonly ParameterType[]) => `typed_${wordsOf(types)}`;

function wordsOf(types: readonly ParameterType[]): string {
  return types.join('_or_').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function testedTypes({ kind, types }: Test): TypeTest[] {
  return types.map((type) => ({ kind, type }));
}

function testedBy({ kind }: Test, segment: number, depth: number): Variable[] {
  const numbers = Array.from({ length: depth + 1 - segment }, (_, index) => segment + index);
  return kind === 'rest' ? [...numbers.map(segmentOf), restAfter(depth)] : [segmentOf(segment)];
}

interface TestDefinition {
  readonly name: Variable;
  readonly source: readonly Part[];
  readonly routes: MapList;
}

/** Defines the map of a type test. */
export function defineTest({ kind, types }: Test, { name, source, routes }: TestDefinition): void {
  const includes = types.map((type) => typeFile({ kind, type }));
  routes.add({ name: name.variable, source, fallback: UNFIT, includes, oneLine: true });
}

interface TypedContext {
  readonly before: Part;
  readonly at: (words: string) => Variable;
  readonly routes: MapList;
}

/**
 * Defines the tables for junctions whose types lead to different stems: one table for all junctions with the same
 * types.
 */
function typedMaps(steps: readonly Step[], { before, at, routes }: TypedContext): void {
  const tables = new Map<string, Step[]>();
  for (const step of steps) {
    if (step.same) continue;
    const name = typedName(step.types);
    tables.set(name, [...(tables.get(name) ?? []), step]);
  }
  for (const [name, rows] of [...tables].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const test = rows.slice(0, 1).map(({ types }) => at(nameOf({ kind: 'type', types })));
    const exact = rows.flatMap(({ from, transitions }) =>
      transitions.map(({ type, kind, to, stem }): MapEntryDefinition => {
        const end = kind === 'rest' && stem !== null ? [stem, at(nameOf(restTest(type)))] : to;
        return [`${from}/{${type}}`, end];
      }),
    );
    routes.add({ name: at(name).variable, source: [before, ...test], fallback: NOWHERE, exact });
  }
}
