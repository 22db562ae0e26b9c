import { createHash } from 'node:crypto';
import { type Access, type Cell, isRoute, lookupMethod, type Place, type Rule } from '../../policy/access.ts';
import { ACCEPTED_BY, classify, type ParameterType, segmentSource } from '../../policy/segment.ts';
import { addTo } from './multimap.ts';
import { type CaddyToken, own, remark } from './quote.ts';
import { exactly, oneOf } from './regex.ts';
import { type Table, table } from './table.ts';

/**
 * The table of a proxy's paths. A path stands for itself: its row matches what all patterns that meet there match, so
 * a row that matches a request never knows a rule that does not. The row with all rules of a request comes first:
 * rows are sorted like a sitemap, where a literal stands before a parameter and a narrow type before a wide one.
 * For example "/groups/all" stands before "/groups/{encodedPath}", whose row matches it too.
 */
export interface Page {
  /** One for each path. */
  readonly remarks: readonly CaddyToken[];
  readonly rows: readonly { readonly input: CaddyToken; readonly output: CaddyToken }[];
}

/** So many rows there are at most: Caddy tries one after the other. */
const MOST_ROWS = Number(process.env['ROWS'] ?? 256);

interface Endpoint {
  /** Its pattern, such as "/groups/{encodedPath}/hooks". */
  readonly name: string;
  readonly segments: readonly Segment[];
  /** The last segment stands for one or more. */
  readonly tail: boolean;
  /** What the row says: the cell of each method, such as "GET=hooks HEAD=hooks". */
  readonly cells: string;
  /** Grows with what is allowed: of two paths whose rules are among those of the other, the other has more. */
  readonly weight: number;
  readonly remark: string;
}

type Segment = { readonly values: readonly string[] } | { readonly type: ParameterType };

export function routePages(access: Access): Page[] {
  const endpoints = endpointsOf(access);
  return pagesOf(endpoints).map((page) => {
    const rows = new Map<string, Endpoint[]>();
    for (const endpoint of page) addTo(rows, endpoint.cells, endpoint);
    // A path with more rules may be matched by the row of one with fewer, never the other way round.
    const sorted = [...rows].sort(([a, [x]], [b, [y]]) => (y?.weight ?? 0) - (x?.weight ?? 0) || (a < b ? -1 : 1));
    return {
      remarks: page.map(({ remark: text }) => remark(text)),
      rows: sorted.map(([cells, paths]) => ({ input: own(`~^${pathSource(paths)}$`), output: own(cells) })),
    };
  });
}

/** Paths that the same rules match are one endpoint. */
function endpointsOf({ places }: Access): Endpoint[] {
  const numbers = new Map<Rule, number>();
  const numberOf = (rule: Rule) => {
    const number = numbers.get(rule) ?? numbers.size;
    numbers.set(rule, number);
    return number;
  };
  const byRules = new Map<string, Place>();
  for (const place of places) byRules.set(place.state.accepts.map(numberOf).join(), place);
  return [...byRules.values()].map(endpointOf).sort(inSitemap);
}

function endpointOf({ state, allow, cells }: Place): Endpoint {
  const { segments, tail } = meet(state.accepts);
  const name = nameOf(segments, tail);
  const methods = allow.flatMap((method) => {
    const cell = cells.get(lookupMethod(method, cells));
    return cell ? [{ method, cell }] : [];
  });
  // Of answers to one request the first of the spec is given.
  const weigh = (cell: Cell) =>
    cell.kind === 'forward' ? 1 + cell.groups.length : 1 / (1 + Number(cell.answer.origin.at(-1)));
  return {
    name,
    segments,
    tail,
    cells: methods.map(({ method, cell }) => `${method}=${cell.id}`).join(' '),
    weight: methods.reduce((sum, { cell }) => sum + weigh(cell), 0),
    remark: remarkOf(name, state.accepts),
  };
}

function remarkOf(name: string, rules: readonly Rule[]): string {
  const written = rules.filter((rule) => {
    const { segments, tail } = meet([rule]);
    return nameOf(segments, tail) === name;
  });
  const routes = (written.length > 0 ? written : rules).filter(isRoute);
  const groups = [...new Set(routes.map(({ group }) => group))].sort();
  const reasons = written.filter(isRoute).flatMap(({ reason }) => reason ?? []);
  const why = reasons.length > 0 ? ` (${[...new Set(reasons)].sort().join('; ')})` : '';
  return `${name}: ${groups.length > 0 ? groups.join(', ') : 'answered here'}${why}`;
}

/** The paths that all of these rules match. */
function meet(rules: readonly Rule[]): { segments: readonly Segment[]; tail: boolean } {
  const length = Math.max(...rules.map(({ pattern }) => pattern.segments.length));
  const segments = Array.from({ length }, (_, index) =>
    rules
      .map(({ pattern }): Segment => {
        const segment = pattern.segments[index];
        if (segment === undefined || segment.kind === 'parameter') return { type: segment?.type ?? 'segment' };
        return { values: segment.kind === 'literal' ? [segment.text] : segment.values };
      })
      .reduce(both),
  );
  return { segments, tail: rules.every(({ pattern }) => pattern.tail) };
}

