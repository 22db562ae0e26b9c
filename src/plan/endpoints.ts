import type { SpecPath } from '../diagnostics/diagnostic.ts';
import { type Access, isRoute, type RouteClass, type Rule, routeClassOf, takes } from '../policy/access.ts';
import { parameterName, restName, type State } from '../policy/automaton.ts';
import { EVERY_METHOD, type PatternSegment } from '../policy/pattern.ts';
import { PARAMETER_TYPES, type ParameterType, WIDER } from '../policy/segment.ts';

/** What a method does at an endpoint: one row of a table of routes. */
export interface Operation {
  readonly method: string;
  /** The route class of the method. */
  readonly routeClass: RouteClass;
  /** Rules of the spec that allow it, in the order of the proxy; never empty. */
  readonly rules: readonly Rule[];
  /** Reasons that the spec gives for it, each once. */
  readonly reasons: readonly string[];
}

/** A pattern at which some request is allowed. */
export interface Endpoint {
  /** The pattern, with parameters by type: `/groups/{encodedPath}/hooks`. */
  readonly name: string;
  /** Methods for `Allow`: sorted, HEAD beside GET; `*` for every method. */
  readonly allow: readonly string[];
  /** Operations sorted by method. HEAD has its own where GET includes it; `*` is every method that has none. */
  readonly operations: readonly Operation[];
  /** Sorted names of the route groups that allow something here. */
  readonly groups: readonly string[];
  /** Rules whose own pattern this is; none for an endpoint that exists only because patterns overlap. */
  readonly written: readonly Rule[];
  /** Where the spec has its rules, in the order of the proxy. */
  readonly origins: readonly SpecPath[];
}

/** A point between two segments of a path, from which the next segment leads on. */
export interface Junction {
  /**
   * The pattern so far: "" at the root, `/groups/{int}` after two segments, `/files/{segment*}` within the rest of a
   * path.
   */
  readonly name: string;
  /** Names of the next junctions by literal segment, sorted. They are compared byte for byte, before `parameters`. */
  readonly literals: ReadonlyMap<string, string>;
  /**
   * Names of the next junctions by type, narrowest first: the first type listed that matches a segment decides. A type
   * that leads where the next wider one leads is left out.
   */
  readonly parameters: ReadonlyMap<ParameterType, string>;
  /** The endpoint of paths that end here; absent where none does. */
  readonly endpoint?: Endpoint;
}

/** The paths of a proxy by name. Names are stable: a further route adds names and changes none. */
export interface Endpoints {
  /** Endpoints in the order of a sitemap: a path before those below it. */
  readonly endpoints: readonly Endpoint[];
  /** Junctions in the same order; the first is the root, "". */
  readonly junctions: readonly Junction[];
}

const known = new WeakMap<Access, Endpoints>();

export function endpointsOf(access: Access): Endpoints {
  const endpoints = known.get(access) ?? build(access);
  known.set(access, endpoints);
  return endpoints;
}

function build(access: Access): Endpoints {
  const byState = new Map(access.endpoints.map((place) => [place.state.id, endpointOf(place)]));
  const nameOf = (id: number): string => {
    const state = access.automaton.states[id];
    if (!state) throw new Error(`no state ${id}`);
    return state.name;
  };
  const states = inSitemapOrder(access.automaton.states, ({ name }) => name);
  const junctions = states.map((state) => {
    const endpoint = byState.get(state.id);
    return { name: state.name, ...stepsOf(state, nameOf), ...(endpoint ? { endpoint } : {}) };
  });
  return { junctions, endpoints: junctions.flatMap(({ endpoint }) => endpoint ?? []) };
}

/** Sorts by pattern for the order of a sitemap, segment by segment, so that all paths below a path stand together. */
export function inSitemapOrder<T>(rows: readonly T[], patternOf: (row: T) => string): T[] {
  // What stands in for the slash comes before every character of a pattern, and a NUL behind a pattern before that.
  const placed = rows.map((row) => ({ row, place: patternOf(row).replaceAll('/', '\x01') }));
  placed.sort((a, b) => (a.place < b.place ? -1 : a.place > b.place ? 1 : 0));
  return placed.map(({ row }) => row);
}

function endpointOf(endpoint: Access['endpoints'][number]): Endpoint {
  const { state, allow, others } = endpoint;
  const operations = allow.flatMap((method): Operation[] => {
    const isEvery = method === EVERY_METHOD;
    const routeClass = isEvery ? others : routeClassOf(method, endpoint);
    if (!routeClass) return [];
    const rules = state.accepts.filter((rule) => (isEvery ? rule.methods.includes(method) : takes(rule, method)));
    const reasons = rules.filter(isRoute).flatMap(({ reason }) => reason ?? []);
    return [{ method, routeClass, rules, reasons: [...new Set(reasons)] }];
  });
  const groups = state.accepts.filter(isRoute).map(({ group }) => group);
  return {
    name: state.name,
    allow,
    operations,
    groups: [...new Set(groups)].sort(),
    written: state.accepts.filter((rule) => isWrittenAs(rule, state.name)),
    origins: state.accepts.map(({ origin }) => origin),
  };
}

/** Returns whether the pattern of a rule has this name, with parameters by type and one value of each choice. */
function isWrittenAs({ pattern: { segments } }: Rule, name: string): boolean {
  const parts = name.slice(1).split('/');
  return parts.length === segments.length && segments.every((segment, index) => isNamed(segment, parts[index] ?? ''));
}

function isNamed(segment: PatternSegment, part: string): boolean {
  switch (segment.kind) {
    case 'literal':
      return segment.text === part;
    case 'choice':
      return segment.values.includes(part);
    case 'parameter':
      return part === parameterName(segment.type);
    case 'rest':
      return part === restName(segment.type);
  }
}

function stepsOf(
  { literals, parameters: steps }: State<Rule>,
  nameOf: (id: number) => string,
): Pick<Junction, 'literals' | 'parameters'> {
  const types = PARAMETER_TYPES.filter((type) => {
    const wider = WIDER[type];
    return steps[type] !== (wider && steps[wider]);
  });
  const parameters = types.flatMap((type) => {
    const next = steps[type];
    return next === undefined ? [] : [[type, nameOf(next)] as const];
  });
  const sorted = [...literals].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    literals: mapOf(sorted.map(([text, next]) => [text, nameOf(next)])),
    parameters: mapOf(parameters),
  };
}

/** Stands for every empty map: most junctions of a large spec lead on in one way or in none. */
const NONE: ReadonlyMap<never, string> = new Map<never, string>();

function mapOf<K extends string>(entries: readonly (readonly [K, string])[]): ReadonlyMap<K, string> {
  return entries.length === 0 ? NONE : new Map(entries);
}
