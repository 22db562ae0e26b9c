import { parseCidr } from '../../policy/cidr.ts';

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
