import type { MapEntry, MapModel } from './model.ts';
import {
  bareWord,
  comment,
  mapKey,
  type NginxToken,
  type Part,
  pattern,
  type Variable,
  value,
  variable,
} from './quote.ts';

/** A row of a map. `comments` are printed above it. */
export type MapEntryDefinition = readonly [key: string, result: Part | readonly Part[], comments?: readonly string[]];

export interface MapDefinition {
  readonly name: string;
  /** Printed above the map, for people who read the file. */
  readonly comment?: string;
  readonly source: readonly Part[];
  /** The value where no row matches. "" always refuses. */
  readonly fallback?: Part | readonly Part[];
  /** Compared ignoring case: the caller makes sure that case cannot matter. */
  readonly exact?: Iterable<MapEntryDefinition>;
  /** Regular expressions, tried in order after `exact`; case matters. */
  readonly patterns?: Iterable<MapEntryDefinition>;
  readonly includes?: readonly string[];
  /** Evaluated anew at each use, because the source changes within one request. */
  readonly volatile?: boolean;
  /**
   * Leaves the source empty while the map has no rows, so that nginx evaluates nothing. Not for a map to which one
   * more route may add the first row, since this would change its source line too.
   */
  readonly idle?: boolean;
  /** Printed on one line: for the many small maps that are the same for every spec. */
  readonly oneLine?: boolean;
}

/** Collects the maps of one file, in the order in which they were defined. */
export interface MapList {
  readonly maps: MapModel[];
  add(definition: MapDefinition): Variable;
}

export function mapList(): MapList {
  const maps: MapModel[] = [];
  return {
    maps,
    add({
      name,
      comment: about,
      source,
      fallback = '',
      exact = [],
      patterns = [],
      includes = [],
      volatile = false,
      oneLine = false,
      idle = false,
    }) {
      const entries = [
        ...Array.from(exact, (row) => entryOf(mapKey(row[0]), row)),
        ...Array.from(patterns, (row) => entryOf(pattern(row[0]), row)),
      ];
      maps.push({
        comment: about === undefined ? null : comment(about),
        source: idle && entries.length === 0 ? value('') : value(...source),
        variable: value(variable(name)),
        volatile,
        oneLine,
        fallback: resultToken(fallback),
        entries,
        includes: includes.map(bareWord),
      });
      return variable(name);
    },
  };
}

function entryOf(key: NginxToken, [, result, comments = []]: MapEntryDefinition): MapEntry {
  return { key, value: resultToken(result), comments: comments.map(comment) };
}

function resultToken(result: Part | readonly Part[]) {
  return isParts(result) ? value(...result) : value(result);
}

function isParts(result: Part | readonly Part[]): result is readonly Part[] {
  return Array.isArray(result);
}
