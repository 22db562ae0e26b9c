import type { Endpoints, Junction } from '../../plan/endpoints.ts';
import { escapeRegex } from '../../plan/regex.ts';
import { ACCEPTED_BY, classify, PARAMETER_TYPES, type ParameterType } from '../../policy/segment.ts';
import type { MapEntryDefinition, MapList } from './maps.ts';
import { isRestOfPath, patternName } from './names.ts';
import { restAfter, segmentOf, slashAfter, type TypeTest } from './paths.ts';
import { type Variable, variable } from './quote.ts';
import { defineTest, NOWHERE, nameOf, type Test, testedTypes, wholeRests } from './transitions.ts';

/** Segments of a path that tables look up one by one, where expressions can do the rest. */
const USUAL_DEPTH = 8;
const DEPTH_STEP = 4;
/** Most expressions of a proxy: nginx tries them one after the other. */
const MOST_ROWS = 256;
/** Most characters of an expression; a token of nginx holds 4,096. */
const LONGEST_SOURCE = 3_000;

/** A part of a longer path behind the segments that are looked up one by one. */
type TailPart =
  | { readonly kind: 'literal'; readonly text: string }
  /** One segment, or all that are left, by the types that some pattern has there. */
  | Test;

/** Paths of one form: those that one expression matches. */
interface LongerPath {
  /** Name of the junction after the last segment that is looked up by itself. */
  readonly from: string;
  readonly tail: readonly TailPart[];
  /** Names of endpoints by the types of the parameters, `/{int}/{slug}`. The key is "" where there is no parameter. */
  readonly ends: ReadonlyMap<string, string>;
}

/** What the types of the parameters so far lead to. */
interface Way {
  readonly types: string;
  readonly at: Junction;
}

/** How the paths of a proxy are divided between tables and expressions. */
export interface Divided {
  /** Number of segments that tables look up one by one. */
  readonly depth: number;
  /**
   * The paths of more segments, a path before those below it, and literal segments before parameters: the first
   * expression that matches decides.
   */
  readonly longer: readonly LongerPath[];
}

const known = new WeakMap<Endpoints, Divided>();

/**
 * Leaves to the tables 8 segments, and as many more as it takes to leave few paths to expressions. A path of nine
 * segments is so one more row, and no further tables.
 */
export function dividedPaths(endpoints: Endpoints): Divided {
  const divided = known.get(endpoints) ?? divide(endpoints.junctions);
  known.set(endpoints, divided);
  return divided;
}

function divide(junctions: Endpoints['junctions']): Divided {
  const byName = new Map(junctions.map((junction) => [junction.name, junction]));
  const whole = wholeRests(junctions);
  for (let depth = USUAL_DEPTH; ; depth += DEPTH_STEP) {
    const starts = junctions.filter(({ name }) => {
      const length = name.split('/').length - 1;
      return isRestOfPath(name) ? length <= depth && !whole.has(name) : length === depth;
    });
    const longer = longerPaths(starts, byName);
    if (longer?.every((path) => sourceOf(path, depth).length <= LONGEST_SOURCE)) return { depth, longer };
  }
}

/** Returns the paths that go on from these junctions; `undefined` where they are too many. */
function longerPaths(starts: readonly Junction[], byName: Walk['byName']): readonly LongerPath[] | undefined {
  const found: LongerPath[] = [];
  for (const start of starts)
    if (!follow([{ types: '', at: start }], [], { from: start.name, found, byName })) return undefined;
  return found;
}

interface Walk {
  readonly from: string;
  readonly found: LongerPath[];
  readonly byName: ReadonlyMap<string, Junction>;
}

/** Adds the paths that go on from these ways. Returns `false` where they are too many. */
function follow(ways: readonly Way[], tail: readonly TailPart[], walk: Walk): boolean {
  const { found, from, byName } = walk;
  const add = (more: readonly TailPart[], to: readonly Way[]) => {
    const ends = to.flatMap(({ types, at }) => (at.endpoint ? [[types, at.name] as const] : []));
    if (ends.length > 0) found.push({ from, tail: [...tail, ...more], ends: new Map(ends) });
  };
  const next = (name: string | undefined) => (name === undefined ? undefined : byName.get(name));
  if (tail.length > 0) add([], ways);
  for (const text of literalsOf(ways)) {
    const type = classify(text);
    const to = moved(ways, ({ at }) => next(at.literals.get(text) ?? (type && stepOf(at, type))), '');
    const part = { kind: 'literal', text } as const;
    if (text === '') add([part], to);
    else if (!follow(to, [...tail, part], walk)) return false;
  }
  const types = PARAMETER_TYPES.filter((type) => ways.some(({ at }) => at.parameters.has(type)));
  if (types.length === 0) return found.length <= MOST_ROWS;
  if (ways.every(({ at }) => isLoop(at))) {
    const ends = types.flatMap((type) => moved(ways, ({ at }) => lastOf(at, type, byName), `/{${type}*}`));
    const part = { kind: 'rest', types } as const;
    add([part], ends);
    const slashed = ends.flatMap(({ types: of, at }) => {
      const end = next(at.literals.get(''));
      return end ? [{ types: of, at: end }] : [];
    });
    add([part, { kind: 'literal', text: '' }], slashed);
    return found.length <= MOST_ROWS;
  }
  const to = types.flatMap((type) => moved(ways, ({ at }) => next(stepOf(at, type)), `/{${type}}`));
  return found.length + to.length <= MOST_ROWS && follow(to, [...tail, { kind: 'type', types }], walk);
}

