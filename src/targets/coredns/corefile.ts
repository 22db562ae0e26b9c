import { inMatchOrder } from '../../policy/names.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { groupRewrites, inlineLimit, type RuleGroup } from './blocks.ts';
import type { CorednsOptions } from './options.ts';
import { argument, type CorednsToken, fullName, suffix, zone } from './quote.ts';

interface Rule {
  readonly wildcard: boolean;
  readonly from: CorednsToken;
  readonly to: CorednsToken;
}

interface Block {
  /** The one that answers for every name without a block of its own, and that watches over the whole server. */
  readonly main: boolean;
  readonly zones: readonly CorednsToken[];
  readonly rules: readonly Rule[];
  /** Domain of the cluster whose services the block answers for. */
  readonly cluster: CorednsToken | null;
}

/** A whole Corefile in CoreDNS's own words. */
export interface CorefileModel {
  readonly blocks: readonly Block[];
  readonly forward: readonly CorednsToken[];
  readonly bind: readonly CorednsToken[];
}

export function corefileModel(rewrites: readonly DomainRewrite[], options: CorednsOptions): CorefileModel {
  const inCluster = options.form === 'configMap';
  const clusterDomain = options.clusterDomain ?? 'cluster.local';
  // The port is written out in a cluster, because kubeadm writes it and its Service counts on it.
  const port = options.port ?? (inCluster ? 53 : undefined);
  const blockOf = (group: RuleGroup): Block => {
    const main = group.zones[0] === '.';
    return {
      main,
      zones: group.zones.map((name) => zone(name, port)),
      rules: group.rewrites.map(ruleOf),
      cluster: inCluster && (main || touches(group, clusterDomain)) ? argument(clusterDomain) : null,
    };
  };
  const inline = rewrites.length <= inlineLimit;
  const main = { zones: ['.'], rewrites: inline ? inMatchOrder(rewrites) : [] };
  return {
    blocks: [main, ...(inline ? [] : groupRewrites(rewrites))].map(blockOf),
    forward: (options.forward ?? ['/etc/resolv.conf']).map(argument),
    bind: (options.bind ?? []).map(argument),
  };
}

function ruleOf(rewrite: DomainRewrite): Rule {
  const { wildcard } = rewrite;
  const full = wildcard ? suffix : fullName;
  return { wildcard, from: full(rewrite.from), to: full(rewrite.to) };
}

/** Whether a block can be asked for names of the cluster: a rewritten name stays in the block where it was rewritten. */
function touches({ zones, rewrites }: RuleGroup, domain: string): boolean {
  const related = (name: string) => `.${name}`.endsWith(`.${domain}`) || domain.endsWith(`.${name}`);
  return zones.some(related) || rewrites.some(({ to }) => related(to));
}
