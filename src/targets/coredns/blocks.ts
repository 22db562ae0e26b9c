import { withAncestors } from '../../policy/domains.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { bucketsOf, rulesOf, sortRewrites } from './rules.ts';

/** Rewrites whose rules stand in one server block. */
export interface RuleGroup {
  /** Names of the block: it gets their queries, and those for names below them that have no block of their own. */
  readonly zones: readonly string[];
  readonly rewrites: readonly DomainRewrite[];
}

/**
 * Most rules in the main block. A rule costs every query 0.1 to 0.2 of some 25 microseconds, so that this many take up
 * to a third of the queries per second.
 */
export const inlineLimit = 100;
/**
 * Most names of one block. A query passes half of the rules of its block on average, and each block takes a quarter of
 * a megabyte.
 */
const MOST_ZONES = 60;

/**
 * The main block first, and where its rules would be too many, blocks for the names that share no rule with others.
 * CoreDNS picks the block with the longest matching name before it rewrites, so a block needs every wildcard above its
 * names too: `foo.gitlab.example.com` comes to the block of `gitlab.example.com` although it is `*.example.com` that
 * rewrites it.
 * @param together whether rules may stand in the main block while others do not
 */
export function groupRewrites(rewrites: readonly DomainRewrite[], together = true): RuleGroup[] {
  const odd = rulesOf(rewrites).length <= inlineLimit ? new Set<DomainRewrite>() : setApart(rewrites);
  const apart = odd.size > 0 && !together ? new Set(rewrites) : odd;
  const main = { zones: ['.'], rewrites: rewrites.filter((rewrite) => !apart.has(rewrite)) };
  const byZone = new Map<string, DomainRewrite[]>();
  for (const rewrite of apart) byZone.set(rewrite.from, [...(byZone.get(rewrite.from) ?? []), rewrite]);
  const wildcards = new Map(rewrites.filter(({ wildcard }) => wildcard).map((rewrite) => [rewrite.from, rewrite]));
  const groups = bucketsOf([...byZone.keys()].sort(), ({ length }) => length <= MOST_ZONES).map((zones): RuleGroup => {
    const own = zones.flatMap((zone) => byZone.get(zone) ?? []);
    const above = zones.flatMap((zone) => withAncestors(zone).flatMap((name) => wildcards.get(name) ?? []));
    return { zones, rewrites: [...new Set([...own, ...above])] };
  });
  return [main, ...groups];
}

/**
 * Returns the rewrites with a rule of their own, and those of all names below them, whose queries come to the block of
 * the name above.
 */
function setApart(rewrites: readonly DomainRewrite[]): ReadonlySet<DomainRewrite> {
  const { single, wildcards } = sortRewrites(rewrites);
  const apart = new Set(wildcards.length > inlineLimit ? [...single, ...wildcards] : single);
  const zones = new Set([...apart].map(({ from }) => from));
  return new Set(rewrites.filter(({ from }) => withAncestors(from).some((name) => zones.has(name))));
}
