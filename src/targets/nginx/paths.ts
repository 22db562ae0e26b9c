import { rulesOf } from '../../policy/access.ts';
import { PARAMETER_TYPES, type ParameterType, segmentSource } from '../../policy/segment.ts';
import type { Policy } from '../../policy/types.ts';
import { type MapList, mapList } from './maps.ts';
import type { MapEntry, PathsModel } from './model.ts';
import { type Part, pattern, type Variable, value, variable } from './quote.ts';

/** The splitting expression has to fit into one token. */
export const MOST_SEGMENTS = 39;
/** Tables are made for so many segments at least, and then for a few more at once: one more route changes nothing else. */
const FEWEST_SEGMENTS = 8;
const SEGMENT_STEP = 4;

/** "" where the request line could be read, after which the captures below are there; else "-". */
export const LINE = variable('line');
export const METHOD = variable('method');
export const PATH = variable('path');
export const QUERY = variable('query');
/** With the slash before it; "" where the path is over. */
export const segmentOf = (number: number): Variable => variable(`segment_${number}`);
/** The same, "" also where a capital letter is in it: maps ignore case, so no such segment may reach their rows. */
export const plainOf = (number: number): Variable => variable(`plain_${number}`);
/** The segment without its slash, capital letters marked as in the names of places. */
export const markedOf = (number: number): Variable => variable(`marked_${number}`);
/** A segment by its number, or all that follows after so many. */
export type Place = number | `after_${number}`;
/** "{int}" where the segment, or each of those that follow, is of this type; UNFIT where not. */
export const typeTest = (type: ParameterType, place: Place): Variable => variable(`as_${words(type)}_${place}`);
/** What stands in the name of a place that no path leads to. */
export const UNFIT = '{-}';
/** What the rest of a path of this type has behind its name: nothing, UNFIT, or the slash that ends it. */
export const stayTest = (type: ParameterType, place: Place): Variable => variable(`stay_${words(type)}_${place}`);
const slashTest = (number: number): Variable => variable(`as_slash_${number}`);
/** What follows after so many segments, without a slash at the end. */
export const restAfter = (number: number): Variable => variable(`after_${number}`);
export const slashAfter = (number: number): Variable => variable(`slash_${number}`);

const words = (type: ParameterType) => type.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** How many segments the tables of these patterns look at. */
export function depthOf(patterns: Iterable<{ readonly segments: readonly unknown[] }>): number {
  let longest = FEWEST_SEGMENTS - 1;
  for (const { segments } of patterns) longest = Math.max(longest, segments.length);
  // What comes after the last looked-up segment can only be the rest of a path, of which the first one is looked up.
  return Math.ceil((longest + 1) / SEGMENT_STEP) * SEGMENT_STEP;
}

/** Runs of capital letters in one segment that can be marked; a segment with more is compared by an expression. */
export const MOST_CAPITALS = 6;

/** What all proxies know of a request line, whatever their routes. */
export function pathsOf({ proxies }: Policy, marked: ReadonlySet<number>): PathsModel {
  const depths = proxies.map((proxy) => depthOf(rulesOf(proxy).map(({ pattern: each }) => each)));
  const depth = Math.max(FEWEST_SEGMENTS, ...depths);
  const maps = mapList();
  maps.add({ name: LINE.variable, source: [variable('request')], fallback: '-', patterns: [[lineSource(depth), '']] });
  for (let number = 1; number <= depth; number++) {
    typeMaps(number, segmentOf(number), maps);
    stayMaps(number, slashTest(number), maps);
    maps.add({
      name: slashTest(number).variable,
      source: [segmentOf(number)],
      fallback: UNFIT,
      exact: [['/', '/']],
      oneLine: true,
    });
  }
  for (const number of stops(depth)) {
    typeMaps(`after_${number}`, restAfter(number), maps);
    stayMaps(`after_${number}`, UNFIT, maps);
  }
  for (const number of [...marked].sort((a, b) => a - b)) markingMap(number, maps);
  return { maps: maps.maps, types: PARAMETER_TYPES.map((type) => ({ type, entries: [typeRow(type)] })) };
}

/** After how many segments the tables of some proxy may stop. */
function stops(depth: number): number[] {
  return Array.from({ length: depth }, (_, index) => index + 1).filter(
    (number) => number >= FEWEST_SEGMENTS && number % SEGMENT_STEP === 0,
  );
}

/**
 * Splits a raw request line. A line of any other shape (absolute form, "*", two blanks, HTTP/0.9) gives the method
 * alone, and no segment; so does a long path with an empty segment in its rest. The segments stand side by side, since
 * PCRE keeps what is captured within a group for each group around it: its stack would be too small for 16 of them.
 */
function lineSource(depth: number): string {
  const segments = Array.from({ length: depth }, (_, index) => {
    const number = index + 1;
    const segment = `(?<segment_${number}>(?<plain_${number}>/[^A-Z /?]*+(?=[ /?]))|/[^ /?]*+)${number === 1 ? '' : '?+'}`;
    if (!stops(depth).includes(number)) return segment;
    return `${segment}(?=(?<after_${number}>(?:/[^ /?]++)*+)(?<slash_${number}>/?+)[ ?])`;
  });
  return `^(?<method>[A-Z_-]++) (?:(?<path>${segments.join('')}[^ ?]*+)(?:[?](?<query>[^ ]*+))?+ HTTP/1[.][01]\\z)?+`;
}

function typeMaps(place: Place, source: Part, maps: MapList): void {
  for (const type of PARAMETER_TYPES)
    maps.add({
      name: typeTest(type, place).variable,
      source: [source],
      fallback: UNFIT,
      include: typeFile(type),
      oneLine: true,
    });
}

function stayMaps(place: Place, otherwise: Part, maps: MapList): void {
  for (const type of PARAMETER_TYPES)
    maps.add({
      name: stayTest(type, place).variable,
      source: [typeTest(type, place)],
      exact: [[UNFIT, otherwise]],
      oneLine: true,
    });
}

export const typeFile = (type: string) => `type-${type}.conf`;

/** One expression for each type, which is long and stands nowhere else. */
function typeRow(type: ParameterType): MapEntry {
  const source = `^(?:/${segmentSource(type, 'possessive')})++\\z`;
  return { key: pattern(source), value: value(`{${type}}`), comments: [] };
}

function markingMap(number: number, maps: MapList): void {
  const counts = Array.from({ length: MOST_CAPITALS }, (_, index) => index + 1);
  const patterns = counts.map((count) => {
    const runs = counts.slice(0, count);
    const source = runs.map((run) => `(?<capitals_${run}>[A-Z]++)(?<between_${run}>[^A-Z]*+)`).join('');
    const marked: Part[] = runs.flatMap((run) => ['{^', variable(`capitals_${run}`), '}', variable(`between_${run}`)]);
    return [`^/(?<between_0>[^A-Z]*+)${source}\\z`, [variable('between_0'), ...marked]] as const;
  });
  const unmarked = `~^/(?<unmarked_${number}>.*)\\z`.slice(1);
  maps.add({
    name: markedOf(number).variable,
    source: [segmentOf(number)],
    patterns: [...patterns, [unmarked, variable(`unmarked_${number}`)]],
  });
}
