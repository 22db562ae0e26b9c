import type { MapModel } from './model.ts';
import { mapKey, type Part, pattern, type Variable, value, variable, word } from './quote.ts';

export interface MapDefinition {
  readonly name: string;
  readonly source: readonly Part[];
  /** What comes out where nothing matches; "" denies, everywhere. */
  readonly fallback?: Part | readonly Part[];
  /** Looked up ignoring case: see to it that this cannot matter. */
  readonly exact?: Iterable<readonly [key: string, result: Part | readonly Part[]]>;
  /** Tried in order after `exact`; with case. */
  readonly patterns?: Iterable<readonly [source: string, result: Part | readonly Part[]]>;
  readonly include?: string;
  /** Looked up anew each time, because what it is looked up by changes within one request. */
  readonly volatile?: boolean;
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
    add({ name, source, fallback = '', exact = [], patterns = [], include, volatile = false }) {
      const entries = [
        ...Array.from(exact, ([key, result]) => ({ key: mapKey(key), value: resultToken(result) })),
        ...Array.from(patterns, ([key, result]) => ({ key: pattern(key), value: resultToken(result) })),
      ];
      maps.push({
        source: value(...source),
        variable: value(variable(name)),
        volatile,
        fallback: resultToken(fallback),
        entries,
        include: include === undefined ? null : word(include),
      });
      return variable(name);
    },
  };
}

function resultToken(result: Part | readonly Part[]) {
  return isParts(result) ? value(...result) : value(result);
}

function isParts(result: Part | readonly Part[]): result is readonly Part[] {
  return Array.isArray(result);
}
