import { compareNames, type Endpoints, endpointsOf, type Junction } from '../../plan/endpoints.ts';
import type { Access } from '../../policy/access.ts';
import { EVERY_METHOD } from '../../policy/pattern.ts';
import type { MapEntryDefinition, MapList } from './maps.ts';
import { classNames, isRestOfPath, placeName, segmentName } from './names.ts';
import {
  METHOD,
  MOST_CAPITALS,
  markedOf,
  plainOf,
  restAfter,
  segmentOf,
  slashAfter,
  type TypeTest,
  VERB,
} from './paths.ts';
import { type Part, type Variable, variable } from './quote.ts';
import { NOWHERE, type ParameterRow, type SegmentRef, type Transitions, transitionWriter } from './transitions.ts';

/** What the rest of a proxy's config asks about a request. */
export interface Routing {
  /** The endpoint, by the name of its pattern; some other text where the path leads to none. */
  readonly endpoint: Variable;
  /** Methods of the endpoint; "" where there is none. */
  readonly allow: Variable;
  /** Name of the route class; "" where there is none. */
  readonly route: Variable;
  /** What the parameters take. */
  readonly tests: readonly TypeTest[];
}

export interface RoutingInput {
  readonly access: Access;
  readonly prefix: string;
  /** How many segments are looked at; what is longer can only be the rest of a path. */
  readonly depth: number;
  /** What the spec says of routes. */
  readonly routes: MapList;
  /** What is the same for all routes. */
  readonly machinery: MapList;
}

/** Reasons that stand before one row. */
const MOST_REASONS = 3;
/** Up to so many segments that hold no parameter are looked up at once: most paths begin with the same few. */
const BEGINNING = 3;
/** How many segments most paths have: those are found soonest. */
const USUAL_LENGTH = 5;

/**
 * The maps that lead from the request line to a route class. A place in a path is named by its pattern; each segment
 * is one step from place to place, found in a table for its number. Maps are evaluated when they are asked for.
 */
export function routingMaps(input: RoutingInput): Routing {
  const { access, prefix, depth, routes } = input;
  const endpoints = endpointsOf(access);
  const endpoint = variable(`${prefix}_endpoint`);
  const route = classMaps(endpoints, endpoint, input);
  const allow = routes.add({
    name: `${prefix}_allow`,
    comment: 'The methods of a path.',
    source: [endpoint],
    exact: endpoints.endpoints.map(({ name, allow: methods }) => [placeName(name), methods.join(', ')] as const),
  });
  const transitions = transitionWriter(input, endpoints);
  for (const step of stepTables(endpoints, transitions, depth)) stepMaps(step, input, transitions);
  restMaps(endpoints, input, transitions);
  endpointMap(input);
  return { endpoint, allow, route, tests: transitions.tests };
}

/** The route class of a method at a path; HEAD has rows only where it is not what GET is. */
function classMaps({ endpoints }: Endpoints, endpoint: Variable, { access, prefix, routes }: RoutingInput): Variable {
  const names = classNames(access);
  const rows: MapEntryDefinition[] = [];
  const heads: MapEntryDefinition[] = [];
  const every: MapEntryDefinition[] = [];
  const ofHead = variable(`${prefix}_head_route`);
  for (const { name, operations } of endpoints) {
    const [get, head] = ['GET', 'HEAD'].map((method) => operations.find((each) => each.method === method)?.routeClass);
    const isApart = head !== undefined && head !== get;
    let said: readonly string[] = [];
    for (const { method, routeClass, reasons } of operations) {
      const news = reasons.filter((reason) => !said.includes(reason));
      const rest = [names.get(routeClass) ?? '', news.slice(0, MOST_REASONS)] as const;
      const row = [`${method} ${placeName(name)}`, ...rest] as const;
      if (method === EVERY_METHOD) every.push([placeName(name), ...rest]);
      else if (isApart && (method === 'GET' || method === 'HEAD')) heads.push(row);
      else if (method !== 'HEAD') rows.push(row);
      said = [...said, ...news];
    }
    if (isApart) rows.push([`GET ${placeName(name)}`, ofHead]);
  }
  const whatever = { name: `${prefix}_route_any`, comment: 'Paths that take every method.', source: [endpoint] };
  const fallback = every.length === 0 ? '' : routes.add({ ...whatever, exact: every });
  const comment = 'Who may do what: the route class of a method at a path; HEAD is looked up as GET.';
  const route = routes.add({ name: `${prefix}_route`, comment, source: [VERB, ' ', endpoint], fallback, exact: rows });
  const apart = { name: ofHead.variable, comment: 'Where HEAD is not what GET is.', source: [METHOD, ' ', endpoint] };
  routes.add({ ...apart, fallback, exact: heads });
  return route;
}