function both(a: Segment, b: Segment): Segment {
  if ('type' in a) {
    if ('values' in b) return both(b, a);
    return ACCEPTED_BY[a.type].includes(b.type) ? a : b;
  }
  const isIn = (text: string) => {
    if ('values' in b) return b.values.includes(text);
    const type = classify(text);
    return type !== undefined && ACCEPTED_BY[type].includes(b.type);
  };
  return { values: a.values.filter(isIn) };
}

function nameOf(segments: readonly Segment[], tail: boolean): string {
  const names = segments.map((segment) => {
    if ('type' in segment) return `{${segment.type}}`;
    return segment.values.length === 1 ? segment.values[0] : `{${segment.values.join('|')}}`;
  });
  return `/${names.join('/')}`.replace(/\}$/, tail ? '*}' : '}');
}

/** What may stand in a segment's place, the narrower the earlier. */
const WIDTHS: Readonly<Record<ParameterType, number>> = { int: 2, hex: 3, uuid: 4, slug: 5, segment: 6, encodedPath: 7 };
const TAIL_WIDTH = 8;

function inSitemap(a: Endpoint, b: Endpoint): number {
  const count = Math.min(a.segments.length, b.segments.length);
  for (let index = 0; index < count; index++) {
    const [x, y] = [a.segments[index], b.segments[index]];
    if (x === undefined || y === undefined) break;
    const width = ({ segments, tail }: Endpoint, segment: Segment) => {
      if (tail && index === segments.length - 1) return TAIL_WIDTH;
      return 'type' in segment ? WIDTHS[segment.type] : Math.min(segment.values.length - 1, 1);
    };
    const order = width(a, x) - width(b, y) || compareValues(x, y);
    if (order !== 0) return order;
  }
  return a.segments.length - b.segments.length;
}

function compareValues(a: Segment, b: Segment): number {
  if ('type' in a || 'type' in b) return 0;
  const [x, y] = [a.values.join('|'), b.values.join('|')];
  return a.values.length - b.values.length || (x < y ? -1 : x > y ? 1 : 0);
}

/**
 * One page for each path while there are few, else pages of several. Whether a page ends before a path depends on the
 * path alone, so that a new route changes one page and no other.
 */
function pagesOf(endpoints: readonly Endpoint[]): Endpoint[][] {
  if (endpoints.length <= MOST_ROWS) return endpoints.map((endpoint) => [endpoint]);
  const chances = endpoints.map(({ name }) => createHash('sha256').update(name).digest('hex'));
  const order = chances.toSorted();
  const cutAt = (count: number): Endpoint[][] => {
    const limit = order[count - 1] ?? '';
    const pages: Endpoint[][] = [[]];
    for (const [index, endpoint] of endpoints.entries()) {
      if (index > 0 && (chances[index] ?? '') <= limit) pages.push([]);
      pages.at(-1)?.push(endpoint);
    }
    return pages;
  };
  const rowsIn = (pages: readonly (readonly Endpoint[])[]) =>
    pages.reduce((sum, page) => sum + new Set(page.map(({ cells }) => cells)).size, 0);
  let [few, many] = [0, endpoints.length];
  while (many - few > 1) {
    const middle = (few + many) >> 1;
    if (rowsIn(cutAt(middle)) <= MOST_ROWS) few = middle;
    else many = middle;
  }
  return cutAt(few);
}

/** Sources that tell the types apart in a path all of whose segments may be decoded safely. */
const SOURCES: Readonly<Record<ParameterType, string>> = {
  int: segmentSource('int'),
  hex: segmentSource('hex'),
  uuid: segmentSource('uuid'),
  slug: '[A-Za-z0-9._-]+',
  segment: '(?:[^/%]|%[^2]|%2[^Ff])+',
  encodedPath: '[^/]+',
};

/** Source, without anchors, of exactly the paths of these endpoints. */
function pathSource(endpoints: readonly Endpoint[]): string {
  return restSource(
    endpoints.map(({ segments, tail }) => {
      const sources = segments.map((segment) =>
        'type' in segment ? SOURCES[segment.type] : oneOf(segment.values.map(exactly)),
      );
      return tail ? [...sources.slice(0, -1), `${sources.at(-1)}(?:/${SOURCES.segment})*`] : sources;
    }),
  );
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

/** The cell of a request, from its method and what the row of its path says. */
export function cellTable(access: Access): Table {
  const methods = [...new Set(access.places.flatMap(({ allow }) => allow))].sort();
  return table({
    source: '{http.request.method} {http.vars.row}',
    destination: 'request.cell',
    entries: methods.map((method) => [`~^${method} (?:[^ ]+ )*${method}=([^ ]+)`, '$1']),
  });
}

/** Methods whose number is usual: one more than a path has so far adds no row. */
const USUAL_METHODS = 8;

/** The methods of a path as `Allow` lists them, from what its row says. */
export function allowTable(access: Access): Table {
  const most = access.places.reduce((count, { allow }) => Math.max(count, allow.length), USUAL_METHODS);
  const entries = Array.from({ length: most }, (_, index): [string, string] => {
    const numbers = Array.from({ length: index + 1 }, (_, number) => number + 1);
    return [`~^${numbers.map(() => '([^=]+)=[^ ]+').join(' ')}$`, numbers.map((number) => `$${number}`).join(', ')];
  });
  return table({ source: '{http.vars.row}', destination: 'decision.allow', entries });
}
