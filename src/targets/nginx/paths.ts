import { rulesOf } from '../../policy/access.ts';
import { type ParameterType, segmentSource } from '../../policy/segment.ts';
import type { Proxy } from '../../policy/types.ts';
import { mapList } from './maps.ts';
import type { MapEntry, PathsModel } from './model.ts';
import { type Part, pattern, type Variable, value, variable } from './quote.ts';

/** The splitting expression has to fit into one token. */
export const MOST_SEGMENTS = 39;
/** Tables are made for so many segments at least, and then for a few more at once: one more route changes nothing else. */
const FEWEST_SEGMENTS = 8;
const SEGMENT_STEP = 4;

/** The method, GET for HEAD. It is asked for before all below, which are captured from the line with it. */
export const VERB = variable('verb');
export const METHOD = variable('method');
export const PATH = variable('path');
export const QUERY = variable('query');
/** With the slash before it; "" where the path is over. */
export const segmentOf = (number: number): Variable => variable(`segment_${number}`);
/** The same, "" also where a capital letter is in it: maps ignore case, so no such segment may reach their rows. */
export const plainOf = (number: number): Variable => variable(`plain_${number}`);
/** The segment without its slash, capital letters marked as in the names of places. */
export const markedOf = (number: number): Variable => variable(`marked_${number}`);
/** What follows after so many segments, without a slash at the end. */
export const restAfter = (number: number): Variable => variable(`after_${number}`);
export const slashAfter = (number: number): Variable => variable(`slash_${number}`);

/** How many segments the tables of these patterns look at; what comes after them can only be the rest of a path. */
export function depthOf(patterns: Iterable<{ readonly segments: readonly unknown[] }>): number {
  let longest = FEWEST_SEGMENTS;
  for (const { segments } of patterns) longest = Math.max(longest, segments.length);
  return Math.ceil(longest / SEGMENT_STEP) * SEGMENT_STEP;
}

/** How many segments of a path the tables of a proxy look at. */
export function depthFor(proxy: Proxy): number {
  return depthOf(rulesOf(proxy).map(({ pattern: each }) => each));
}

/** Runs of capital letters in one segment that can be marked; a segment with more is compared by an expression. */
export const MOST_CAPITALS = 6;

/** Whether a segment is of a type, or all that is left of a path: `type-int.conf`, `rest-int.conf`. */
export interface TypeTest {
  readonly kind: 'type' | 'rest';
  readonly type: ParameterType;
}

/** What all proxies know of a request line. */
export function pathsOf(proxies: readonly Proxy[], needed: readonly TypeTest[]): PathsModel {
  const depth = Math.max(FEWEST_SEGMENTS, ...proxies.map(depthFor));
  const maps = mapList();
  maps.add({
    name: VERB.variable,
    source: [variable('request')],
    fallback: '-',
    patterns: [
      [lineSource('GET|HEAD', depth), 'GET'],
      [lineSource('[A-Z_-]++', depth), METHOD],
    ],
  });
  for (let number = 1; number <= depth; number++)
    maps.add({ name: markedOf(number).variable, source: [segmentOf(number)], includes: [MARKED_FILE], oneLine: true });
  const tests = new Map(needed.map((test) => [typeFile(test), test]));
  const types = [...tests]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, test]) => ({ file, entries: [typeRow(test)] }));
  return { maps: maps.maps, tables: [...types, { file: MARKED_FILE, entries: markedRows() }] };
}

/** After how many segments the tables of some proxy may stop. */
function stops(depth: number): number[] {
  return Array.from({ length: depth }, (_, index) => index + 1).filter(
    (number) => number >= FEWEST_SEGMENTS && number % SEGMENT_STEP === 0,
  );
}

/**
 * Splits a raw request line. One of any other shape (absolute form, "*", two blanks, HTTP/0.9) gives the method
 * alone, and no segment; so does a path with an empty segment before its end. The segments stand side by side, since
 * PCRE keeps what is captured within a group for each group around it: its stack would be too small for 16 of them.
 */
function lineSource(method: string, depth: number): string {
  const segments = Array.from({ length: depth }, (_, index) => {
    const number = index + 1;
    const plain = `(?<plain_${number}>/(?:[^A-Z /?]++(?=[ /?])|(?=[ ?])))`;
    const segment = `(?<segment_${number}>${plain}|/[^ /?]++)${number === 1 ? '' : '?+'}`;
    if (!stops(depth).includes(number)) return segment;
    return `${segment}(?=(?<after_${number}>(?:/[^ /?]++)*+)(?<slash_${number}>/?+)[ ?])`;
  });
  return `^(?<method>${method}) (?:(?<path>${segments.join('')}[^ ?]*+)(?:[?](?<query>[^ ]*+))?+ HTTP/1[.][01]\\z)?+`;
}

export const typeFile = ({ kind, type }: TypeTest) => `${kind}-${type}.conf`;

/** One expression for each, which is long and stands nowhere else. It says "/{int}", or "/{int*}" with the slash at the end. */
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

/**
 * How capital letters are marked: a row for each number of runs of them. No row takes a brace, which no literal has: a map
 * ignores case, so that a client who writes the marks out would ask for "Open" as "{^o}pen".
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