interface LiteralRow {
  readonly from: string;
  readonly text: string;
  readonly to: string;
}

/** Everything about one segment of a path. */
interface Step {
  readonly number: number;
  readonly literals: readonly LiteralRow[];
  readonly parameters: readonly ParameterRow[];
}

/** The places in the order of a sitemap, by how many segments lead to them. */
function stepTables({ junctions }: Endpoints, { isWhole }: Transitions, depth: number): Step[] {
  const byLength: Junction[][] = Array.from({ length: depth }, () => []);
  for (const junction of junctions) {
    const length = lengthOf(junction.name);
    if (!isRestOfPath(junction.name)) byLength[length]?.push(junction);
    else if (!isWhole(junction.name)) for (const places of byLength.slice(length)) places.push(junction);
  }
  return byLength.map((places, index) => ({
    number: index + 1,
    literals: places
      .flatMap(({ name, literals }) => [...literals].map(([text, to]) => ({ from: name, text, to })))
      .sort((a, b) => compareNames(`${a.from}/${a.text}`, `${b.from}/${b.text}`)),
    parameters: parameterRows(places),
  }));
}

const lengthOf = (name: string) => name.split('/').length - 1;

function parameterRows(places: readonly Junction[]): ParameterRow[] {
  return places
    .filter(({ parameters }) => parameters.size > 0)
    .map(({ name, parameters }) => ({ from: name, transitions: [...parameters] }));
}

/** Literals first, then the types of parameters: the order of the automaton. */
function stepMaps(step: Step, { prefix, routes }: RoutingInput, transitions: Transitions): void {
  const { number, literals } = step;
  const before: Part = number === 1 ? '' : variable(`${prefix}_path_${number - 1}`);
  const [capital, plain] = [literals.filter(hasCapitals), literals.filter((row) => !hasCapitals(row))];
  const parameter = variable(`${prefix}_parameter_${number}`);
  const marked = capital.length > 0;
  const missed = marked ? variable(`${prefix}_marked_${number}`) : parameter;
  const path = `${prefix}_path_${number}`;
  const comment = `Segment ${number}: where one that is written out leads, then what parameters there are.`;
  const own = [before, plainOf(number)] as const;
  if (number > 1 && number <= BEGINNING) {
    const beginning = Array.from({ length: number }, (_, index) => plainOf(index + 1));
    const follows = variable(`${prefix}_path_${number}_else`);
    const isBeginning = ({ from }: LiteralRow) => placeName(from) === from && !from.includes('{');
    routes.add({
      name: path,
      comment,
      source: beginning,
      fallback: follows,
      exact: plain.filter(isBeginning).map(literalRow),
    });
    const others = plain.filter((row) => !isBeginning(row)).map(literalRow);
    routes.add({ name: follows.variable, source: own, fallback: missed, exact: others, idle: true });
  } else {
    routes.add({ name: path, comment, source: own, fallback: missed, exact: plain.map(literalRow) });
  }
  if (marked) markedMap(capital, { name: missed.variable, before, number, fallback: parameter, routes });
  parameterMap(step.parameters, { prefix, before, segment: number, routes, transitions });
}

interface ParameterContext {
  readonly prefix: string;
  readonly before: Part;
  readonly segment: SegmentRef;
  readonly routes: MapList;
  readonly transitions: Transitions;
}

