import { type AddressList, addressLists } from '../../plan/callers.ts';
import { parseCidr, toCidrs } from '../../policy/cidr.ts';
import type { Policy } from '../../policy/types.ts';
import type { MapList } from './maps.ts';
import type { GeoModel } from './model.ts';
import { variablePrefix } from './names.ts';
import { bareWord, comment, type Variable, value, variable } from './quote.ts';

/** Each proxy says who its client is: who connects, or whom its trusted proxies name. */
const CLIENT = variable('client');

/** "" where the client's address is in a list of the spec, else "-". */
function inList({ kind, name }: AddressList, mark: string): Variable {
  return variable(`${mark}in_${kind === 'set' ? '' : `${kind}_`}${variablePrefix(name)}`);
}

/** Whether an address is in any of some lists: what is looked up, and what comes of it where it is. */
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

/** The same as one variable, for a key with addresses of its own. */
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

/** One table for each list of addresses that somebody asks for: nginx finds an address in any of them in one tree. */
export function addressTables(policy: Policy, mark = ''): GeoModel[] {
  // Without a proxy nobody says who the client is, and nobody asks.
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

/** A network and what nginx's `geo` says of its addresses. */
export interface Network {
  readonly cidr: string;
  readonly value: string;
}

/** nginx reads this address as one that is written wrongly, and does not start. */
export const UNREADABLE = '255.255.255.255/32';
const PAIR = '255.255.255.254/31';
const NEIGHBOUR = '255.255.255.254/32';

/** The whole of a family is what `default` means to nginx, which warns where both are there. */
const HALVES: Readonly<Record<string, readonly string[]>> = {
  '0.0.0.0/0': ['0.0.0.0/1', '128.0.0.0/1'],
  '::/0': ['::/1', '8000::/1'],
};

/** The same table in networks that nginx can read. */
export function readableNetworks(networks: readonly Network[], elsewhere: string): readonly Network[] {
  const known = new Set(networks.map(({ cidr }) => cidr));
  const halved = networks.flatMap((network) => {
    const halves = HALVES[network.cidr]?.filter((cidr) => !known.has(cidr));
    return halves ? halves.map((cidr) => ({ ...network, cidr })) : [network];
  });
  return withoutLast(halved, elsewhere);
}

/** In place of the last address the pair that it is half of, and the other half as it was. */
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

/** What the most specific network around it says. */
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
