import { inMatchOrder } from '../../policy/names.ts';
import type { DomainRewrite } from '../../policy/types.ts';

/** Rules of one server block, in the order in which they are tried. */
export interface RuleGroup {
  /** Names whose queries come here, with everything below them that has no block of its own. */
  readonly zones: readonly string[];
  readonly rewrites: readonly DomainRewrite[];
}

/** A miss costs half a microsecond a rule, so that up to here the scan does not show in a query's time. */
export const inlineLimit = 200;
const blockSize = 100;

/**
 * Rewrites as server blocks of their own. CoreDNS picks the block with the longest matching name before it rewrites, so
 * a block needs every wildcard above its names too: `foo.gitlab.example.com` comes to the block of `gitlab.example.com`
 * although it is `*.example.com` that rewrites it.
 */
export function groupRewrites(rewrites: readonly DomainRewrite[]): RuleGroup[] {
  const byZone = new Map<string, DomainRewrite[]>();
  for (const rewrite of rewrites) byZone.set(rewrite.from, [...(byZone.get(rewrite.from) ?? []), rewrite]);
  const wildcards = new Map(rewrites.filter(({ wildcard }) => wildcard).map((rewrite) => [rewrite.from, rewrite]));
  const zones = [...byZone.keys()].sort();
  const groups: RuleGroup[] = [];
  for (let start = 0; start < zones.length; start += blockSize) {
    const chunk = zones.slice(start, start + blockSize);
    const own = chunk.flatMap((zone) => byZone.get(zone) ?? []);
    const above = chunk.flatMap(ancestorsOf).flatMap((name) => wildcards.get(name) ?? []);
    groups.push({ zones: chunk, rewrites: inMatchOrder([...new Set([...own, ...above])]) });
  }
  return groups;
}

function ancestorsOf(name: string): string[] {
  const labels = name.split('.');
  return labels.slice(1).map((_, index) => labels.slice(index + 1).join('.'));
}
