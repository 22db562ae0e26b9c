import { type CidrSet, toCidrs } from '../../policy/cidr.ts';
import type { Proxy } from '../../policy/types.ts';
import { type CaddyToken, placeholder, word } from './quote.ts';
import { oneOf } from './regex.ts';
import { type Table, table } from './table.ts';

/** Trusted proxies in a row that are read past; a request through more of them is from nowhere. */
const MOST_HOPS = 8;

/**
 * Where the client's address is what trusted proxies wrote into a header. Caddy's own `trusted_proxies` goes on
 * reading past what is no address, and so ends at one that the client itself may have written.
 */
export interface ClientModel {
  readonly trusted: readonly CaddyToken[];
  readonly hops: readonly Hop[];
}

interface Hop {
  readonly table: Table;
  readonly name: CaddyToken;
  /** How many hops were read before this one. */
  readonly before: CaddyToken;
  readonly after: CaddyToken;
  /** The address, "" for one that is too far away. */
  readonly address: CaddyToken | null;
}

export function clientModel({ clientIp }: Proxy): ClientModel | null {
  if (clientIp.kind !== 'header') return null;
  const hops = Array.from({ length: MOST_HOPS + 1 }, (_, index): Hop => {
    const destination = `client.hop${index + 1}`;
    return {
      table: hopTable(clientIp.header, destination, index),
      name: word(`hop${index + 1}`),
      before: word(`hop${index}`),
      after: word(`hop${index + 1}`),
      address: index === MOST_HOPS ? null : placeholder(destination),
    };
  });
  return { trusted: withMapped(clientIp.trusted).map(word), hops };
}

/** CIDRs for addresses that come as text: an IPv4 address in IPv6 clothes is the IPv4 address. */
export function withMapped(set: CidrSet): string[] {
  const cidrs = toCidrs(set);
  const mapped = cidrs.filter((cidr) => !cidr.includes(':')).map((cidr) => {
    const [address = '', prefix = ''] = cidr.split('/');
    return `::ffff:${address}/${96 + Number(prefix)}`;
  });
  return [...cidrs, ...mapped];
}

/** The hop at this index from the right, "" where there is none or it is no address. */
function hopTable(header: string, destination: string, index: number): Table {
  const left = index === 0 ? '' : `(?:,[^,]*){${index}}`;
  const at = (address: string) => `~^(?:.*,)?[ \\t]*${address}[ \\t]*${left}$`;
  return table({
    source: `{http.request.header.${header}}`,
    destination,
    entries: [
      [at(`::[Ff]{4}:(${IPV4})`), '$1'],
      [at(`(${oneOf([IPV4, IPV6])})`), '$1'],
    ],
  });
}

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
export const IPV4 = `${OCTET}(?:[.]${OCTET}){3}`;
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
