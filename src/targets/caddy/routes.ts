import { createHash } from 'node:crypto';
import { type Endpoint, endpointsOf, type Operation } from '../../plan/endpoints.ts';
import { escapeRegex, oneOf } from '../../plan/regex.ts';
import { type Access, COMMON_METHODS, isRoute, toldMethods } from '../../policy/access.ts';
import { parameterName, restName } from '../../policy/automaton.ts';
import { EVERY_METHOD, METHOD_LETTERS, NO_RULES } from '../../policy/pattern.ts';
import { PARAMETER_TYPES, type ParameterType, segmentSource } from '../../policy/segment.ts';
import type { Names } from './names.ts';
import { type CaddyToken, remark, trustedText } from './quote.ts';
import { addTo, type Table, table } from './table.ts';

/**
 * A row of the table of a proxy's paths. Patterns may overlap, and a row stands for one combination: it matches where
 * all of its patterns do, and knows their rules. A request may match several rows; none of them has a rule that does
 * not match the request, and the row with all of its rules comes first.
 */
export interface PathRow {
  /** Regular expression, without the "~" in front. */
  readonly pattern: string;
  /** The route class of each method, such as "GET=hooks HEAD=hooks". */
  readonly classes: string;
  readonly endpoints: readonly Endpoint[];
}

export interface Limits {
  /** Up to this number, each path has a row of its own. */
  readonly fewPaths: number;
  /**
   * Number of rows that more paths share. Caddy tries row after row, and so many are about as fast as one long
   * expression.
   */
  readonly mostRows: number;
}

const LIMITS: Limits = { fewPaths: 256, mostRows: 64 };

interface Path {
  readonly endpoint: Endpoint;
  readonly segments: readonly string[];
  readonly classes: string;
  /**
   * Grows with what is allowed: of two paths whose rows match one request, the one that allows more has the larger
   * weight.
   */
  readonly weight: number;
}

function pathsOf(access: Access): Path[] {
  return endpointsOf(access).endpoints.map(pathOf).sort(inSitemap);
}

export function pathRows(access: Access, limits = LIMITS): PathRow[] {
  return rowsOf(pathsOf(access), limits);
}

function rowsOf(paths: readonly Path[], limits = LIMITS): PathRow[] {
  const few = paths.length <= limits.fewPaths;
  return (few ? paths.map((path) => [path]) : shared(paths, limits)).map((list) => ({
    pattern: `^${sourceOf(list)}$`,
    classes: list[0]?.classes ?? '',
    endpoints: list.map(({ endpoint }) => endpoint),
  }));
}

/**
 * Returns lists of paths that share a row: paths that allow the same, larger weights first. Within such paths a new row
 * starts at the first, and at paths whose names have the smallest hashes, so that a new route changes its own row and
 * moves at most one start.
 */
function shared(paths: readonly Path[], { mostRows }: Limits): Path[][] {
  const alike = new Map<string, Path[]>();
  for (const path of paths) addTo(alike, path.classes, path);
  const lists = [...alike]
    .sort(([a, [x]], [b, [y]]) => (y?.weight ?? 0) - (x?.weight ?? 0) || (a < b ? -1 : 1))
    .map(([, list]) => list);
  const others = lists.flatMap((list) => list.slice(1).map((path) => ({ path, hash: hashOf(path.endpoint.name) })));
  const sorted = others.sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const starts = new Set(sorted.slice(0, Math.max(0, mostRows - lists.length)).map(({ path }) => path));
  return lists.flatMap((list) => cut(list, starts));
}

