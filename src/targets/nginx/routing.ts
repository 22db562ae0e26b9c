import { type Endpoints, endpointsOf, inSitemapOrder, type Junction } from '../../plan/endpoints.ts';
import { type Access, toldMethods } from '../../policy/access.ts';
import { EVERY_METHOD } from '../../policy/pattern.ts';
import { dividedPaths, type LongerInput, longerMaps } from './longerPaths.ts';
import type { MapEntryDefinition, MapList } from './maps.ts';
import { classNames, isRestOfPath, patternName, segmentName } from './names.ts';
import { METHOD, MOST_CAPITALS, markedOf, type PathNeeds, plainOf, segmentOf, VERB } from './paths.ts';
import { type Part, type Variable, variable } from './quote.ts';
import { NOWHERE, type ParameterRow, type Transitions, transitionWriter } from './transitions.ts';

/** The variables of routing that the other maps of a proxy use. */
export interface Routing extends PathNeeds {
  /** Name of the endpoint, see `patternName`; some other text where the path leads to none. */
  readonly endpoint: Variable;
  /** Value of `Allow`: the methods of the endpoint; "" where there is none. */
  readonly allow: Variable;
  /** Name of the route class; "" where there is none. */
  readonly route: Variable;
}

export interface RoutingInput {
  readonly access: Access;
  readonly prefix: string;
  /** Receives the maps that depend on the routes of the spec. */
  readonly routes: MapList;
  /** Receives the maps that are the same whatever the routes. */
  readonly machinery: MapList;
}

/** Most reasons that are printed above one row. */
const MOST_REASONS = 3;
/**
 * Paths without parameters are also looked up by their first two or three segments together, which most requests have
 * in common: `/api/v4/groups`.
 */
const BEGINNING = 3;
/** The usual number of segments of a path; see `middleOf`. */
const USUAL_LENGTH = 5;

/**
 * Defines the maps that lead from a request line to a route class. The variable `$api_path_3` names the junction after
 * three segments by its pattern, `/groups/{int}/hooks`; the table for segment 4 leads from there to the next one. nginx
 * evaluates a map only when it is used.
 */
export function routingMaps(input: RoutingInput): Routing {
  const { access, prefix, routes } = input;
  const endpoints = endpointsOf(access);
  const divided = dividedPaths(endpoints);
  const { depth } = divided;
  const endpoint = variable(`${prefix}_endpoint`);
  const route = classMaps(endpoints, endpoint, input);
  const allow = routes.add({
    name: `${prefix}_allow`,
    comment: 'The methods of a path.',
    source: [endpoint],
    exact: endpoints.endpoints.map((each) => [patternName(each.name), toldMethods(each).join(', ')] as const),
  });
  const transitions = transitionWriter({ ...input, depth }, endpoints);
  for (const step of stepTables(endpoints, transitions, depth)) stepMaps(step, input, transitions);
  const longer = longerMaps({ ...input, ...divided });
  endpointMap({ ...input, depth });
  return { endpoint, allow, route, depth, tests: [...transitions.tests, ...longer] };
}

/**
 * Defines the map from method and endpoint to route class. HEAD has rows only where its route class is not that of GET.
 */
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
      const row = [`${method} ${patternName(name)}`, ...rest] as const;
      if (method === EVERY_METHOD) every.push([patternName(name), ...rest]);
      else if (isApart && (method === 'GET' || method === 'HEAD')) heads.push(row);
      else if (method !== 'HEAD') rows.push(row);
      said = [...said, ...news];
    }
    if (isApart) rows.push([`GET ${patternName(name)}`, ofHead]);
  }
  const whatever = { name: `${prefix}_route_any`, comment: 'Paths that take every method.', source: [endpoint] };
  const fallback = every.length === 0 ? '' : routes.add({ ...whatever, exact: every });
  const comment = 'Who may do what: the route class of a method at a path; HEAD is looked up as GET.';
  const route = routes.add({ name: `${prefix}_route`, comment, source: [VERB, ' ', endpoint], fallback, exact: rows });
  const apart = {
    name: ofHead.variable,
    comment: 'Paths where HEAD has a route class of its own.',
    source: [METHOD, ' ', endpoint],
  };
  routes.add({ ...apart, fallback, exact: heads });
  return route;
}

interface LiteralRow {
  readonly from: string;
  readonly text: string;
  readonly to: string;
}

/** The rows of the tables for one segment number. */
interface Step {
  readonly number: number;
  readonly literals: readonly LiteralRow[];
  readonly parameters: readonly ParameterRow[];
}

/**
 * Returns the rows by segment number, sorted like a sitemap. A junction has its rows in the table for the segment after
 * it. The rest of a path goes on for any number of segments, so its rows are in all later tables too, unless it is
 * looked up as a whole.
 */
