import { escapeRegex, IPV4, oneOf } from '../../plan/regex.ts';
import { type AddressRange, type CidrSet, toCidrs } from '../../policy/cidr.ts';
import type { Proxy } from '../../policy/types.ts';
import { bareWord, type CaddyToken, placeholder, trustedText } from './quote.ts';
import { addTo } from './table.ts';

/** Most trusted proxies in a row. The client behind more of them has no address, so that it is in no address set. */
const MOST_HOPS = 8;

/**
 * The client of a proxy whose trusted proxies report it in a header. Caddy's own `trusted_proxies` is not used: it
 * reads on past a text that is no address, and so may end at an address that the client itself wrote.
 */
export interface ClientModel {
  readonly snippet: CaddyToken;
  readonly trusted: readonly CaddyToken[];
  readonly header: CaddyToken;
  /**
   * Regular expressions for one hop of the header: an IPv4 address written as IPv6, and any other. The argument of the
   * snippet says how many hops stand to the right of it.
   */
  readonly mapped: CaddyToken;
  readonly plain: CaddyToken;
  /** The hops from right to left: the number of each, and how many stand to the right of it. */
  readonly hops: readonly { readonly number: number; readonly right: number }[];
  readonly tooFar: { readonly number: number; readonly right: number };
}

export function clientModel({ id, clientIp }: Pick<Proxy, 'id' | 'clientIp'>): ClientModel | null {
  if (clientIp.kind !== 'header') return null;
  // Doubled braces: the inner pair is the argument of the snippet, and what replaces it stands in the outer pair, as
  // the count of a repetition.
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

/** Returns CIDRs for addresses that come as text, in which `::ffff:192.0.2.1` means `192.0.2.1`. */
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

/**
 * Returns the source of an IPv6 address: eight groups, the last two of which may be an IPv4 address, or fewer around
 * one "::".
 */
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

/**
 * Caddy compares an address with one CIDR after the other. In longer lists than this, IPv4 addresses are matched as
 * text instead.
 */
const LONG_LIST = 300;

/** How an address is looked up in a set: among CIDRs, or as text that a regular expression matches. */
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

/**
 * Returns the source of addresses from one octet on: `shift` is 24 for the first octet, 0 for the last. The spans are
 * sorted, disjoint, and numbered within the octets before.
 */
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

/** Returns the source of some numbers from 0 to 255, grouped by all digits but the last: `12[0123]`. */
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
