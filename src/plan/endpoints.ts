import type { SpecPath } from '../diagnostics/diagnostic.ts';
import { type Access, isRoute, lookupMethod, type RouteClass, type Rule, takes } from '../policy/access.ts';
import { parameterName, restName, type State } from '../policy/automaton.ts';
import type { PatternSegment } from '../policy/pattern.ts';
import { PARAMETER_TYPES, type ParameterType, WIDER } from '../policy/segment.ts';

/** What a method does at a path: one row of a table of routes. */
export interface Operation {
  readonly method: string;
  /** The route class, which an engine looks up. */
  readonly routeClass: RouteClass;
  /** What the spec says to allow it, in the order of the proxy; never empty. */
  readonly rules: readonly Rule[];
  /** What the spec gives as reasons, each once. */
  readonly reasons: readonly string[];
}

/** A pattern at which some request is allowed. */
export interface Endpoint {
  /** The pattern itself, parameters by type: `/groups/{encodedPath}/hooks`. */
  readonly name: string;
  /** For `Allow`: sorted, HEAD beside GET; `*` for every method. */
  readonly allow: readonly string[];
  /** By method, sorted; HEAD is written out where GET takes it along, `*` is every method that is not. */
  readonly operations: readonly Operation[];
  /** Sorted names of the route groups that allow something here. */
  readonly groups: readonly string[];
  /** The rules whose own pattern this is; none where patterns only meet. */
  readonly written: readonly Rule[];
  /** Where in the spec it is written, in the order of the proxy. */
  readonly origins: readonly SpecPath[];
}

/** A place between the segments of a path, and where the next segment leads. */
export interface Junction {
  /** The pattern so far; "" where no segment has been read, `/files/{segment*}` where the rest of a path is read. */
  readonly name: string;
  /** The next place by literal segment, byte for byte; looked at before `parameters`. Sorted. */
  readonly literals: ReadonlyMap<string, string>;
  /**
   * The next place by type, narrowest first: of the types listed, the first that takes a segment is its way. Types
   * that would lead nowhere else than the next wider one are left out.
   */
  readonly parameters: ReadonlyMap<ParameterType, string>;
  /** Absent where no path ends. */
  readonly endpoint?: Endpoint;
}

/** The paths of a proxy by name. Names are stable: another route adds names, and changes none. */
export interface Endpoints {
  /** In the order of a sitemap: a path before those below it. */
  readonly endpoints: readonly Endpoint[];
  /** In the same order; the first is the start, "". */
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
  const junctions = access.automaton.states
    .map((state) => {
      const endpoint = byState.get(state.id);
      return { name: state.name, ...stepsOf(state, nameOf), ...(endpoint ? { endpoint } : {}) };
    })
    .sort((a, b) => compareNames(a.name, b.name));
  return { junctions, endpoints: junctions.flatMap(({ endpoint }) => endpoint ?? []) };
}

/** As a sitemap has them: segment by segment, so that what is below a path stands together. */
export function compareNames(a: string, b: string): number {
  const [left, right] = [a, b].map((name) => name.replaceAll('/', '\0'));
  return left === right ? 0 : (left ?? '') < (right ?? '') ? -1 : 1;
}

function endpointOf({ state, allow, classes }: Access['endpoints'][number]): Endpoint {
  const operations = allow.flatMap((method): Operation[] => {
    const routeClass = classes.get(lookupMethod(method, classes));
    if (!routeClass) return [];
    const rules = state.accepts.filter((rule) => takes(rule, method));
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

/** Whether the pattern of a rule, parameters by type and of a choice the value in question, is this one. */
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
    literals: new Map(sorted.map(([text, next]) => [text, nameOf(next)])),
    parameters: new Map(parameters),
  };
}
