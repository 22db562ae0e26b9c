import { escapeRegex, oneOf } from '../../plan/regex.ts';
import { type AddressRange, type CidrSet, toCidrs } from '../../policy/cidr.ts';
import { addTo } from './multimap.ts';

/** Above this many CIDRs, which Caddy goes through one by one, IPv4 addresses are matched as text. */
const LONG_LIST = 300;

/** How an address is found to be in a set: in a list of CIDRs, or as text that a regular expression matches. */
export interface AddressTest {
  readonly cidrs: readonly string[];
  readonly text?: string;
}

export function addressTest(set: CidrSet, cidrsOf = toCidrs): AddressTest {
  const cidrs = cidrsOf(set);
  const ipv4 = set.ranges.filter(({ family }) => family === 4);
  if (cidrs.length <= LONG_LIST || ipv4.length === 0) return { cidrs };
  const ipv6 = cidrsOf({ ranges: set.ranges.filter(({ family }) => family === 6) });
  return { cidrs: ipv6, text: `^${octets(ipv4.map(numbers), 24)}$` };
}

interface Span {
  readonly first: number;
  readonly last: number;
}

function numbers({ first, last }: AddressRange): Span {
  return { first: Number(first), last: Number(last) };
}

/** Dotted addresses from the octet at `shift` on; spans are sorted, disjoint and lie below one common prefix. */
function octets(spans: readonly Span[], shift: number): string {
  if (shift === 0) return octetSource(spans.flatMap(numbersIn));
  const size = 2 ** shift;
  const byOctet = new Map<number, Span[]>();
  for (const { first, last } of spans) {
    for (let octet = Math.floor(first / size); octet <= Math.floor(last / size); octet++) {
      const part = {
        first: Math.max(first, octet * size) - octet * size,
        last: Math.min(last, octet * size + size - 1) - octet * size,
      };
      addTo(byOctet, octet, part);
    }
  }
  const byRest = new Map<string, number[]>();
  for (const [octet, parts] of byOctet) {
    addTo(byRest, `[.]${restOf(parts, shift)}`, octet);
  }
  return oneOf([...byRest].map(([rest, values]) => `${octetSource(values)}${rest}`));
}

function numbersIn({ first, last }: Span): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

function restOf(parts: readonly Span[], shift: number): string {
  const whole = parts.length === 1 && parts[0]?.first === 0 && parts[0].last === 2 ** shift - 1;
  return whole
    ? Array(shift / 8)
        .fill('[0-9]+')
        .join('[.]')
    : octets(parts, shift - 8);
}

/** Numbers from 0 to 255, by their last digits. */
function octetSource(values: readonly number[]): string {
  if (values.length === 256) return '[0-9]+';
  const byTens = new Map<string, string>();
  for (const value of values) {
    const tens = value < 10 ? '' : String(Math.floor(value / 10));
    byTens.set(tens, (byTens.get(tens) ?? '') + (value % 10));
  }
  return oneOf(
    [...byTens].map(
      ([tens, ones]) => `${escapeRegex(tens)}${ones.length === 1 ? ones : ones.length === 10 ? '[0-9]' : `[${ones}]`}`,
    ),
  );
}
