import { compareNames, type Endpoints, endpointsOf, type Junction } from '../../plan/endpoints.ts';
import type { Access } from '../../policy/access.ts';
import { EVERY_METHOD } from '../../policy/pattern.ts';
import { PARAMETER_TYPES, type ParameterType } from '../../policy/segment.ts';
import { classNames } from './classes.ts';
import type { MapEntryDefinition, MapList } from './maps.ts';
import { isRestOfPath, placeName, segmentName } from './names.ts';
import {
  LINE,
  METHOD,
  MOST_CAPITALS,
  markedOf,
  type Place,
  plainOf,
  restAfter,
  segmentOf,
  slashAfter,
  stayTest,
  typeTest,
  UNFIT,
} from './paths.ts';
import { type Part, type Variable, variable } from './quote.ts';

/** What the rest of a proxy's config asks about a request. */
export interface Routing {
  /** The endpoint, by the name of its pattern; some other text where the path leads to none. */
  readonly endpoint: Variable;
  /** Methods of the endpoint; "" where there is none. */
  readonly allow: Variable;
  /** Name of the route class; "" where there is none. */
  readonly route: Variable;
  /** The segments, by number, whose capital letters have to be marked. */
  readonly marked: readonly number[];
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

/** Where no pattern leads. Never "": a path could come back to life behind it. */
const NOWHERE = '-';
/** Reasons that stand before one row. */
const MOST_REASONS = 3;
/** So many segments that hold no parameter are looked up at once: most paths begin with the same few. */
const BEGINNING = 3;

/**
 * The maps that lead from the request line to a route class. A place in a path is named by its pattern; each segment
 * is one step from place to place, found in a table for its number. Maps are evaluated when they are asked for.
 */
export function routingMaps(input: RoutingInput): Routing {
  const { access, prefix, depth, routes } = input;
  const endpoints = endpointsOf(access);
  const names = classNames(access);
  const endpoint = variable(`${prefix}_endpoint`);
  const every = endpoints.endpoints.flatMap(({ name, operations }) =>
    operations
      .filter(({ method }) => method === EVERY_METHOD)
      .map(({ cell }) => [placeName(name), names.get(cell) ?? ''] as const),
  );
  const whatever = { name: `${prefix}_route_any`, comment: 'Paths that take every method.', source: [endpoint] };
  const fallback = every.length === 0 ? '' : routes.add({ ...whatever, exact: every });
  const route = routes.add({
    name: `${prefix}_route`,
    comment: 'Who may do what: the route class of a method at a path.',
    // The line comes first, because it has to be read before there is a method.
    source: [LINE, METHOD, ' ', endpoint],
    fallback,
    exact: endpoints.endpoints.flatMap(({ name, operations }) => {
      let said: readonly string[] = [];
      const named = operations.filter(({ method }) => method !== EVERY_METHOD);
      return named.map(({ method, cell, reasons }): MapEntryDefinition => {
        const news = reasons.filter((reason) => !said.includes(reason));
        said = [...said, ...news];
        return [`${method} ${placeName(name)}`, names.get(cell) ?? '', news.slice(0, MOST_REASONS)];
      });
    }),
  });
  const allow = routes.add({
    name: `${prefix}_allow`,
    comment: 'The methods of a path.',
    source: [endpoint],
    exact: endpoints.endpoints.map(({ name, allow: methods }) => [placeName(name), methods.join(', ')] as const),
  });
  const marked = stepTables(endpoints, depth).flatMap((step) => (stepMaps(step, input) ? [step.number] : []));
  restMaps(endpoints, input);
  endpointMap(input);
  return { endpoint, allow, route, marked };
}

interface LiteralRow {
  readonly from: string;
  readonly text: string;
  readonly to: string;
}

/** The ways on from a place by the type of a segment, narrowest first. */
interface ParameterRow {
  readonly from: string;
  readonly ways: readonly (readonly [type: ParameterType, to: string])[];
}

/** Everything about one segment of a path. */
interface Step {
  readonly number: number;
  readonly literals: readonly LiteralRow[];
  readonly parameters: readonly ParameterRow[];
}

/** The places in the order of a sitemap, by how many segments lead to them. */
function stepTables({ junctions }: Endpoints, depth: number): Step[] {
  const byLength: Junction[][] = Array.from({ length: depth }, () => []);
  for (const junction of junctions) {
    const length = junction.name.split('/').length - 1;
    // A rest that leads to itself alone is no row but a rule.
    if (isRestOfPath(junction.name)) {
      if (!isOnlyRest(junction)) for (const places of byLength.slice(length)) places.push(junction);
    } else byLength[length]?.push(junction);
  }
  return byLength.map((places, index) => ({
    number: index + 1,
    literals: places
      .flatMap(({ name, literals }) => [...literals].map(([text, to]) => ({ from: name, text, to })))
      .sort((a, b) => compareNames(`${a.from}/${a.text}`, `${b.from}/${b.text}`)),
    parameters: parameterRows(places),
  }));
}

function parameterRows(places: readonly Junction[]): ParameterRow[] {
  return places
    .filter(({ parameters }) => parameters.size > 0)
    .map(({ name, parameters }) => ({ from: name, ways: [...parameters] }));
}

/** Whether a rest of a path takes segments of one type, and perhaps a slash after them, with a name that says so. */
function isOnlyRest({ name, literals, parameters }: Junction): boolean {
  const [[type, to] = ['', ''], ...others] = [...parameters];
  return (
    others.length === 0 &&
    to === name &&
    name.endsWith(`{${type}*}`) &&
    [...literals].every(([text, end]) => text === '' && end === `${name}/`)
  );
}

/** Literals first, then the types of parameters: the order of the automaton. Says whether capital letters count. */
function stepMaps(step: Step, { prefix, routes, machinery }: RoutingInput): boolean {
  const { number, literals } = step;
  const before: Part = number === 1 ? '' : variable(`${prefix}_path_${number - 1}`);
  const [capital, plain] = [literals.filter(hasCapitals), literals.filter((row) => !hasCapitals(row))];
  const parameter = variable(`${prefix}_parameter_${number}`);
  const marked = capital.length > 0;
  const missed = marked ? variable(`${prefix}_marked_${number}`) : parameter;
  const path = `${prefix}_path_${number}`;
  const comment = `Segment ${number}: where one that is written out leads, then what parameters there are.`;
  const own = [before, plainOf(number)] as const;
  if (number === BEGINNING) {
    const beginning = Array.from({ length: BEGINNING }, (_, index) => plainOf(index + 1));
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
    routes.add({ name: follows.variable, source: own, fallback: missed, exact: others });
  } else {
    routes.add({ name: path, comment, source: own, fallback: missed, exact: plain.map(literalRow) });
  }
  if (marked) markedMap(capital, { name: missed.variable, before, number, fallback: parameter, routes });
  parameterMaps(step.parameters, { prefix, before, place: number, routes, machinery });
  return marked;
}

interface ParameterContext extends Pick<RoutingInput, 'prefix' | 'routes' | 'machinery'> {
  readonly before: Part;
  readonly place: Place;
}

/** Where a segment leads that is not written out: to the one type that the place takes, if the segment has it. */
function parameterMaps(rows: readonly ParameterRow[], context: ParameterContext): void {
  const { prefix, before, place, routes, machinery } = context;
  const steps = rows.map((row) => ({ ...row, only: stepInto(row, place) }));
  const typed = variable(`${prefix}_typed_${place}`);
  const isFirst = place === 1;
  routes.add({
    name: `${prefix}_parameter_${place}`,
    source: [before],
    fallback: NOWHERE,
    exact: [
      ...(isFirst ? [] : [[NOWHERE, NOWHERE] as const]),
      ...steps.map(({ from, only }) => [placeName(from), only ?? typed] as const),
    ],
    patterns: isFirst ? [] : [['[*][}]\\z', restMap(context)]],
  });
  const several = steps.filter(({ only }) => only === null);
  const types = routes.add({
    name: `${prefix}_types_${place}`,
    source: [before],
    exact: several.map(({ from, ways }) => [placeName(from), ways.map(([taken]) => typeTest(taken, place))]),
  });
  const type = machinery.add({
    name: `${prefix}_type_${place}`,
    source: [types],
    fallback: UNFIT,
    patterns: [['^(?:[{]-[}])*+(?<first_type>[{][A-Za-z]++[}])', variable('first_type')]],
    oneLine: true,
  });
  const next = [before, '/', type] as const;
  const jumps = several.flatMap(({ from, ways }) =>
    ways.map(([taken, to]) => [`${placeName(from)}/{${taken}}`, placeName(to)] as const),
  );
  routes.add({ name: typed.variable, source: next, fallback: next, exact: jumps.filter(([key, to]) => key !== to) });
}

/** The rest of a path leads to itself, as long as its segments are of its type. */
function restMap({ prefix, before, place, machinery }: ParameterContext): Variable {
  return machinery.add({
    name: `${prefix}_rest_${place}`,
    source: [before],
    fallback: NOWHERE,
    patterns: PARAMETER_TYPES.map((type) => [`[{]${type}[*][}]\\z`, [before, stayTest(type, place)]] as const),
  });
}

/** The name of the next place, with what the test of the segment's type says at its end; null where it has another end. */
function stepInto({ ways }: ParameterRow, place: Place): readonly Part[] | null {
  const [way, ...others] = ways;
  if (!way || others.length > 0) return null;
  const [type, to] = way;
  const end = `/{${type}}`;
  const stem = placeName(to.slice(0, -end.length));
  return placeName(to) === `${stem}${end}` ? [`${stem}/`, typeTest(type, place)] : null;
}

/** What comes after the last looked-up segment: the rest of a path, all at once. */
function restMaps({ junctions }: Endpoints, { prefix, depth, routes, machinery }: RoutingInput): void {
  const rows = parameterRows(junctions.filter((junction) => isRestOfPath(junction.name) && !isOnlyRest(junction)));
  const before = variable(`${prefix}_path_${depth}`);
  parameterMaps(rows, { prefix, before, place: `after_${depth}`, routes, machinery });
  const rest = machinery.add({
    name: `${prefix}_path_rest`,
    source: [restAfter(depth)],
    fallback: variable(`${prefix}_parameter_after_${depth}`),
    exact: [['', before]],
  });
  const whole = [rest, slashAfter(depth)] as const;
  const ends = junctions.flatMap(({ name, literals }) => {
    const to = literals.get('');
    const isOther = isRestOfPath(name) && to !== undefined && to !== `${name}/`;
    return isOther ? [[`${placeName(name)}/`, placeName(to)] as const] : [];
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

/** The place after as many segments as the path has, found by halving. */
function endpointMap({ prefix, depth, machinery }: RoutingInput): void {
  const after = (number: number | string) => variable(`${prefix}_path_${number}`);
  const between = (low: number, high: number): Variable => {
    if (low === high) return after(low === depth ? `${depth}_or_more` : low);
    const middle = (low + high + 1) >> 1;
    const whole = low === 1 && high === depth;
    return machinery.add({
      name: whole ? `${prefix}_endpoint` : `${prefix}_path_${low}_to_${high}`,
      // Everything below reads what is captured from the line, so that is read first.
      source: whole ? [LINE, segmentOf(middle)] : [segmentOf(middle)],
      fallback: between(middle, high),
      exact: [...(whole ? [[NOWHERE, NOWHERE] as const] : []), ['', between(low, middle - 1)]],
    });
  };
  between(1, depth);
}
