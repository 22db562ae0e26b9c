import { withAncestors } from '../../policy/domains.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { rulesOf, sortRewrites } from './rules.ts';

/** Rewrites whose rules stand in one server block. */
export interface RuleGroup {
  /** Names whose queries come here, with everything below them that has no block of its own. */
  readonly zones: readonly string[];
  readonly rewrites: readonly DomainRewrite[];
}

/** A rule costs every query some 0.15 microseconds, so that up to here the scan hardly shows in a query's time. */
export const inlineLimit = 200;
const blockSize = 100;

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
  const zones = [...byZone.keys()].sort();
  const groups: RuleGroup[] = [];
  for (let start = 0; start < zones.length; start += blockSize) {
    const chunk = zones.slice(start, start + blockSize);
    const own = chunk.flatMap((zone) => byZone.get(zone) ?? []);
    const above = chunk.flatMap((zone) => withAncestors(zone).flatMap((name) => wildcards.get(name) ?? []));
    groups.push({ zones: chunk, rewrites: [...new Set([...own, ...above])] });
  }
  return [main, ...groups];
}

/** What has a rule of its own, and all below it: a query for that comes to the block of the name above. */
function setApart(rewrites: readonly DomainRewrite[]): ReadonlySet<DomainRewrite> {
  const { single, wildcards } = sortRewrites(rewrites);
  const apart = new Set(wildcards.length > inlineLimit ? [...single, ...wildcards] : single);
  const zones = new Set([...apart].map(({ from }) => from));
  return new Set(rewrites.filter(({ from }) => withAncestors(from).some((name) => zones.has(name))));
}
