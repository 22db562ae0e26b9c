import { ANY_ADDRESS, type CidrSet, NOBODY, networkOf, parseCidr, subtract, unionOf } from '../../policy/cidr.ts';
import type { Written } from './importTree.ts';

/** Callers by key: a map from a request header to what the upstream gets, or to whether the key is good. */
export interface KeyMap {
  readonly variable: string;
  /** The request header that the key stands in. */
  readonly header: string;
  readonly fallback: string;
  readonly entries: readonly { readonly key: string; readonly value: string; readonly at: Written }[];
  readonly at: Written;
}

/** A `geo` block: values by address range. */
export interface GeoMap {
  readonly variable: string;
  readonly fallback: string;
  readonly entries: readonly { readonly range: string; readonly value: string }[];
}

/** What the `http` block defines for all servers. */
export interface Facts {
  readonly keys: ReadonlyMap<string, KeyMap>;
  readonly geos: ReadonlyMap<string, GeoMap>;
  readonly upstreams: ReadonlyMap<string, Written>;
}

const SETTINGS = new Set([
  'default',
  'hostnames',
  'volatile',
  'include',
  'ranges',
  'delete',
  'proxy',
  'proxy_recursive',
]);

export function factsOf(http: readonly Written[]): Facts {
  const keys = new Map<string, KeyMap>();
  const geos = new Map<string, GeoMap>();
  const upstreams = new Map<string, Written>();
  for (const one of http) {
    const [first = '', second = ''] = one.args;
    if (one.name === 'upstream' && one.block) upstreams.set(first, one);
    if (one.name === 'map' && one.block) {
      const header = /^\$\{?http_([A-Za-z0-9_]+)\}?$/.exec(first)?.[1];
      const map = header === undefined ? undefined : keyMap(header, second, one, one.block);
      if (map) keys.set(map.variable, map);
    }
    if (one.name === 'geo' && one.block && one.args.length === 1) {
      const geo = geoMap(first, one.block);
      if (geo) geos.set(first, geo);
    }
  }
  return { keys, geos, upstreams };
}

function keyMap(header: string, variable: string, at: Written, block: readonly Written[]): KeyMap | undefined {
  const rows = block.filter(({ name }) => !SETTINGS.has(name));
  if (block.some(({ name }) => name === 'include' || name === 'hostnames')) return undefined;
  // With an expression or a variable, the callers cannot be listed.
  if (rows.some(({ name, args }) => /^~/.test(name) || /\$/.test(args[0] ?? ''))) return undefined;
  const fallback = block.find(({ name }) => name === 'default')?.args[0] ?? '';
  const entries = rows.map((row) => ({ key: row.name.replace(/^\\/, ''), value: row.args[0] ?? '', at: row }));
  // Of this header a spec takes keys behind one word alone.
  if (
    header.toLowerCase() === 'authorization' &&
    !(entries.length > 0 && entries.every(({ key }) => /^Bearer ./.test(key)))
  )
    return undefined;
  return { variable, header: header.replaceAll('_', '-'), fallback, entries, at };
}

function geoMap(variable: string, block: readonly Written[]): GeoMap | undefined {
  if (block.some(({ name }) => name !== 'default' && SETTINGS.has(name))) return undefined;
  const rows = block.filter(({ name }) => name !== 'default');
  const fallback = block.find(({ name }) => name === 'default')?.args[0] ?? '';
  return { variable, fallback, entries: rows.map(({ name, args }) => ({ range: name, value: args[0] ?? '' })) };
}

/** Returns the addresses of one CIDR as nginx reads it; `undefined` where the text is none, such as a host name. */
export function rangesOf(text: string): CidrSet | undefined {
  if (text === 'all') return ANY_ADDRESS;
  const range = parseCidr(text);
  if (typeof range !== 'string') return unionOf([range]);
  if (range !== 'host bits') return undefined;
  const network = parseCidr(networkOf(text));
  return typeof network === 'string' ? undefined : unionOf([network]);
}

/** Addresses, and whether they get in. */
interface Admission {
  readonly ranges: CidrSet;
  readonly passes: boolean;
}

/** Returns the addresses that get in where the last that names an address decides. Neighbours that say the same are one. */
function admittedLast(first: CidrSet, all: readonly Admission[]): CidrSet {
  let admitted = first;
  for (let start = 0, end = 0; start < all.length; start = end) {
    const passes = all[start]?.passes;
    while (end < all.length && all[end]?.passes === passes) end += 1;
    const ranges = all.slice(start, end).flatMap((one) => one.ranges.ranges);
    admitted = passes ? unionOf([...admitted.ranges, ...ranges]) : subtract(admitted, unionOf(ranges));
  }
  return admitted;
}

/**
 * Returns the addresses that a list of `allow` and `deny` admits, where the first rule that matches decides;
 * `undefined` where a rule has no addresses.
 */
export function admittedBy(rules: readonly Written[]): CidrSet | undefined {
  const all: Admission[] = [];
  for (const { name, args } of rules.toReversed()) {
    const ranges = rangesOf(args[0] ?? '');
    if (!ranges) return undefined;
    all.push({ ranges, passes: name === 'allow' });
  }
  return admittedLast(ANY_ADDRESS, all);
}

/** Returns the addresses to which a `geo` gives a value that passes. The narrowest entry that holds an address decides. */
export function addressesOf(geo: GeoMap, passes: (value: string) => boolean): CidrSet | undefined {
  const width = (range: string) => Number(/\/(\d+)$/.exec(range)?.[1] ?? 128) - (range.includes(':') ? 0 : 32);
  const all: Admission[] = [];
  for (const { range, value } of geo.entries.toSorted((a, b) => width(a.range) - width(b.range))) {
    const ranges = rangesOf(range);
    if (!ranges) return undefined;
    all.push({ ranges, passes: passes(value) });
  }
  return admittedLast(passes(geo.fallback) ? ANY_ADDRESS : NOBODY, all);
}
