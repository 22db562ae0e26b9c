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

/** A row of a map, with what is to be read before it. */
export type MapEntryDefinition = readonly [key: string, result: Part | readonly Part[], comments?: readonly string[]];

export interface MapDefinition {
  readonly name: string;
  /** One line for whoever reads the file. */
  readonly comment?: string;
  readonly source: readonly Part[];
  /** What comes out where nothing matches; "" denies, everywhere. */
  readonly fallback?: Part | readonly Part[];
  /** Looked up ignoring case: see to it that this cannot matter. */
  readonly exact?: Iterable<MapEntryDefinition>;
  /** Tried in order after `exact`; with case. */
  readonly patterns?: Iterable<MapEntryDefinition>;
  readonly includes?: readonly string[];
  /** Looked up anew each time, because what it is looked up by changes within one request. */
  readonly volatile?: boolean;
  /** Looks nothing up as long as it has no rows. Not for tables that a route more adds a first row to. */
  readonly idle?: boolean;
  /** Written on one line: for the many small ones that are the same in every spec. */
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