function cut(list: readonly Path[], starts: ReadonlySet<Path>): Path[][] {
  const rows: Path[][] = [];
  for (const path of list) {
    const row = starts.has(path) ? undefined : rows.at(-1);
    if (row) row.push(path);
    else rows.push([path]);
  }
  return rows;
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

/** The placeholder that the table sets. */
export const ROW_PLACEHOLDER = '{request.row}';

/** The file of a proxy's paths: remarks about each path, and its row or, where there are many paths, all rows. */
export interface RoutesModel {
  readonly blocks: readonly {
    readonly remarks: readonly CaddyToken[];
    readonly rows: readonly { readonly input: CaddyToken; readonly output: CaddyToken }[];
  }[];
}

export function routesModel(access: Access): RoutesModel {
  const paths = pathsOf(access);
  const rows = rowsOf(paths).map(({ pattern, classes, endpoints }) => ({
    remarks: endpoints.map(remarkOf),
    rows: [{ input: trustedText(`~${pattern}`), output: trustedText(classes) }],
  }));
  if (rows.every(({ remarks }) => remarks.length === 1)) return { blocks: rows };
  return {
    blocks: [{ remarks: paths.map(({ endpoint }) => remarkOf(endpoint)), rows: rows.flatMap((row) => row.rows) }],
  };
}

function pathOf(endpoint: Endpoint): Path {
  const { name, operations } = endpoint;
  // A request that several answers match gets the first of the spec.
  const weigh = ({ routeClass }: Operation) =>
    routeClass.kind === 'forward' ? 1 + routeClass.groups.length : 1 / (1 + Number(routeClass.answer.origin.at(-1)));
  return {
    endpoint,
    segments: name.slice(1).split('/'),
    classes: operations.map(({ method, routeClass }) => `${method}=${routeClass.id}`).join(' '),
    weight: operations.reduce((sum, operation) => sum + weigh(operation), 0),
  };
}

function remarkOf({ name, written, groups }: Endpoint): CaddyToken {
  const routes = written.filter(isRoute);
  const reasons = [...new Set(routes.flatMap(({ reason }) => reason ?? []))].sort();
  const by = written.length > 0 ? [...new Set(routes.map(({ group }) => group))].sort() : groups;
  const why = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
  return remark(`${name}: ${by.length > 0 ? by.join(', ') : 'answered here'}${why}`);
}

const WIDER: readonly string[] = [...PARAMETER_TYPES.map(parameterName), ...PARAMETER_TYPES.map(restName)];

/**
 * Orders paths: a literal before a parameter, a narrow type before a wide one, the rest of a path last. Of two paths
 * that match one request the narrower comes first, because in the first segment where they differ it has the narrower
 * part.
 */
function inSitemap(a: Path, b: Path): number {
  for (const [index, x] of a.segments.entries()) {
    const y = b.segments[index];
    if (y === undefined) return 1;
    if (x !== y) return WIDER.indexOf(x) - WIDER.indexOf(y) || (x < y ? -1 : 1);
  }
  return a.segments.length - b.segments.length;
}

/** Sources of the parameter types within a path whose segments are known to be safe to decode. */
const SOURCES: Readonly<Record<ParameterType, string>> = {
  int: segmentSource('int'),
  hex: segmentSource('hex'),
  uuid: segmentSource('uuid'),
  slug: '[A-Za-z0-9._-]+',
  segment: '(?:[^/%]|%[^23]|%2[^35Ff]|%3[^Ff])+',
  encodedPath: '(?:[^/%]|%[^23]|%2[^35]|%3[^Ff])+',
  encodedText: '[^/]+',
};

const PARTS: ReadonlyMap<string, string> = new Map(
  PARAMETER_TYPES.flatMap((type) => {
    const source = SOURCES[type];
    return [[parameterName(type), source] as const, [restName(type), `${source}(?:/${source})*`] as const];
  }),
);

/** Returns the source, without anchors, that matches exactly these paths. */
function sourceOf(paths: readonly Path[]): string {
  return restSource(paths.map(({ segments }) => segments.map((part) => PARTS.get(part) ?? escapeRegex(part))));
}

function restSource(paths: readonly (readonly string[])[]): string {
  const rests = new Map<string, (readonly string[])[]>();
  for (const [first, ...rest] of paths) if (first !== undefined) addTo(rests, first, rest);
  if (rests.size === 0) return '';
  const firsts = new Map<string, string[]>();
  for (const [first, rest] of rests) addTo(firsts, restSource(rest), first);
  const source = `/${oneOf([...firsts].map(([rest, segments]) => `${oneOf(segments)}${rest}`))}`;
  return paths.some((path) => path.length === 0) ? `(?:${source})?` : source;
}

interface Methods {
  /** Every method that some path has, sorted. */
  readonly taken: readonly string[];
  /** Most methods of one path. */
  readonly most: number;
}

const known = new WeakMap<Access, Methods>();

/** Returns the methods of all paths, which are counted once for all proxies that have the same. */
function methodsOf(access: Access): Methods {
  const methods = known.get(access) ?? countedIn(access);
  known.set(access, methods);
  return methods;
}

function countedIn({ endpoints }: Access): Methods {
  const taken = new Set<string>();
  let most = 0;
  for (const { allow } of endpoints) {
    for (const method of allow) taken.add(method);
    most = Math.max(most, allow.length);
  }
  return { taken: [...taken].sort(), most };
}

/** Returns the table of the route class, from the method and the row of the path. */
export function routeTable(access: Access, names: Names): Table {
  const { taken } = methodsOf(access);
  // Those that are common always have a row, so that the first path with one of them adds none.
  const methods = [...new Set([...COMMON_METHODS, ...taken.filter((method) => method !== EVERY_METHOD)])];
  const every: [string, string][] = taken.includes(EVERY_METHOD)
    ? [
        [`~^(?:${NO_RULES.join('|')}) `, ''],
        [`~^${METHOD_LETTERS} [*]=([^ ]+)(?: .*)?$`, '$1'],
      ]
    : [];
  return table({
    source: `{http.request.method} {${names.row}}`,
    destination: names.made.route,
    entries: [
      ...methods.map((method): [string, string] => [`~^${method} (?:[^ ]+ )*${method}=([^ ]+)`, '$1']),
      ...every,
    ],
  });
}

/** Most methods that a path usually has: up to this number, one method more adds no row. */
const USUAL_METHODS = 8;

/** Returns a row for each list of methods with `*`, in whose place clients are told the usual ones. */
function rowsOfEvery({ endpoints }: Access): (readonly [string, string])[] {
  const told = endpoints
    .filter(({ allow }) => allow.includes(EVERY_METHOD))
    .map(
      (each) =>
        [each.allow.map((method) => `${escapeRegex(method)}=[^ ]+`).join(' '), toldMethods(each).join(', ')] as const,
    );
  return [...new Map(told)].sort().map(([row, methods]) => [`~^${row}$`, methods]);
}

/** Returns the table of `decision.allow`, the methods of a path for `Allow`, from its row. */
export function allowTable(access: Access): Table {
  const most = Math.max(USUAL_METHODS, methodsOf(access).most);
  const entries = Array.from({ length: most }, (_, index): [string, string] => {
    const numbers = Array.from({ length: index + 1 }, (_, number) => number + 1);
    return [`~^${numbers.map(() => '([^=]+)=[^ ]+').join(' ')}$`, numbers.map((number) => `$${number}`).join(', ')];
  });
  return table({
    source: '{http.vars.row}',
    destination: 'decision.allow',
    entries: [...rowsOfEvery(access), ...entries],
  });
}
