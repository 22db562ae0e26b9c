import { PARAMETER_TYPES, type ParameterType, segmentSource } from '../../policy/segment.ts';
import { mapList } from './maps.ts';
import type { MapEntry, PathsModel } from './model.ts';
import { type Part, pattern, type Variable, value, variable } from './quote.ts';

/** Most segments of a pattern: the expression that splits a request line has to fit into one token. */
export const MOST_SEGMENTS = 39;

/**
 * The method, GET for HEAD. The map of this variable captures all variables below, so nginx has to evaluate it before
 * any of them.
 */
export const VERB = variable('verb');
export const METHOD = variable('method');
export const PATH = variable('path');
export const QUERY = variable('query');
/** Segment of this number with the slash before it: `/groups`. "" where the path has no such segment. */
export const segmentOf = (number: number): Variable => variable(`segment_${number}`);
/**
 * The same segment, but "" where it holds a capital letter: maps ignore case, so such a segment must not be looked up
 * in their rows.
 */
export const plainOf = (number: number): Variable => variable(`plain_${number}`);
/** The same segment without its slash and with runs of capital letters marked: `{^I}ssues`. */
export const markedOf = (number: number): Variable => variable(`marked_${number}`);
/** The segments after this number of segments, without a slash that ends the path: `/a/b`. */
export const restAfter = (number: number): Variable => variable(`after_${number}`);
/** The slash that ends the path after those segments; "" where there is none. */
export const slashAfter = (number: number): Variable => variable(`slash_${number}`);

/** Runs of capital letters that can be marked in one segment. A literal with more is compared by an expression. */
export const MOST_CAPITALS = 6;

/**
 * A test whether one segment is of a type (its row is in `type-int.conf`), or each segment up to the end of the path
 * (`rest-int.conf`).
 */
export interface TypeTest {
  readonly kind: 'type' | 'rest';
  readonly type: ParameterType;
}

/** What the routing of one proxy needs of the maps that split a request line. */
export interface PathNeeds {
  /** Number of segments that are looked up one by one. */
  readonly depth: number;
  readonly tests: readonly TypeTest[];
}

/** Returns the maps that split a request line, which all proxies share, and the files of the type tests that they need. */
export function pathsOf(needs: readonly [PathNeeds, ...PathNeeds[]]): PathsModel {
  const depths = needs.map((each) => each.depth);
  const depth = Math.max(...depths);
  const maps = mapList();
  maps.add({
    name: VERB.variable,
    source: [variable('request')],
    fallback: '-',
    patterns: [
      [lineSource('GET|HEAD', depths), 'GET'],
      [lineSource('[A-Z_-]++', depths), METHOD],
    ],
  });
  for (let number = 1; number <= depth; number++)
    maps.add({ name: markedOf(number).variable, source: [segmentOf(number)], includes: [MARKED_FILE], oneLine: true });
  const tests = new Map(needs.flatMap((each) => each.tests).map((test) => [typeFile(test), test]));
  const types = [...tests]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, test]) => ({ file, entries: [typeRow(test)] }));
  return { maps: maps.maps, tables: [...types, { file: MARKED_FILE, entries: markedRows() }] };
}

/**
 * Returns the expression that splits a raw request line. A line of any other shape (absolute form, "*", two blanks,
 * HTTP/0.9, an empty segment before the end of the path) yields the method alone and no segment. The groups of the
 * segments stand beside each other instead of inside each other: PCRE saves the groups within a group for each group
 * around them, and its stack would be too small for 16 levels.
 */
function lineSource(method: string, depths: readonly number[]): string {
  const segments = Array.from({ length: Math.max(...depths) }, (_, index) => {
    const number = index + 1;
    const plain = `(?<plain_${number}>/(?:[^A-Z /?]++(?=[ /?])|(?=[ ?])))`;
    const segment = `(?<segment_${number}>${plain}|/[^ /?]++)${number === 1 ? '' : '?+'}`;
    if (!depths.includes(number)) return segment;
    return `${segment}(?=(?<after_${number}>(?:/[^ /?]++)*+)(?<slash_${number}>/?+)[ ?])`;
  });
  return `^(?<method>${method}) (?:(?<path>${segments.join('')}[^ ?]*+)(?:[?](?<query>[^ ]*+))?+ HTTP/1[.][01]\\z)?+`;
}

export const typeFile = ({ kind, type }: TypeTest) => `${kind}-${type}.conf`;

/**
 * Returns the row of a type test, whose long expression is written only there. It yields "/{int}" for a segment, and
 * "/{int*}" for the rest of a path, followed by the slash that ends the path, if any.
 */
function typeRow({ kind, type }: TypeTest): MapEntry {
  const source = `^(?:/${segmentSource(type, 'possessive')})++`;
  if (kind === 'type') return { key: pattern(`${source}\\z`), value: value(`/{${type}}`), comments: [] };
  return {
    key: pattern(`${source}(?<rest_end>/?+)\\z`),
    value: value(`/{${type}*}`, variable('rest_end')),
    comments: [],
  };
}

const MARKED_FILE = 'marked.conf';

/** The names of all files that `pathsOf` may make. */
export const TABLE_FILES: readonly string[] = [
  MARKED_FILE,
  ...PARAMETER_TYPES.flatMap((type) => [typeFile({ kind: 'type', type }), typeFile({ kind: 'rest', type })]),
];

/**
 * Returns the rows that mark capital letters, one for each number of runs. No row matches a segment with a brace:
 * maps ignore case, so that a client could otherwise ask for "Open" as "{^o}pen".
 */
function markedRows(): MapEntry[] {
  const counts = Array.from({ length: MOST_CAPITALS }, (_, index) => index + 1);
  const rows = counts.map((count) => {
    const runs = counts.slice(0, count);
    const source = runs.map((run) => `(?<capitals_${run}>[A-Z]++)(?<between_${run}>[^A-Z{]*+)`).join('');
    const marked: Part[] = runs.flatMap((run) => ['{^', variable(`capitals_${run}`), '}', variable(`between_${run}`)]);
    return [`(?<between_0>[^A-Z{]*+)${source}`, value(variable('between_0'), ...marked)] as const;
  });
  return [...rows, ['(?<unmarked>[^{]*)', value(variable('unmarked'))] as const].map(([source, marked]) => ({
    key: pattern(`^/${source}\\z`),
    value: marked,
    comments: [],
  }));
}
