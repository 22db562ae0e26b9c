import { grantSetOf } from '../../plan/callers.ts';
import { below, escapeRegex, oneOf } from '../../plan/regex.ts';
import { type CidrSet, toCidrs } from '../../policy/cidr.ts';
import { shortened } from '../../policy/shortened.ts';
import type { ApiKey, Policy, Proxy } from '../../policy/types.ts';
import type { Names } from './names.ts';
import { addTo, lookup, type Table, table } from './table.ts';

/**
 * What Caddy knows about callers. Each has a class "groups/addresses/end", such as "hooks+read/any/2027-06-30": the
 * route groups that its key may use, the key's own address set, and the moment when the key expires.
 */
export interface Callers {
  /** Set `caller.class` from the key id in `http.vars.key`; "" for an unknown id and for an expired key. */
  readonly tables: readonly Table[];
  /** Route groups by the name of the grant set that some caller has. */
  readonly grants: ReadonlyMap<string, readonly string[]>;
  /** Address sets of callers, by name. */
  readonly addresses: ReadonlyMap<string, CidrSet>;
  /** Whether some key expires. The class is then in `caller.found` until its end is compared with the time. */
  readonly expires: boolean;
}

/** No group has this name. */
const NOTHING = '-';
const EVERYWHERE = 'any';
const FOREVER = 'never';

export function callersOf({ apiKeys }: Policy, proxy: Proxy, names: Names): Callers {
  const grants = new Map<string, readonly string[]>();
  const addresses = new Map<string, CidrSet>();
  const ends = new Map<string, number>();
  const classOf = ({ groups: granted, allGroups, ranges, expires }: ApiKey): string => {
    const { name, groups } = grantSetOf({ allGroups, groups: granted.filter((group) => proxy.groups.includes(group)) });
    const grant = shortened(name, LONGEST) || NOTHING;
    grants.set(grant, groups);
    const place = ranges ? addressName(ranges) : EVERYWHERE;
    if (ranges) addresses.set(place, ranges);
    const end = expires === undefined ? FOREVER : momentName(expires);
    if (expires !== undefined) ends.set(end, expires);
    return `${grant}/${place}/${end}`;
  };
  const entries = apiKeys.map((key) => [key.id, classOf(key)] as const);
  const found = classTables(entries, ends.size > 0 ? names.found : names.caller);
  return {
    tables: ends.size > 0 ? [...found, lifetime(sorted(ends), names)] : found,
    grants: new Map(sorted(grants)),
    addresses: new Map(sorted(addresses)),
    expires: ends.size > 0,
  };
}

function sorted<T>(named: ReadonlyMap<string, T>): [string, T][] {
  return [...named].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Longer names of sets are shortened, so that rows stay readable. */
const LONGEST = 100;

/** Returns the name of an address set: the addresses themselves where they are few. */
function addressName(set: CidrSet): string {
  return shortened(toCidrs(set).join('+').replaceAll('/', '-'), LONGEST);
}

function momentName(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/T00:00:00[.]000Z$/, '');
}

/** Up to so many classes have one regular expression each, which costs little more for many ids than for few. */
const FEW_CLASSES = 8;
/**
 * Most characters of all ids in such expressions: beyond, the compiled program takes more memory than all else in
 * Caddy.
 */
const MOST_CHARACTERS = 300_000;

function classTables(entries: readonly (readonly [id: string, name: string])[], destination: string): Table[] {
  const source = '{http.vars.key}';
  const classes = new Map<string, string[]>();
  for (const [id, name] of entries) addTo(classes, name, id);
  const characters = entries.reduce((sum, [id]) => sum + id.length, 0);
  if (classes.size > FEW_CLASSES || characters > MOST_CHARACTERS) return lookup({ source, destination, entries });
  const sources = sorted(classes).map(([name, ids]): [string, string] => [
    `~^${oneOf(ids.toSorted().map(escapeRegex))}$`,
    name,
  ]);
  return [table({ source, destination, entries: sources })];
}

/**
 * Returns the table that compares ends with the time. It compares text: the seconds since 1970 have to be digits that
 * mean less than the end.
 */
function lifetime(ends: readonly (readonly [name: string, moment: number])[], names: Names): Table {
  const alive = ends.map(([name, moment]): [string, string] => [
    `~^([^ ]+/${escapeRegex(name)}) ${below(moment)}$`,
    '$1',
  ]);
  return table({
    source: `{${names.found}} {time.now.unix}`,
    destination: names.caller,
    entries: [[`~^([^ ]+/${FOREVER}) `, '$1'], ...alive],
  });
}
