import { IPV4 } from '../../plan/regex.ts';
import { toCidrs } from '../../policy/cidr.ts';
import type { Proxy } from '../../policy/types.ts';
import { networkEntry, readableNetworks } from './addresses.ts';
import type { MapList } from './maps.ts';
import type { GeoModel } from './model.ts';
import { type Part, type Variable, value, variable } from './quote.ts';

/**
 * Most trusted proxies in a row, the one that connects included. A client behind more of them gets the address "",
 * which is in no address list.
 */
const MOST_HOPS = 8;

/**
 * Returns the source of an IPv6 address (RFC 4291 §2.2): eight groups, or fewer around one "::"; the last two may be
 * an IPv4 address.
 */
function ipv6(): string {
  const group = '[0-9A-Fa-f]{1,4}';
  const most = (count: number) => (count < 1 ? '' : `(?:${group}:){0,${count}}`);
  const shortened = Array.from({ length: 8 }, (_, before) => {
    const left = before === 0 ? '' : `${group}(?::${group}){${before - 1}}`;
    const right = before < 7 ? [`${most(6 - before)}${group}`] : [];
    const dotted = before < 6 ? [`${most(5 - before)}${IPV4}`] : [];
    const either = [...dotted, ...right];
    return `${left}::${either.length === 0 ? '' : `(?:${either.join('|')})?`}`;
  });
  return `(?:${group}:){6}(?:${IPV4}|${group}:${group})|${shortened.join('|')}`;
}

/**
 * Source of the texts that count as addresses in a header. nginx's own parser also accepts ports, leading zeros, and
 * blanks between addresses.
 */
export const ADDRESS = `(?:${IPV4}|${ipv6()})`;

export interface ClientInput {
  readonly proxy: Pick<Proxy, 'clientIp'>;
  readonly prefix: string;
  readonly maps: MapList;
}

export interface Client {
  /** Address of the client as the policy understands it. */
  readonly address: Variable;
  readonly geos: readonly GeoModel[];
}

const PEER = variable('remote_addr');

/**
 * Returns the client of a proxy, with the tables that find it. The header of trusted proxies is read from the right:
 * the client is the first address that is not trusted, or the last trusted address before something that is no
 * address. nginx's realip module is not used, because it also reads texts that are no addresses, and would admit
 * clients that the policy refuses.
 */
export function clientOf({ proxy: { clientIp }, prefix, maps }: ClientInput): Client {
  if (clientIp.kind !== 'header') return { address: PEER, geos: [] };
  const networks = readableNetworks(
    toCidrs(clientIp.trusted).map((cidr) => ({ cidr, value: '1' })),
    '',
  );
  const cidrs = networks.map(networkEntry);
  const geos: GeoModel[] = [];
  const trusted = (address: Variable, number: number): Variable => {
    const name = variable(`${prefix}_trusted_${number}`);
    geos.push({ comment: null, fallback: value(''), address: value(address), variable: value(name), cidrs });
    return name;
  };
  const hops: Variable[] = [];
  let left = variable(`http_${clientIp.header.toLowerCase().replaceAll('-', '_')}`);
  for (let number = 1; number <= MOST_HOPS + 1; number++) {
    const [rest, found] = [`hops_left_${number}`, `hop_address_${number}`];
    const pattern = `^(?:(?<${rest}>.*),)?[ \\t]*+(?<${found}>${ADDRESS})[ \\t]*+\\z`;
    hops.push(maps.add({ name: `${prefix}_hop_${number}`, source: [left], patterns: [[pattern, variable(found)]] }));
    left = variable(rest);
  }
  const pastTrusted = (number: number, hop: Variable): Part =>
    maps.add({
      name: `${prefix}_past_hop_${number}`,
      source: [trusted(hop, number)],
      fallback: hop,
      exact: [['1', from(number + 1, hop)]],
    });
  const from = (number: number, nearer: Variable): Part => {
    const hop = hops[number - 1];
    if (!hop) return nearer;
    const beyond = number > MOST_HOPS ? '' : pastTrusted(number, hop);
    return maps.add({ name: `${prefix}_from_hop_${number}`, source: [hop], fallback: beyond, exact: [['', nearer]] });
  };
  const address = maps.add({
    name: `${prefix}_client`,
    source: [trusted(PEER, 0)],
    fallback: PEER,
    exact: [['1', from(1, PEER)]],
  });
  return { address, geos };
}
