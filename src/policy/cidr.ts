import { isIPv4, isIPv6 } from 'node:net';

/** An inclusive range of addresses of one family, as numbers. */
export interface AddressRange {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

/** Sorted (IPv4 first), disjoint, never adjacent: two equal sets have equal ranges. */
export interface CidrSet {
  readonly ranges: readonly AddressRange[];
}

const WIDTH = { 4: 32n, 6: 128n } as const;

export const ANY_ADDRESS: CidrSet = {
  ranges: [
    { family: 4, first: 0n, last: (1n << 32n) - 1n },
    { family: 6, first: 0n, last: (1n << 128n) - 1n },
  ],
};

/** Returns the family of which a set holds every address. */
export function wholeFamily(ranges: readonly AddressRange[]): 4 | 6 | undefined {
  return ranges.find(({ family, first, last }) => first === 0n && last === (1n << WIDTH[family]) - 1n)?.family;
}

export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/**
 * Returns the family of an address. Texts without a colon skip `isIPv6`, whose regular expression takes 3 ms to
 * compile.
 */
function familyOf(text: string): 4 | 6 | undefined {
  if (!text.includes(':')) return isIPv4(text) ? 4 : undefined;
  return isIPv6(text) && !text.includes('%') ? 6 : undefined;
}

function ipv4Value(text: string): bigint {
  return BigInt(text.split('.').reduce((value, octet) => value * 256 + Number(octet), 0));
}

function ipv6Value(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted) {
    const low = ipv4Value(dotted[2] ?? '');
    return ipv6Value(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`);
  }
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array<string>(zeros).fill('0'), ...right].reduce(
    (value, group) => (value << 16n) | BigInt(`0x${group}`),
    0n,
  );
}

/**
 * Reads an address strictly: no leading zeros, no zone. An IPv4-mapped IPv6 address is the IPv4 address
 * it carries, which is how every engine sees a client on a dual-stack socket.
 */
export function parseAddress(text: string): Address | undefined {
  const family = familyOf(text);
  if (family === undefined) return undefined;
  if (family === 4) return { family, value: ipv4Value(text) };
  const value = ipv6Value(text);
  return value >> 32n === 0xffffn ? { family: 4, value: value & 0xffffffffn } : { family, value };
}

export type CidrProblem = 'not an address' | 'bad prefix' | 'host bits';

/** Reads `address` or `address/prefix`; host bits that are set are a problem, because they hide a typing mistake. */
export function parseCidr(text: string): AddressRange | CidrProblem {
  const [addressText = '', prefixText, ...rest] = text.split('/');
  const family = familyOf(addressText);
  if (family === undefined) return 'not an address';
  const width = WIDTH[family];
  if (rest.length > 0 || (prefixText !== undefined && !/^(?:0|[1-9][0-9]{0,2})$/.test(prefixText))) return 'bad prefix';
  const prefix = prefixText === undefined ? width : BigInt(prefixText);
  if (prefix > width) return 'bad prefix';
  const first = family === 4 ? ipv4Value(addressText) : ipv6Value(addressText);
  const size = 1n << (width - prefix);
  if (first % size !== 0n) return 'host bits';
  const mapped = family === 6 && prefix >= 96n && first >> 32n === 0xffffn;
  if (mapped) return { family: 4, first: first & 0xffffffffn, last: (first & 0xffffffffn) + size - 1n };
  return { family, first, last: first + size - 1n };
}

/** Returns the network of an address with host bits set, for hints. */
export function networkOf(text: string): string {
  const [addressText = '', prefixText = ''] = text.split('/');
  const family = isIPv4(addressText) ? 4 : 6;
  const size = 1n << (WIDTH[family] - BigInt(prefixText));
  const value = family === 4 ? ipv4Value(addressText) : ipv6Value(addressText);
  return `${formatAddress({ family, value: value - (value % size) })}/${prefixText}`;
}

function compare(a: AddressRange, b: AddressRange): number {
  if (a.family !== b.family) return a.family - b.family;
  if (a.first !== b.first) return a.first < b.first ? -1 : 1;
  return a.last < b.last ? -1 : a.last > b.last ? 1 : 0;
}

/** Returns the union of ranges, in canonical form. O(n log n). */
export function unionOf(ranges: readonly AddressRange[]): CidrSet {
  const merged: AddressRange[] = [];
  for (const range of ranges.toSorted(compare)) {
    const last = merged.at(-1);
    if (last && last.family === range.family && range.first <= last.last + 1n) {
      if (range.last > last.last) merged[merged.length - 1] = { ...last, last: range.last };
    } else merged.push(range);
  }
  return { ranges: merged };
}

/** The addresses that one list of the spec holds itself. Each `@name` in the list is a separate part. */
export interface CidrPart {
  /** Name under `ipRanges`; absent for addresses that are written where the set is used. */
  readonly name?: string;
  readonly own: CidrSet;
}

/** What a set was made of: a list's own addresses, and the sets that it names. */
interface Made {
  readonly own: CidrPart | undefined;
  readonly named: readonly CidrSet[];
}

// The key is the array of ranges: a set that was computed from another has a new array, and so no parts of the old one.
const made = new WeakMap<CidrSet['ranges'], Made>();
const parts = new WeakMap<CidrSet['ranges'], readonly CidrPart[]>();

/** Returns the union of a list of the spec and the sets that it names. `partsOf` returns all these lists again. */
export function unionOfParts(own: CidrPart | undefined, named: readonly CidrSet[]): CidrSet {
  const [largest = NOBODY, ...others] = [own?.own ?? NOBODY, ...named].toSorted(
    (a, b) => b.ranges.length - a.ranges.length,
  );
  const more = others.flatMap(({ ranges }) => ranges);
  // So that sets which each add a few addresses to the one before are not sorted again each time.
  const isFew = more.length <= FEW;
  const set = isFew ? { ranges: more.reduce(withRange, [...largest.ranges]) } : unionOf([...largest.ranges, ...more]);
  made.set(set.ranges, { own, named });
  return set;
}

const FEW = 8;

function withRange(ranges: readonly AddressRange[], { family, ...own }: AddressRange): AddressRange[] {
  let { first, last } = own;
  const from = firstNotBelow(ranges, { family, first: first - 1n });
  let to = from;
  for (let next = ranges[to]; next?.family === family && next.first <= last + 1n; next = ranges[++to]) {
    if (next.first < first) first = next.first;
    if (next.last > last) last = next.last;
  }
  return ranges.toSpliced(from, to - from, { family, first, last });
}

/**
 * Returns the lists that `unionOfParts` made a set of, each behind those that it names; any other set is its own only
 * part. They are listed when somebody asks: of sets that each name the one before, few are asked for theirs.
 */
export function partsOf(set: CidrSet): readonly CidrPart[] {
  const known = parts.get(set.ranges) ?? listsOf(set);
  parts.set(set.ranges, known);
  return known;
}

function listsOf(set: CidrSet): readonly CidrPart[] {
  const found: CidrPart[] = [];
  const seen = new Set<CidrSet['ranges']>();
  // A stack, because sets may be nested deeper than calls can.
  const open: (CidrSet | { readonly list: CidrPart })[] = [set];
  for (let next = open.pop(); next; next = open.pop()) {
    if ('list' in next) {
      found.push(next.list);
      continue;
    }
    if (seen.has(next.ranges)) continue;
    seen.add(next.ranges);
    const { own, named } = made.get(next.ranges) ?? { own: { own: next }, named: [] };
    if (own) open.push({ list: own });
    open.push(...named.toReversed());
  }
  return found;
}

/** Returns whether a set holds every address. */
export function isEverybody({ ranges }: CidrSet): boolean {
  return ranges.length === 2 && ranges.every((range) => wholeFamily([range]) !== undefined);
}

/** Returns whether a set holds an address. O(log n). */
export function contains(set: CidrSet, address: Address): boolean {
  let low = 0;
  let high = set.ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = set.ranges[middle];
    if (!range) return false;
    if (range.family < address.family || (range.family === address.family && range.last < address.value))
      low = middle + 1;
    else if (range.family > address.family || range.first > address.value) high = middle - 1;
    else return true;
  }
  return false;
}

/** Returns the addresses that are in `a` and not in `b`. */
export function subtract(a: CidrSet, b: CidrSet): CidrSet {
  const left: AddressRange[] = [];
  let other = 0;
  for (const range of a.ranges) {
    let first = range.first;
    while (other > 0 && compare(b.ranges[other - 1] ?? range, range) > 0) other--;
    for (; other < b.ranges.length; other++) {
      const cut = b.ranges[other];
      if (!cut || cut.family > range.family || (cut.family === range.family && cut.first > range.last)) break;
      if (cut.family < range.family || cut.last < first) continue;
      if (cut.first > first) left.push({ family: range.family, first, last: cut.first - 1n });
      first = cut.last + 1n;
      if (first > range.last) break;
    }
    if (first <= range.last) left.push({ family: range.family, first, last: range.last });
  }
  return { ranges: left };
}

/** The empty set. */
export const NOBODY: CidrSet = { ranges: [] };

export function isEmpty(set: CidrSet): boolean {
  return set.ranges.length === 0;
}

/** Returns whether every address of one set is in the other. */
export function isWithin(some: CidrSet, all: CidrSet): boolean {
  return isEmpty(subtract(some, all));
}

/**
 * Returns the addresses that are in both sets. O(smaller × log larger), because one key's few addresses often meet a
 * proxy's many.
 */
export function intersect(a: CidrSet, b: CidrSet): CidrSet {
  if (a === b) return a;
  const [small, large] = a.ranges.length <= b.ranges.length ? [a, b] : [b, a];
  const ranges: AddressRange[] = [];
  for (const range of small.ranges) {
    for (let index = firstNotBelow(large.ranges, range); index < large.ranges.length; index++) {
      const other = large.ranges[index];
      if (!other || other.family !== range.family || other.first > range.last) break;
      const first = other.first > range.first ? other.first : range.first;
      const last = other.last < range.last ? other.last : range.last;
      ranges.push({ family: range.family, first, last });
    }
  }
  return { ranges };
}

/** Returns the index of the first range that does not end before this one starts. */
function firstNotBelow(ranges: readonly AddressRange[], { family, first }: Omit<AddressRange, 'last'>): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle];
    if (range && (range.family < family || (range.family === family && range.last < first))) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns whether two sets are equal. Equal sets have equal ranges, because sets are in canonical form. */
export function sameAddresses(a: CidrSet, b: CidrSet): boolean {
  if (a === b) return true;
  return (
    a.ranges.length === b.ranges.length &&
    a.ranges.every((range, index) => {
      const other = b.ranges[index];
      return other?.family === range.family && other.first === range.first && other.last === range.last;
    })
  );
}

/** 192.0.2.1 and 2001:db8::1, which are set aside for examples. */
const EXAMPLES = { 4: 0xc0000201n, 6: (0x20010db8n << 96n) + 1n } as const;

/**
 * Returns an address of a range that a host may have: not the first, which is that of the network, unless there is no
 * other.
 */
export function hostOf({ family, first, last }: AddressRange): Address {
  const example = EXAMPLES[family];
  if (first <= example && example <= last) return { family, value: example };
  return { family, value: last - first > 1 ? first + 1n : first };
}

export function formatAddress(address: Address): string {
  if (address.family === 4) {
    const value = Number(address.value);
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
  }
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((address.value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  const zeros = [...groups.join(':').matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)]
    .map((match) => match[0])
    .sort((a, b) => b.length - a.length)[0];
  if (zeros === undefined) return groups.join(':');
  const [before = '', ...after] = groups.join(':').split(zeros);
  return `${before}::${after.join(zeros).replace(/^:/, '')}`;
}

/** A range that is exactly one CIDR. */
export interface Network extends AddressRange {
  readonly cidr: string;
}

/** Returns the fewest networks that make up a set, in order. */
function networksOf(set: CidrSet): Network[] {
  const networks: Network[] = [];
  for (const { family, first: start, last: end } of set.ranges) {
    const width = WIDTH[family];
    for (let first = start; first <= end; ) {
      // A network of size n starts at a multiple of n, so the lowest set bit of its first address is the largest size.
      let size = first === 0n ? 1n << width : first & -first;
      while (first + size - 1n > end) size >>= 1n;
      const prefix = Number(width) + 1 - size.toString(2).length;
      const cidr = `${formatAddress({ family, value: first })}/${prefix}`;
      networks.push({ family, first, last: first + size - 1n, cidr });
      first += size;
    }
  }
  return networks;
}

/** Returns the fewest CIDRs that make up a set, in order, for engines and people. */
export function toCidrs(set: CidrSet): string[] {
  return networksOf(set).map(({ cidr }) => cidr);
}

/** Returns an address of a set, the same one on every run. */
export function someAddress(set: CidrSet): string | undefined {
  const [range] = set.ranges;
  return range && formatAddress(hostOf(range));
}

const SHOWN = 4;

/** Returns CIDRs for a sentence. A long list is cut, because the report lists them all beside the sentence. */
export function addressWords(set: CidrSet): string {
  const cidrs = toCidrs(set);
  const more = cidrs.length > SHOWN ? ` and ${cidrs.length - SHOWN} more` : '';
  return `${cidrs.slice(0, SHOWN).join(', ')}${more}`;
}
