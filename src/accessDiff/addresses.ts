import { type AddressRange, type CidrSet, formatAddress, hostOf, toCidrs } from '../policy/cidr.ts';

export const NOBODY: CidrSet = { ranges: [] };

/** What is in both sets. O(smaller × log larger), because one key's few addresses often meet a proxy's many. */
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

/** Index of the first range that does not end before this one starts. */
function firstNotBelow(ranges: readonly AddressRange[], { family, first }: AddressRange): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle];
    if (range && (range.family < family || (range.family === family && range.last < first))) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Equal sets have equal ranges, because sets are kept in canonical form. */
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

/** Some address of a set, the same one on every run. */
export function someAddress(set: CidrSet): string | undefined {
  const [range] = set.ranges;
  return range && formatAddress(hostOf(range));
}

const SHOWN = 4;

/** CIDRs for a sentence; a long list is cut, since the whole one stands beside it. */
export function addressWords(set: CidrSet): string {
  const cidrs = toCidrs(set);
  const more = cidrs.length > SHOWN ? ` and ${cidrs.length - SHOWN} more` : '';
  return `${cidrs.slice(0, SHOWN).join(', ')}${more}`;
}
