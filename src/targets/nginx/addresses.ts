import { type AddressList, addressLists } from '../../plan/callers.ts';
import { parseCidr, toCidrs } from '../../policy/cidr.ts';
import type { Policy } from '../../policy/types.ts';
import type { MapList } from './maps.ts';
import type { GeoModel } from './model.ts';
import { variablePrefix } from './names.ts';
import { bareWord, comment, type Variable, value, variable } from './quote.ts';

/** The variable $client of each proxy: the address of the connection, or the one that its trusted proxies report. */
const CLIENT = variable('client');

/** Returns the variable of an address list: "" where the client is in it, else "-". */
function inList({ kind, name }: AddressList, mark: string): Variable {
  return variable(`${mark}in_${kind === 'set' ? '' : `${kind}_`}${variablePrefix(name)}`);
}

/**
 * Returns how to look up whether the client is in any of these address lists: the source of a map, and the keys for
 * "yes". The variables in the source add up to one "-" for each list that the client is not in, so that fewer "-"
 * than lists mean "yes".
 */
export function inAny(
  lists: readonly AddressList[],
  mark = '',
): { source: readonly Variable[]; inside: readonly string[] } {
  return {
    source: lists.map((list) => inList(list, mark)),
    inside: lists.map((_, outside) => OUTSIDE.repeat(outside)),
  };
}

const OUTSIDE = '-';

/** Returns one variable for all address lists of an API key: "" where the client is in any of them, else "-". */
export function insideOf(key: string, lists: readonly AddressList[], maps: MapList, mark = ''): Variable {
  const [only, ...others] = lists;
  if (only && others.length === 0) return inList(only, mark);
  const { source, inside } = inAny(lists, mark);
  const name = `${mark}in_all_of_${variablePrefix(key)}`;
  return maps.add({ name, source, fallback: OUTSIDE, exact: inside.map((text) => [text, '']) });
}

const WORDS = {
  set: (name: string) => `@${name}`,
  proxy: (name: string) => `What proxy ${name} lists itself.`,
  key: (name: string) => `What key ${name} lists itself.`,
  health: (name: string) => `Who may ask proxy ${name} whether it is alive.`,
} as const;

/**
 * Returns a `geo` table for each address list that a proxy, a health check or a key uses. nginx keeps a table as one
 * tree, so that its size hardly matters for a look-up.
 */
export function addressTables(policy: Policy, mark = ''): GeoModel[] {
  // Only proxies define $client, and only they use these tables.
  const lists = policy.proxies.length === 0 ? [] : addressLists(policy);
  return lists.map((list) => ({
    comment: comment(WORDS[list.kind](list.name)),
    address: value(CLIENT),
    variable: value(inList(list, mark)),
    fallback: value(OUTSIDE),
    cidrs: readableNetworks(
      toCidrs(list.own).map((cidr) => ({ cidr, value: '' })),
      OUTSIDE,
    ).map(networkEntry),
  }));
}

export function networkEntry({ cidr, value: text }: { cidr: string; value: string }): GeoModel['cidrs'][number] {
  return { cidr: bareWord(cidr), value: value(text) };
}

/** A network, and the value that `geo` gives its addresses. */
export interface Network {
  readonly cidr: string;
  readonly value: string;
}

/** nginx takes this address for a parse error, which has the same bits, and does not start. */
export const UNREADABLE = '255.255.255.255/32';
const PAIR = '255.255.255.254/31';
const NEIGHBOUR = '255.255.255.254/32';

/**
 * nginx reads a network of all IPv4 or all IPv6 addresses as `default`, and warns where both are there. Two halves
 * mean the same.
 */
const HALVES: Readonly<Record<string, readonly string[]>> = {
  '0.0.0.0/0': ['0.0.0.0/1', '128.0.0.0/1'],
  '::/0': ['::/1', '8000::/1'],
};

/** Returns networks that mean the same and that nginx can read. `elsewhere` is the value of addresses outside of them. */
export function readableNetworks(networks: readonly Network[], elsewhere: string): readonly Network[] {
  const known = new Set(networks.map(({ cidr }) => cidr));
  const halved = networks.flatMap((network) => {
    const halves = HALVES[network.cidr]?.filter((cidr) => !known.has(cidr));
    return halves ? halves.map((cidr) => ({ ...network, cidr })) : [network];
  });
  return withoutLast(halved, elsewhere);
}

/**
 * Replaces 255.255.255.255/32 by the pair of addresses that it belongs to, and gives the other address of the pair
 * the value that it had.
 */
function withoutLast(networks: readonly Network[], elsewhere: string): readonly Network[] {
  const last = networks.find(({ cidr }) => cidr === UNREADABLE);
  if (!last) return networks;
  const others = networks.filter(({ cidr }) => ![UNREADABLE, PAIR, NEIGHBOUR].includes(cidr));
  return [
    ...others,
    { cidr: PAIR, value: last.value },
    { cidr: NEIGHBOUR, value: valueOfNeighbour(networks) ?? elsewhere },
  ];
}

/** Returns the value of 255.255.255.254 in the most specific network around it. */
function valueOfNeighbour(networks: readonly Network[]): string | undefined {
  const address = 0xfffffffen;
  let best: { size: bigint; value: string } | undefined;
  for (const { cidr, value } of networks) {
    const range = parseCidr(cidr);
    if (typeof range === 'string' || range.family !== 4 || range.first > address || range.last < address) continue;
    const size = range.last - range.first;
    if (!best || size < best.size) best = { size, value };
  }
  return best?.value;
}
