import { parseCidr } from '../../policy/cidr.ts';

/** A network and what nginx's `geo` says of its addresses. */
export interface Network {
  readonly cidr: string;
  readonly area: number;
}

/** nginx reads this address as one that is written wrongly, and does not start. */
export const UNREADABLE = '255.255.255.255/32';
const PAIR = '255.255.255.254/31';
const NEIGHBOUR = '255.255.255.254/32';

/** The same table without the network that nginx cannot read: the pair that it is half of, and the other half as it was. */
export function readableNetworks(networks: readonly Network[]): readonly Network[] {
  const last = networks.find(({ cidr }) => cidr === UNREADABLE);
  if (!last) return networks;
  const others = networks.filter(({ cidr }) => ![UNREADABLE, PAIR, NEIGHBOUR].includes(cidr));
  return [...others, { cidr: PAIR, area: last.area }, { cidr: NEIGHBOUR, area: areaOfNeighbour(networks) }];
}

/** What the most specific network around it says. */
function areaOfNeighbour(networks: readonly Network[]): number {
  const address = 0xfffffffen;
  let best: { size: bigint; area: number } | undefined;
  for (const { cidr, area } of networks) {
    const range = parseCidr(cidr);
    if (typeof range === 'string' || range.family !== 4 || range.first > address || range.last < address) continue;
    const size = range.last - range.first;
    if (!best || size < best.size) best = { size, area };
  }
  return best?.area ?? 0;
}
