import type { CidrSet } from '../../policy/cidr.ts';
import type { ApiKey, Policy, Proxy } from '../../policy/types.ts';
import { lookup } from './lookup.ts';
import { addTo } from './multimap.ts';
import { below, exactly, oneOf } from './regex.ts';
import { type Table, table } from './table.ts';

/**
 * What there is to know about callers. Each is of a class "scope.range.expiry", whose three numbers stand for
 * its route groups, its own addresses and its last moment; 0 is none of its own.
 */
export interface Callers {
  /** Give `caller.class` for the id in `http.vars.key`: "" for an unknown id and after the last moment. */
  readonly tables: readonly Table[];
  /** The route groups of each scope, by its number. */
  readonly scopes: readonly (readonly string[])[];
  /** Addresses that only some callers are bound to. */
  readonly ranges: readonly { readonly number: number; readonly set: CidrSet }[];
}

export function callersOf({ apiKeys }: Policy, proxy: Proxy): Callers {
  const scopes = new Map<string, Numbered<readonly string[]>>();
  const ranges = new Map<string, Numbered<CidrSet>>();
  const expiries = new Map<string, Numbered<number>>();
  const classOf = (key: ApiKey): string => {
    const groups = key.groups.filter((group) => proxy.groups.includes(group));
    const scope = numberOf(scopes, groups.join(), groups);
    const range = key.ranges ? numberOf(ranges, rangeKey(key.ranges), key.ranges) : 0;
    const expiry = key.expires === undefined ? 0 : numberOf(expiries, String(key.expires), key.expires);
    return `${scope}.${range}.${expiry}`;
  };
  const entries = apiKeys.map((key) => [key.id, classOf(key)] as const);
  const timed = expiries.size > 0;
  const found = classTables(entries, timed ? 'caller.found' : 'caller.class');
  return {
    tables: timed ? [...found, lifetime([...expiries.values()])] : found,
    scopes: [...scopes.values()].map(({ value }) => value),
    ranges: [...ranges.values()].map(({ number, value }) => ({ number, set: value })),
  };
}

/** Classes up to this number are told by a regular expression each, which costs little more for many ids than for few. */
const FEW_CLASSES = 8;
/** Beyond so many characters its program would take more memory than the rest of Caddy. */
const MOST_CHARACTERS = 300_000;

function classTables(entries: readonly (readonly [id: string, name: string])[], destination: string): Table[] {
  const source = '{http.vars.key}';
  const classes = new Map<string, string[]>();
  for (const [id, name] of entries) addTo(classes, name, id);
  const characters = entries.reduce((sum, [id]) => sum + id.length, 0);
  if (classes.size > FEW_CLASSES || characters > MOST_CHARACTERS) return lookup({ source, destination, entries });
  const sources = [...classes].map(([name, ids]): [string, string] => [
    `~^${oneOf(ids.toSorted().map(exactly))}$`,
    name,
  ]);
  return [table({ source, destination, entries: sources })];
}

interface Numbered<T> {
  readonly number: number;
  readonly value: T;
}

/** The number of a value, from 1 up in the order of first use. */
function numberOf<T>(known: Map<string, Numbered<T>>, key: string, value: T): number {
  const numbered = known.get(key) ?? { number: known.size + 1, value };
  known.set(key, numbered);
  return numbered.number;
}

function rangeKey({ ranges }: CidrSet): string {
  return ranges.map(({ family, first, last }) => `${family}:${first}-${last}`).join();
}

/** Time is compared as text: the seconds since the epoch must be digits that stand for less than the last moment. */
function lifetime(expiries: readonly Numbered<number>[]): Table {
  const alive = expiries.map(({ number, value }): [string, string] => [`~^([^ ]+[.]${number}) ${below(value)}$`, '$1']);
  return table({
    source: '{caller.found} {time.now.unix}',
    destination: 'caller.class',
    entries: [['~^([^ ]+[.]0) ', '$1'], ...alive],
  });
}