function literalsOf(ways: readonly Way[]): string[] {
  return [...new Set(ways.flatMap(({ at }) => [...at.literals.keys()]))].sort();
}

function moved(ways: readonly Way[], to: (way: Way) => Junction | undefined, types: string): Way[] {
  return ways.flatMap((way) => {
    const at = to(way);
    return at ? [{ types: way.types + types, at }] : [];
  });
}

/** Returns where a segment leads whose narrowest type, of those that lead anywhere, is this one. */
function stepOf({ parameters }: Junction, type: ParameterType): string | undefined {
  const taken = ACCEPTED_BY[type].find((wider) => parameters.has(wider));
  return taken && parameters.get(taken);
}

/** Returns whether a junction is the rest of a path: after it come segments of its types only, and any number of them. */
function isLoop({ name, literals, parameters }: Junction): boolean {
  return [...parameters.values()].includes(name) && [...literals.keys()].every((text) => text === '');
}

/** Returns where segments lead that are all of one type, and not all of a narrower one. */
function lastOf(start: Junction, type: ParameterType, byName: Walk['byName']): Junction | undefined {
  for (let at: Junction | undefined = start; at; ) {
    const to: string | undefined = stepOf(at, type);
    if (to === at.name) return at;
    at = to === undefined ? undefined : byName.get(to);
  }
  return undefined;
}

const TESTED = 'The rest of a path that was tested to its end where it began.';

export interface LongerInput extends Divided {
  readonly prefix: string;
  readonly routes: MapList;
  readonly machinery: MapList;
}

/**
 * Defines the maps for paths of more segments than are looked up one by one. Returns the type tests that they need.
 *
 * The path so far and the segments after it, with a blank between them, are matched by an expression, which captures
 * the parameters: `/a/b/c/d/e/f/g/h /i/7` is of the form `/a/b/c/d/e/f/g/h/i/{}`. A second map looks up the form with
 * the types of its parameters. `$segment_9` is one variable for all expressions, since each captures the ninth segment.
 */
export function longerMaps({ prefix, depth, longer: paths, routes, machinery }: LongerInput): TypeTest[] {
  const before = variable(`${prefix}_path_${depth}`);
  const [rows, typed, tests] = [
    [] as MapEntryDefinition[],
    [] as MapEntryDefinition[],
    new Map<string, NumberedTest>(),
  ];
  for (const path of paths) {
    const found = testsOf(path, { prefix, depth });
    for (const test of found) tests.set(test.name.variable, test);
    const form = formOf(path);
    rows.push([sourceOf(path, depth), found.length === 0 ? form : [form, ' ', ...found.map(({ name }) => name)]]);
    for (const [types, end] of path.ends)
      if (found.length > 0 || patternName(end) !== form)
        typed.push([`${form}${types === '' ? '' : ' '}${types}`, patternName(end)]);
  }
  for (const { test, name, source } of [...tests.values()].sort((a, b) => (a.name.variable < b.name.variable ? -1 : 1)))
    defineTest(test, { name, source: [source], routes });
  const untested = new Set(paths.map(({ from }) => from).filter(isRestOfPath));
  const refused = [...untested].sort().map((from) => [`^${escapeRegex(patternName(from))} `, NOWHERE] as const);
  const longer = routes.add({
    name: `${prefix}_longer`,
    comment: `Paths of more than ${depth} segments: the first ${depth} as found above, a blank, and those after them.`,
    source: [before, ' ', restAfter(depth), slashAfter(depth)],
    fallback: NOWHERE,
    patterns: [...rows, ...refused, ['[*][}] ', [before, slashAfter(depth)], [TESTED]]],
  });
  const ends = routes.add({ name: `${prefix}_path_longer`, source: [longer], fallback: longer, exact: typed });
  machinery.add({
    name: `${prefix}_path_${depth}_or_more`,
    source: [restAfter(depth), slashAfter(depth)],
    fallback: ends,
    exact: [['', before]],
  });
  return [...tests.values()].flatMap(({ test }) => testedTypes(test));
}

interface NumberedTest {
  readonly test: Test;
  readonly name: Variable;
  readonly source: Variable;
}

function testsOf({ tail }: LongerPath, { prefix, depth }: Pick<LongerInput, 'prefix' | 'depth'>): NumberedTest[] {
  return tail.flatMap((part, index) => {
    if (part.kind === 'literal') return [];
    const number = depth + index + 1;
    const name = variable(`${prefix}_${nameOf(part)}_${number}`);
    return [{ test: part, name, source: part.kind === 'rest' ? restFrom(number) : segmentOf(number) }];
  });
}

const restFrom = (number: number): Variable => variable(`rest_${number}`);

/** Returns the name of the form of a path, `/groups/{}/hooks`: that of its endpoint, where it has no parameters. */
function formOf({ from, tail }: LongerPath): string {
  const parts = tail.map((part) => (part.kind === 'literal' ? part.text : part.kind === 'rest' ? '{*}' : '{}'));
  return patternName([from, ...parts].join('/'));
}

function sourceOf({ from, tail }: LongerPath, depth: number): string {
  const parts = tail.map((part, index) => {
    const number = depth + index + 1;
    if (part.kind === 'literal') return `/${escapeRegex(part.text)}`;
    return part.kind === 'rest' ? `(?<rest_${number}>(?:/[^/]++)++)` : `(?<segment_${number}>/[^/]++)`;
  });
  return `^${escapeRegex(patternName(from))} ${parts.join('')}\\z`;
}
