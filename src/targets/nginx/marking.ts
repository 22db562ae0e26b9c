import { CannotTell, lower, matches, type Part, type Run } from '../../prove/explore.ts';
import { ANYTHING, literally, wholly } from '../../prove/matching.ts';
import { exactRow } from '../../prove/rows.ts';
import { joined, languageOf } from './shapes.ts';
import type { MapTable, Template } from './tables.ts';

/** A table whose source is a junction, a slash and a segment with marked capital letters. */
export interface MarkedLookup {
  readonly table: MapTable;
  /** The table that marks. */
  readonly marks: MapTable;
  /** The junction, with a slash. */
  readonly before: string;
  readonly segment: readonly Part[];
}

/**
 * Returns the value of the row for a marked segment. Marking leaves a segment without capital letters, or with too many
 * runs of them, as it is, and makes one with the character that it excludes empty: with a brace, or a client could write
 * marks itself.
 */
export function markedRow(run: Run, { table, marks, before, segment: raw }: MarkedLookup): Template {
  const excluded = excludedBy(marks);
  if (excluded === undefined || !before.endsWith('/')) throw unknown(table);
  const other = `[^A-Z${literally(excluded)}]`;
  const isOut = raw.length > 0 && matches(run, raw, wholly(`${ANYTHING}${literally(excluded)}${ANYTHING}`));
  const segment = isOut ? [] : raw;
  const unmarked = `${other}*|${other}*(?:[A-Z]+${other}+){6}[A-Z][^${literally(excluded)}]*`;
  if (segment.length === 0 || matches(run, segment, wholly(unmarked))) {
    const whole = joined([before.slice(0, -1), ...(segment.length === 0 ? ['/'] : segment)]);
    const key = exactRow(run, whole, table.keys);
    if (key !== undefined) return table.values.get(key) ?? [];
    return table.regexes.find((each) => matches(run, whole, languageOf(each, table.title)))?.value ?? table.fallback;
  }
  const isPlain = /^\^\\Q[^\\]*\\E\\z$/;
  if (table.regexes.some(({ source }) => !isPlain.test(source) || source.slice(before.length).includes('{^')))
    throw unknown(table);
  for (const key of table.keys.keys.filter((each) => each.startsWith(lower(before)))) {
    const own = key.slice(before.length);
    if (!own.includes('{^') || own.replace(MARK, '').includes('{^')) continue;
    if (excluded !== '{' && own.includes('}{^')) throw unknown(table);
    const source = own.split(MARK).map((text, index) => (index % 2 === 0 ? literally(text) : runOf(text, excluded)));
    if (matches(run, segment, wholly(`/${source.join('')}`))) return table.values.get(key) ?? [];
  }
  return table.fallback;
}

const MARK = /\{\^([^{}]*)\}/g;

/** What becomes this mark: a run of capital letters, or the mark itself where clients can write it. */
function runOf(text: string, excluded: string): string {
  const run = literally(text.toUpperCase());
  return excluded === '{' ? run : `(?:${run}|${literally(`{^${text}}`)})`;
}

function unknown({ title }: MapTable): CannotTell {
  return new CannotTell(`${title} looks up marked segments in a way that is not known`);
}

/**
 * Returns the character that no marked segment has, if a table marks capital letters in the one way that is known: a row
 * for each number of runs up to six, and one for all other segments without that character.
 */
function excludedBy({ regexes, keys, fallback }: MapTable): string | undefined {
  const [, excluded = ''] = /\[\^A-Z([^\]\\^A-Za-z-])\]/.exec(regexes[0]?.source ?? '') ?? [];
  const other = `[^A-Z${excluded}]*+`;
  const counts = [1, 2, 3, 4, 5, 6];
  const sources = counts.map((count) =>
    counts
      .slice(0, count)
      .reduce(
        (source, run) => `${source}(?<capitals_${run}>[A-Z]++)(?<between_${run}>${other})`,
        `^/(?<between_0>${other})`,
      ),
  );
  const values = counts.map((count) =>
    counts.slice(0, count).reduce((value, run) => `${value}{^$capitals_${run}}$between_${run}`, '$between_0'),
  );
  const actual = regexes.map(
    ({ source, value }) =>
      `${source} ${value.map((part) => (typeof part === 'string' ? part : `$${part.variable}`)).join('')}`,
  );
  const expected = [
    ...sources.map((source, index) => `${source}\\z ${values[index]}`),
    `^/(?<unmarked>[^${excluded}]*)\\z $unmarked`,
  ];
  const isKnown = keys.keys.length === 0 && fallback.length === 0 && actual.join('\n') === expected.join('\n');
  return isKnown && excluded !== '' ? excluded : undefined;
}
