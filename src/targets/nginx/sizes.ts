import type { HashSizes, MapModel } from './model.ts';

/** What the number of keys, which nginx reads from files of their own, adds to the maps. */
export interface Secrets {
  readonly keys: number;
  readonly longestId: number;
}

/**
 * Sizes of nginx's hash tables. Its defaults do not take many entries or long ones: with a key too long for
 * its bucket it does not start, and with a table too small it starts, slowly, and finds keys slowly.
 */
export function hashSizes(maps: readonly MapModel[], secrets: Secrets): HashSizes {
  let most = secrets.keys * 2;
  let longest = secrets.longestId;
  for (const { entries } of maps) {
    most = Math.max(most, entries.length);
    // Expressions are not hashed.
    for (const { key } of entries) if (!key.text.startsWith('"~')) longest = Math.max(longest, key.text.length);
  }
  return {
    mapMax: roughly(Math.max(2048, most * 4)),
    mapBucket: roughly(Math.max(256, longest + 32)),
    // A map has its variable and at most two captures a segment; nginx wants room for twice as many.
    variablesMax: roughly(Math.max(2048, maps.length * 16)),
  };
}

/** The next power of two: sizes that a line more or less does not change. */
export function roughly(size: number): number {
  return 2 ** Math.ceil(Math.log2(size));
}