function stepTables({ junctions }: Endpoints, { isWhole }: Transitions, depth: number): Step[] {
  const byLength: Junction[][] = Array.from({ length: depth }, () => []);
  for (const junction of junctions) {
    const length = lengthOf(junction.name);
    if (!isRestOfPath(junction.name)) byLength[length]?.push(junction);
    else if (!isWhole(junction.name)) for (const places of byLength.slice(length)) places.push(junction);
  }
  return byLength.map((places, index) => ({
    number: index + 1,
    literals: inSitemapOrder(
      places.flatMap(({ name, literals }) => [...literals].map(([text, to]) => ({ from: name, text, to }))),
      ({ from, text }) => `${from}/${text}`,
    ),
    parameters: parameterRows(places),
  }));
}

const lengthOf = (name: string) => name.split('/').length - 1;

function parameterRows(places: readonly Junction[]): ParameterRow[] {
  return places
    .filter(({ parameters }) => parameters.size > 0)
    .map(({ name, parameters }) => ({ from: name, transitions: [...parameters] }));
}

/** Defines the maps of one segment: literals first, then the types of parameters, as in the automaton of the policy. */
function stepMaps(step: Step, { prefix, routes }: RoutingInput, transitions: Transitions): void {
  const { number, literals } = step;
  const before: Part = number === 1 ? '' : variable(`${prefix}_path_${number - 1}`);
  const [capital, plain] = [literals.filter(hasCapitals), literals.filter((row) => !hasCapitals(row))];
  const parameter = variable(`${prefix}_parameter_${number}`);
  const marked = capital.length > 0;
  const missed = marked ? variable(`${prefix}_marked_${number}`) : parameter;
  const path = `${prefix}_path_${number}`;
  const comment = `Segment ${number}: literal segments; all others are parameters.`;
  const own = [before, plainOf(number)] as const;
  if (number > 1 && number <= BEGINNING) {
    const beginning = Array.from({ length: number }, (_, index) => plainOf(index + 1));
    const follows = variable(`${prefix}_path_${number}_else`);
    const isBeginning = ({ from }: LiteralRow) => patternName(from) === from && !from.includes('{');
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
  readonly segment: number;
  readonly routes: MapList;
  readonly transitions: Transitions;
}

/**
 * Defines the map for segments that are not literals: it leads on where the junction has a parameter of a matching
 * type.
 */
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
    // The path so far ends with a rest that was looked up as a whole, so it stays the same.
    patterns: isFirst ? [] : [['[*][}]/?+\\z', before]],
  });
}

const hasCapitals = ({ text }: LiteralRow) => /[A-Z]/.test(text);

function literalRow({ from, text, to }: LiteralRow): MapEntryDefinition {
  return [`${patternName(from)}/${text}`, patternName(to)];
}

interface MarkedContext {
  readonly name: string;
  readonly before: Part;
  readonly number: number;
  readonly fallback: Part;
  readonly routes: MapList;
}

/**
 * Defines the map of literals with capital letters, which are marked. A literal with too many runs of them is compared
 * by an expression.
 */
function markedMap(rows: readonly LiteralRow[], { name, before, number, fallback, routes }: MarkedContext): void {
  const capitals = ({ text }: LiteralRow) => text.match(/[A-Z]+/g)?.length ?? 0;
  const markable = rows.filter((row) => capitals(row) <= MOST_CAPITALS);
  routes.add({
    name,
    source: [before, '/', markedOf(number)],
    fallback,
    exact: markable.map(({ from, text, to }) => [`${patternName(from)}/${segmentName(text)}`, patternName(to)]),
    // No segment of a pattern holds a backslash, so nothing in it ends the quoted text early.
    patterns: rows
      .filter((row) => !markable.includes(row))
      .map(({ from, text, to }) => [`^\\Q${patternName(from)}/${text}\\E\\z`, patternName(to)]),
  });
}

/**
 * Defines the variable of the endpoint: `$api_path_N`, where N is the number of segments of the path, which a binary
 * search finds.
 */
function endpointMap({ prefix, depth, machinery }: Pick<LongerInput, 'prefix' | 'depth' | 'machinery'>): void {
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

/**
 * Returns the number where the search divides: about as many paths have fewer segments as have more. Paths are taken to
 * be rarer the more their number of segments differs from `USUAL_LENGTH`.
 */
function middleOf(low: number, high: number): number {
  const many = (length: number) => Math.max(1, USUAL_LENGTH - Math.abs(length - USUAL_LENGTH));
  const sum = (from: number, to: number): number => (from > to ? 0 : many(from) + sum(from + 1, to));
  let middle = low + 1;
  while (middle < high && sum(low, middle) <= sum(middle + 1, high)) middle++;
  return middle;
}
