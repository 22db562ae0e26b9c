import { IPV4, oneOf } from '../../plan/regex.ts';
import { type CidrSet, toCidrs } from '../../policy/cidr.ts';
import type { Proxy } from '../../policy/types.ts';
import { type CaddyToken, own, placeholder, word } from './quote.ts';

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
  const hop = (address: string) => own(`~^(?:.*,)?[ \\t]*${address}[ \\t]*(?:,[^,]*){{args[0]}}$`);
  return {
    snippet: word(`${id}-hop`),
    trusted: withMapped(clientIp.trusted).map(word),
    header: placeholder(`http.request.header.${clientIp.header}`),
    mapped: hop(`::[Ff]{4}:(${IPV4})`),
    plain: hop(`(${oneOf([IPV4, IPV6])})`),
    hops: Array.from({ length: MOST_HOPS }, (_, index) => ({ number: index + 1, right: index })),
    tooFar: { number: MOST_HOPS + 1, right: MOST_HOPS },
  };
}

/** CIDRs for addresses that come as text: an IPv4 address in IPv6 clothes is the IPv4 address. */
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
