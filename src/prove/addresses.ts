import { type AddressRange, type CidrSet, parseCidr, sameAddresses, unionOf } from '../policy/cidr.ts';
import { either, type Language, stateAfter } from './language.ts';
import { wholly } from './matching.ts';

let allAddresses: Language | undefined;

/** IPv4 and IPv6 addresses as texts (RFC 4291 §2.2), written out on its own. */
export function addresses(): Language {
  if (allAddresses) return allAddresses;
  const octet = '(?:[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])';
  const ipv4 = `${octet}\\.${octet}\\.${octet}\\.${octet}`;
  const group = '[0-9A-Fa-f]{1,4}';
  let found = either(wholly(ipv4), wholly(`(?:${group}:){7}${group}|(?:${group}:){6}${ipv4}`));
  for (let left = 0; left <= 7; left++) {
    const head = left === 0 ? '' : `${group}(?::${group}){${left - 1}}`;
    for (let right = 0; left + right <= 7; right++) {
      const tail = right === 0 ? '' : `(?:${group}:){${right - 1}}${group}`;
      found = either(found, wholly(`${head}::${tail}`));
      if (left + right <= 5) found = either(found, wholly(`${head}::(?:${group}:){${right}}${ipv4}`));
    }
  }
  allAddresses = found;
  return found;
}

/** Returns whether texts are ranges, which hold the addresses of a set and no others. */
export function areRangesOf(texts: readonly string[], set: CidrSet): boolean {
  const ranges = texts.map(parseCidr).filter((range) => typeof range !== 'string');
  return ranges.length === texts.length && sameAddresses(unionOf(ranges), set);
}

const sets = new WeakMap<Language, CidrSet>();

/** Returns the IPv4 addresses whose usual texts are in a language. */
export function ipv4In(language: Language): CidrSet {
  const found = sets.get(language) ?? unionOf(spansFrom(language, { state: 0, octets: 4, known: new Map() }));
  sets.set(language, found);
  return found;
}

interface Octets {
  readonly state: number;
  /** How many are left. */
  readonly octets: number;
  readonly known: Map<string, readonly AddressRange[]>;
}

/** Returns the numbers of the octets that are left, as if there were no others before. */
function spansFrom(language: Language, { state, octets, known }: Octets): readonly AddressRange[] {
  const key = `${state} ${octets}`;
  const found = known.get(key);
  if (found) return found;
  const size = 1n << BigInt(8 * (octets - 1));
  const spans = Array.from({ length: 256 }, (_, octet): readonly AddressRange[] => {
    const after = stateAfter(language, String(octet), state);
    const before = BigInt(octet) * size;
    if (octets === 1) return language.accepts[after] === 1 ? [{ family: 4, first: before, last: before }] : [];
    const rest = spansFrom(language, { state: stateAfter(language, '.', after), octets: octets - 1, known });
    return rest.map(({ family, first, last }) => ({ family, first: before + first, last: before + last }));
  });
  const { ranges } = unionOf(spans.flat());
  known.set(key, ranges);
  return ranges;
}
