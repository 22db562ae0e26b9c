import { escapeRegex, IPV4, oneOf } from '../../plan/regex.ts';
import { type AddressRange, type CidrSet, toCidrs } from '../../policy/cidr.ts';
import type { Proxy } from '../../policy/types.ts';
import { bareWord, type CaddyToken, placeholder, trustedText } from './quote.ts';
import { addTo } from './table.ts';

/** Trusted proxies in a row that are read past; a request through more of them is from nowhere. */
const MOST_HOPS = 8;

/**
 * Where the client's address is what trusted proxies wrote into a header. Caddy's own `trusted_proxies` goes on
 * reading past what is no address, and so ends at one that the client itself may have written.
 */
export interface ClientModel {
  readonly snippet: CaddyToken;
  readonly trusted: readonly CaddyToken[];
  readonly header: CaddyToken;
  /** Regular expressions for the hop so many hops from the right as the snippet's argument says. */
  readonly mapped: CaddyToken;
  readonly plain: CaddyToken;
  /** From right to left: each one's number, and how many stand right of it. */
  readonly hops: readonly { readonly number: number; readonly right: number }[];
  readonly tooFar: { readonly number: number; readonly right: number };
}

export function clientModel({ id, clientIp }: Proxy): ClientModel | null {
  if (clientIp.kind !== 'header') return null;
  // Doubled braces: the inner pair is the argument, which leaves the outer one to the regular expression.
  const hop = (address: string) => trustedText(`~^(?:.*,)?[ \\t]*${address}[ \\t]*(?:,[^,]*){{args[0]}}$`);
  return {
    snippet: bareWord(`${id}-hop`),
    trusted: withMapped(clientIp.trusted).map(bareWord),
    header: placeholder(`http.request.header.${clientIp.header}`),
    mapped: hop(`::[Ff]{4}:(${IPV4})`),
    plain: hop(`(${oneOf([IPV4, IPV6])})`),
    hops: Array.from({ length: MOST_HOPS }, (_, index) => ({ number: index + 1, right: index })),
    tooFar: { number: MOST_HOPS + 1, right: MOST_HOPS },
  };
}

/** CIDRs for addresses that come as text, where `::ffff:192.0.2.1` stands for `192.0.2.1`. */
export function withMapped(set: CidrSet): string[] {
  const cidrs = toCidrs(set);
  const mapped = cidrs
    .filter((cidr) => !cidr.includes(':'))
    .map((cidr) => {
      const [address = '', prefix = ''] = cidr.split('/');
      return `::ffff:${address}/${96 + Number(prefix)}`;
    });
  return [...cidrs, ...mapped];
}

export const IPV6 = ipv6Source();

/** Eight groups, the last two of which may be an IPv4 address, or fewer around one "::". */
function ipv6Source(): string {
  const group = '[0-9A-Fa-f]{1,4}';
  const forms = [`(?:${group}:){7}${group}`, `(?:${group}:){6}${IPV4}`];
  for (let left = 0; left <= 7; left++) {
    const head = left === 0 ? '' : `${group}(?::${group}){${left - 1}}`;
    const tails = [''];
    if (left < 7) tails.push(`${group}(?::${group}){0,${6 - left}}`);
    if (left < 6) tails.push(`(?:${group}:){0,${5 - left}}${IPV4}`);
    forms.push(`${head}::${oneOf(tails)}`);
  }
  return oneOf(forms);
}

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
