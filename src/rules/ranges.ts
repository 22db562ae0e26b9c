import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import {
  type AddressRange,
  addressWords,
  type CidrSet,
  intersect,
  isEmpty,
  parseCidr,
  subtract,
  unionOf,
} from '../policy/cidr.ts';
import { epochSeconds } from '../policy/dates.ts';
import type { AddressSet, Policy } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { ruleCodes } from './codes.ts';

/**
 * Reports entries of address sets that add nothing, that hold no address of a client, or that let in more than most
 * authors mean.
 */
export function addresses({ addressSets }: Policy, spec: Spec): Diagnostic[] {
  return addressSets.flatMap((set) => {
    const written = spec.ipRanges?.[set.id] ?? [];
    const entries = Array.isArray(written) ? entriesOf(written, set.origin) : [];
    return [...covered(entries), ...suspect(set, entries), ...left(set, written)];
  });
}

interface Entry {
  readonly range: AddressRange;
  /** Seconds since 1970; `Infinity` where it has no end. */
  readonly end: number;
  readonly at: SpecPath;
}

function entriesOf(written: readonly unknown[], origin: SpecPath): Entry[] {
  return written.flatMap((item, index): Entry[] => {
    const { cidr = item, expires = undefined }: { cidr?: unknown; expires?: unknown } =
      typeof item === 'object' && item !== null ? item : {};
    const range = typeof cidr === 'string' ? parseCidr(cidr) : 'not an address';
    const end = typeof expires === 'string' ? (epochSeconds(expires) ?? Infinity) : Infinity;
    return typeof range === 'string' ? [] : [{ range, end, at: [...origin, index] }];
  });
}

/**
 * Reports entries that another entry of their list covers, for as long as they last. In sorted order, an entry comes
 * before those that it covers, and networks lie in each other, so that few are open at a time.
 */
function covered(entries: readonly Entry[]): Diagnostic[] {
  const sorted = entries.toSorted(({ range: a, end: aEnd }, { range: b, end: bEnd }) => {
    if (a.family !== b.family) return a.family - b.family;
    if (a.first !== b.first) return a.first < b.first ? -1 : 1;
    if (a.last !== b.last) return a.last > b.last ? -1 : 1;
    return aEnd > bEnd ? -1 : aEnd < bEnd ? 1 : 0;
  });
  let open: Entry[] = [];
  return sorted.flatMap((entry) => {
    open = open.filter(({ range }) => range.family === entry.range.family && range.last >= entry.range.last);
    const wider = open.find(({ end }) => end >= entry.end);
    if (!wider) {
      open.push(entry);
      return [];
    }
    const params = { cidr: wordsOf(entry.range), other: wordsOf(wider.range) };
    return ruleCodes.report('covered-range', entry.at, params, {
      related: [{ at: wider.at, message: 'which stands here' }],
    });
  });
}

const named = (...cidrs: readonly string[]): CidrSet =>
  unionOf(cidrs.map(parseCidr).flatMap((range) => (typeof range === 'string' ? [] : range)));

/**
 * Addresses that no client has, by RFC 6890 and RFC 5771. Networks for documentation are left out, because examples use
 * them.
 */
const BOGONS = [
  ['"this network"', named('0.0.0.0/8')],
  ['multicast addresses', named('224.0.0.0/4', 'ff00::/8')],
  ['reserved addresses', named('240.0.0.0/4')],
  ['addresses for benchmarks', named('198.18.0.0/15', '2001:2::/48')],
  ['addresses that are thrown away', named('100::/64')],
] as const;
const PRIVATE = named('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7');
/** Addresses of the machine or the link itself. They count neither as public nor as private. */
const LOCAL = named('127.0.0.0/8', '169.254.0.0/16', '::1/128', 'fe80::/10');

function suspect({ id, set, origin }: AddressSet, entries: readonly Entry[]): Diagnostic[] {
  const found = entries.flatMap(({ range, at }) => {
    const bogon = BOGONS.find(([, bad]) => !isEmpty(intersect({ ranges: [range] }, bad)));
    if (bogon) return [ruleCodes.report('bogon-range', at, { cidr: wordsOf(range), what: bogon[0] })];
    return wide(range, at);
  });
  const inside = intersect(set, PRIVATE);
  const outside = subtract(subtract(set, PRIVATE), LOCAL);
  if (isEmpty(inside) || isEmpty(outside)) return found;
  const [first] = inside.ranges;
  const mixed = ruleCodes.report(
    'mixed-range',
    origin,
    { set: id, private: first ? addressWords({ ranges: [first] }) : '' },
    { part: 'key' },
  );
  return [...found, mixed];
}

/** Reports an entry larger than any network that a registry assigns: a /8 of IPv4, a /16 of IPv6. */
function wide({ family, first, last }: AddressRange, at: SpecPath): Diagnostic[] {
  const [width, limit] = family === 4 ? [32n, 8n] : [128n, 16n];
  const size = last - first + 1n;
  if (size <= 1n << (width - limit)) return [];
  const params = { cidr: wordsOf({ family, first, last }), share: `1/${(1n << width) / size}`, family };
  return [ruleCodes.report('wide-range', at, params)];
}

function left({ id, set, origin }: AddressSet, written: unknown): Diagnostic[] {
  const isList = Array.isArray(written) && written.length > 0;
  return isList && isEmpty(set) ? [ruleCodes.report('empty-set', origin, { set: id }, { part: 'key' })] : [];
}

function wordsOf(range: AddressRange): string {
  return addressWords({ ranges: [range] });
}
