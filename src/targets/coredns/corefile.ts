import type { DomainRewrite } from '../../policy/types.ts';
import { groupRewrites, type RuleGroup } from './blocks.ts';
import type { CorednsOptions } from './options.ts';
import { argument, type CorednsToken, zone } from './quote.ts';
import { rulesOf, sortRewrites } from './rules.ts';

interface Block {
  /** The block that answers for all names without a block of their own, and has the plugins of the whole server. */
  readonly main: boolean;
  readonly zones: readonly CorednsToken[];
  /** Rules without the word `rewrite`, in the order in which they are tried. */
  readonly rules: readonly CorednsToken[];
  /** Whether a rule lists several names. */
  readonly lists: boolean;
  /** Domain of the cluster whose services the block answers for. */
  readonly cluster: CorednsToken | null;
}

/** A whole Corefile in CoreDNS's terms. */
export interface CorefileModel {
  /** The main block first, then those that only rewrite; none of these where all rules are in the main block. */
  readonly blocks: readonly Block[];
  readonly forward: readonly CorednsToken[];
  readonly bind: readonly CorednsToken[];
}

/** What the form of the output decides about a Corefile. */
export interface Surroundings {
  /** Port after every zone; `undefined` leaves it to the command line. */
  readonly port: number | undefined;
  /** Whether the last zone of a block has no port, because it gets it elsewhere. */
  readonly bareLast?: boolean;
  /** Whether this CoreDNS answers for the services of a cluster. */
  readonly inCluster: boolean;
  /** Resolver for all other names where the options name none. */
  readonly resolver: string;
  /** Whether the rules are one file, which holds either server blocks or the content of one. */
  readonly oneFile?: boolean;
}

export const defaultClusterDomain = 'cluster.local';

export function corefileModel(
  rewrites: readonly DomainRewrite[],
  options: CorednsOptions,
  { port, bareLast = false, inCluster, resolver, oneFile = false }: Surroundings,
): CorefileModel {
  const clusterDomain = options.clusterDomain ?? defaultClusterDomain;
  const blockOf = (group: RuleGroup): Block => {
    const main = group.zones[0] === '.';
    return {
      main,
      zones: group.zones.map((name, index, { length }) =>
        zone(name, bareLast && index === length - 1 ? undefined : port),
      ),
      rules: rulesOf(group.rewrites),
      lists: sortRewrites(group.rewrites).listings.length > 0,
      cluster: inCluster && (main || touches(group, clusterDomain)) ? argument(clusterDomain) : null,
    };
  };
  return {
    blocks: groupRewrites(rewrites, !oneFile).map(blockOf),
    forward: (options.forward ?? [resolver]).map(argument),
    bind: (options.bind ?? []).map(argument),
  };
}

export function isBelow(name: string, domain: string): boolean {
  return `.${name}`.endsWith(`.${domain}`);
}

/**
 * Returns whether a block may answer for names of the cluster. A rewritten name stays in the block where it was
 * rewritten.
 */
function touches({ zones, rewrites }: RuleGroup, domain: string): boolean {
  const related = (name: string) => isBelow(name, domain) || isBelow(domain, name);
  return zones.some(related) || rewrites.some(({ to }) => related(to));
}
