import { type CidrSet, type Network, networksOf } from '../../policy/cidr.ts';

/** All address sets of a policy as one table: nginx then finds the client in one tree, whatever the number of sets. */
export interface Areas {
  /** nginx takes the most specific CIDR that holds the client; area 0 is everywhere else. */
  readonly cidrs: readonly { readonly cidr: string; readonly area: number }[];
  /** The areas whose addresses are all in this set; no other area has an address of it. */
  areasOf(set: CidrSet): readonly number[];
  /** A number for a set; equal sets have one. */
  numberOf(set: CidrSet): number;
}

interface Member extends Network {
  /** In ascending order. */
  readonly sets: number[];
}

export function areasOf(sets: Iterable<CidrSet>): Areas {
  const numbers = new Map<string, number>();
  const networks = new Map<string, Member>();
  const known = new Map<CidrSet, number>();
  for (const set of sets) {
    if (known.has(set)) continue;
    const own = networksOf(set);
    const key = own.map(({ cidr }) => cidr).join();
    const number = numbers.get(key) ?? numbers.size + 1;
    known.set(set, number);
    if (numbers.has(key)) continue;
    numbers.set(key, number);
    for (const network of own) {
      const member = networks.get(network.cidr) ?? { ...network, sets: [] };
      networks.set(network.cidr, member);
      member.sets.push(number);
    }
  }
  const { cidrs, members } = cut([...networks.values()].sort(outerFirst));
  const numberOf = (set: CidrSet) => known.get(set) ?? Number.NaN;
  return {
    cidrs,
    numberOf,
    areasOf: (set) => members.flatMap((inside, index) => (inside.includes(numberOf(set)) ? [index + 1] : [])),
  };
}

function outerFirst(a: Member, b: Member): number {
  if (a.family !== b.family) return a.family - b.family;
  if (a.first !== b.first) return a.first < b.first ? -1 : 1;
  return a.last > b.last ? -1 : a.last < b.last ? 1 : 0;
}

/** CIDRs nest or are disjoint, so what holds for a network is its own sets and those of the networks around it. */
function cut(networks: readonly Member[]): { cidrs: { cidr: string; area: number }[]; members: number[][] } {
  const areas = new Map<string, number>();
  const members: number[][] = [];
  const around: { network: Member; sets: readonly number[] }[] = [];
  const cidrs = networks.map((network) => {
    for (let outer = around.at(-1); outer; outer = around.at(-1)) {
      if (outer.network.family === network.family && outer.network.last >= network.first) break;
      around.pop();
    }
    // The networks of one set do not nest, so none is in both.
    const outer = around.at(-1)?.sets ?? [];
    const inside = outer.length === 0 ? network.sets : [...outer, ...network.sets].sort((a, b) => a - b);
    around.push({ network, sets: inside });
    const key = inside.join();
    const area = areas.get(key) ?? members.push(inside);
    areas.set(key, area);
    return { cidr: network.cidr, area };
  });
  return { cidrs, members };
}
