import type { DomainRewrite } from '../../policy/types.ts';
import { groupRewrites, type RuleGroup } from './blocks.ts';
import type { CorednsOptions } from './options.ts';
import { argument, type CorednsToken, zone } from './quote.ts';
import { rulesOf, sortRewrites } from './rules.ts';

interface Block {
  /** The one that answers for every name without a block of its own, and that watches over the whole server. */
  readonly main: boolean;
  readonly zones: readonly CorednsToken[];
  /** Each without the word `rewrite`, in the order in which they are tried. */
  readonly rules: readonly CorednsToken[];
  /** Whether some rule is for many names. */
  readonly lists: boolean;
  /** Domain of the cluster whose services the block answers for. */
  readonly cluster: CorednsToken | null;
}

/** A whole Corefile in CoreDNS's own words. */
export interface CorefileModel {
  /** The main one first; then those that only rewrite, none where the rules stand in the main one. */
  readonly blocks: readonly Block[];
  readonly forward: readonly CorednsToken[];
  readonly bind: readonly CorednsToken[];
}

export interface Surroundings {
  /** Appended to every zone; `undefined` where the command line is to decide. */
  readonly port: number | undefined;
  /** Whether the last zone of a block gets its port elsewhere. */
  readonly bareLast?: boolean;
  /** Whether this CoreDNS answers for the services of a cluster. */
  readonly inCluster: boolean;
  /** What is asked where the options do not say. */
  readonly resolver: string;
  /** Whether the rules go into one file, which has either server blocks or what stands in one. */
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

/** Whether a block can be asked for names of the cluster: a rewritten name stays in the block where it was rewritten. */
function touches({ zones, rewrites }: RuleGroup, domain: string): boolean {
  const related = (name: string) => isBelow(name, domain) || isBelow(domain, name);
  return zones.some(related) || rewrites.some(({ to }) => related(to));
}
