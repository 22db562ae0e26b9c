import type { Diagnostic, SpecPath } from '../../diagnostics/diagnostic.ts';
import { type CidrSet, toCidrs } from '../../policy/cidr.ts';
import { policyCodes } from '../../policy/codes.ts';
import type { Policy } from '../../policy/types.ts';
import { ipRangesCodes } from './codes.ts';
import type { IpRangesOptions } from './options.ts';

export interface NamedSet {
  readonly name: string;
  /** The fewest CIDRs for the addresses of each family. */
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

export const FAMILIES = ['ipv4', 'ipv6'] as const;
export type Family = (typeof FAMILIES)[number];

export interface Port {
  readonly number: number;
  readonly protocol: 'tcp' | 'udp';
}

export interface Opening {
  readonly name: string;
  readonly sets: readonly NamedSet[];
  readonly ports: readonly Port[];
  readonly securityGroup?: string | undefined;
  readonly pods?: Readonly<Record<string, string>> | undefined;
  readonly at: SpecPath;
}

/** The options with the sets that they name. */
export interface Sets {
  readonly sets: readonly NamedSet[];
  readonly openings: readonly Opening[];
}

export function setsOf(policy: Policy, options: IpRangesOptions, at: SpecPath, problems: Diagnostic[]): Sets {
  const all = new Map(policy.addressSets.map(({ id, set }) => [id, set]));
  const known = new Map<string, NamedSet>();
  const lookUp = (names: readonly string[], place: SpecPath): NamedSet[] =>
    names.flatMap((name, index) => {
      const set = all.get(name);
      if (!set) {
        const params = { kind: 'address set', name, known: [...all.keys()] };
        problems.push(policyCodes.report('unknown-reference', [...place, index], params));
        return [];
      }
      const found = known.get(name) ?? namedSet(name, set);
      known.set(name, found);
      return found;
    });
  return {
    sets: lookUp([...new Set(options.sets ?? all.keys())].sort(), [...at, 'sets']),
    openings: Object.entries(options.open ?? {})
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { sets, ports, securityGroup, pods }]) => ({
        name,
        sets: lookUp([...new Set(sets)].sort(), [...at, 'open', name, 'sets']),
        ports: portsOf(ports),
        securityGroup,
        pods,
        at: [...at, 'open', name],
      })),
  };
}

/** Returns every set that is rendered or admitted somewhere, by name. */
export function setsByName({ sets, openings }: Sets): ReadonlyMap<string, NamedSet> {
  return new Map([...sets, ...openings.flatMap((opening) => opening.sets)].map((set) => [set.name, set]));
}

function namedSet(name: string, set: CidrSet): NamedSet {
  const cidrs = toCidrs(set);
  return { name, ipv4: cidrs.filter((cidr) => !cidr.includes(':')), ipv6: cidrs.filter((cidr) => cidr.includes(':')) };
}

/** Returns ports, each once, sorted by number: `443`, `4567/udp`. */
function portsOf(ports: readonly (number | string)[]): Port[] {
  const all = ports.map((port): Port => {
    const [number, protocol] = String(port).split('/');
    return { number: Number(number), protocol: protocol === 'udp' ? 'udp' : 'tcp' };
  });
  const byName = new Map(all.map((port) => [portName(port), port]));
  return [...byName.values()].sort((a, b) => a.number - b.number || (a.protocol < b.protocol ? -1 : 1));
}

export function portName({ number, protocol }: Port): string {
  return protocol === 'tcp' ? String(number) : `${number}/${protocol}`;
}

/**
 * Leaves out empty sets and reports them: from an empty set a firewall makes a rule for nobody at best, and for
 * everybody at worst.
 */
export function withoutEmpty(
  sets: readonly NamedSet[],
  form: string,
  at: SpecPath,
  problems: Diagnostic[],
): NamedSet[] {
  return sets.filter(({ name, ipv4, ipv6 }) => {
    if (ipv4.length + ipv6.length > 0) return true;
    problems.push(ipRangesCodes.report('nobody', at, { set: name, form }));
    return false;
  });
}