/** Where a segment leads that is not written out: to what the place takes, if the segment is that. */
function parameterMap(
  rows: readonly ParameterRow[],
  { prefix, before, segment, routes, transitions }: ParameterContext,
): void {
  const isFirst = segment === 1;
  const exact = transitions.rows(rows, before, segment);
  routes.add({
    name: `${prefix}_parameter_${segment}`,
    source: [before],
    fallback: NOWHERE,
    exact: [...(isFirst ? [] : [[NOWHERE, NOWHERE] as const]), ...exact],
    // All that was left of the path has been looked at.
    patterns: isFirst ? [] : [['[*][}]/?+\\z', before]],
  });
}

/** What comes after the last looked-up segment: the rest of a path, all at once. */
function restMaps(
  { junctions }: Endpoints,
  { prefix, depth, routes, machinery }: RoutingInput,
  transitions: Transitions,
): void {
  const last = junctions.filter(({ name }) =>
    isRestOfPath(name) ? !transitions.isWhole(name) : lengthOf(name) === depth,
  );
  const before = variable(`${prefix}_path_${depth}`);
  parameterMap(parameterRows(last), { prefix, before, segment: `after_${depth}`, routes, transitions });
  const rest = machinery.add({
    name: `${prefix}_path_rest`,
    source: [restAfter(depth)],
    fallback: variable(`${prefix}_parameter_after_${depth}`),
    exact: [['', before]],
  });
  const whole = [rest, slashAfter(depth)] as const;
  const ends = last.flatMap(({ name, literals }) => {
    const to = literals.get('');
    return to === undefined || to === `${name}/` ? [] : [[`${placeName(name)}/`, placeName(to)] as const];
  });
  routes.add({ name: `${prefix}_path_${depth}_or_more`, source: whole, fallback: whole, exact: ends });
}

const hasCapitals = ({ text }: LiteralRow) => /[A-Z]/.test(text);

function literalRow({ from, text, to }: LiteralRow): MapEntryDefinition {
  return [`${placeName(from)}/${text}`, placeName(to)];
}

interface MarkedContext {
  readonly name: string;
  readonly before: Part;
  readonly number: number;
  readonly fallback: Part;
  readonly routes: MapList;
}

/** Literals with capital letters, each as often marked as it has them. */
function markedMap(rows: readonly LiteralRow[], { name, before, number, fallback, routes }: MarkedContext): void {
  const capitals = ({ text }: LiteralRow) => text.match(/[A-Z]+/g)?.length ?? 0;
  const markable = rows.filter((row) => capitals(row) <= MOST_CAPITALS);
  routes.add({
    name,
    source: [before, '/', markedOf(number)],
    fallback,
    exact: markable.map(({ from, text, to }) => [`${placeName(from)}/${segmentName(text)}`, placeName(to)]),
    // No segment holds a backslash, so nothing ends the quoted text early.
    patterns: rows
      .filter((row) => !markable.includes(row))
      .map(({ from, text, to }) => [`^\\Q${placeName(from)}/${text}\\E\\z`, placeName(to)]),
  });
}

/** The place after as many segments as the path has, found by halving what paths there are. */
function endpointMap({ prefix, depth, machinery }: RoutingInput): void {
  const after = (number: number | string) => variable(`${prefix}_path_${number}`);
  const between = (low: number, high: number): Variable => {
    if (low === high) return after(low === depth ? `${depth}_or_more` : low);
    const middle = middleOf(low, high);
    const whole = low === 1 && high === depth;
    return machinery.add({
      name: whole ? `${prefix}_endpoint` : `${prefix}_path_${low}_to_${high}`,
      source: [segmentOf(middle)],
      fallback: between(middle, high),
      exact: [['', between(low, middle - 1)]],
    });
  };
  between(1, depth);
}

/** Where as many paths are below as above, if there are fewer of a length the farther it is from the usual one. */
function middleOf(low: number, high: number): number {
  const many = (length: number) => Math.max(1, USUAL_LENGTH - Math.abs(length - USUAL_LENGTH));
  const sum = (from: number, to: number): number => (from > to ? 0 : many(from) + sum(from + 1, to));
  let middle = low + 1;
  while (middle < high && sum(low, middle) <= sum(middle + 1, high)) middle++;
  return middle;
}
