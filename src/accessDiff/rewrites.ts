import { rewriteApplies } from '../policy/domains.ts';
import { inMatchOrder } from '../policy/names.ts';
import type { DomainRewrite, Policy } from '../policy/types.ts';
import { redirection } from './cells.ts';
import type { Collector } from './collector.ts';
import type { ChangePlace } from './types.ts';
import { destinationOf } from './upstreams.ts';

function rewriteOf(rewrites: readonly DomainRewrite[], name: string): DomainRewrite | undefined {
  return inMatchOrder(rewrites.filter((rewrite) => rewriteApplies(rewrite, name)))[0];
}

function targetOf(rewrite: DomainRewrite | undefined, name: string): string {
  if (!rewrite) return name;
  return rewrite.wildcard ? `${name.slice(0, -rewrite.from.length)}${rewrite.to}` : rewrite.to;
}

/**
 * Names that stand for all: every exact name, and below every wildcard one that nobody wrote. Each other
 * name is decided like the one of its deepest wildcard.
 */
function sampleNames(rewrites: readonly DomainRewrite[]): string[] {
  const exact = new Set(rewrites.filter((rewrite) => !rewrite.wildcard).map((rewrite) => rewrite.from));
  const below = (from: string) => {
    const taken = (name: string) =>
      rewrites.some(
        (other) => other.from === name || (name.endsWith(`.${other.from}`) && other.from.length > from.length),
      );
    let label = 'name';
    while (taken(`${label}.${from}`)) label += '-x';
    return `${label}.${from}`;
  };
  return [...exact, ...new Set(rewrites.filter((rewrite) => rewrite.wildcard).map((rewrite) => below(rewrite.from)))];
}

/** Names that lead elsewhere, images that are pulled from elsewhere, and sites behind them that forward elsewhere. */
export function diffRewrites(before: Policy, after: Policy, collector: Collector): void {
  for (const name of sampleNames([...before.rewrites, ...after.rewrites])) {
    const [left, right] = [rewriteOf(before.rewrites, name), rewriteOf(after.rewrites, name)];
    const rewrite = right ?? left;
    if (!rewrite) continue;
    const at: ChangePlace = { version: right ? 'after' : 'before', path: rewrite.origin };
    const shown = rewrite.wildcard ? `*.${rewrite.from}` : name;
    const [from, to] = [targetOf(left, name), targetOf(right, name)];
    if (from !== to) {
      const words = (one: DomainRewrite | undefined) =>
        one ? `stands for ${one.wildcard ? '*.' : ''}${one.to}` : 'stands for itself';
      collector.add({
        kind: 'rewrite',
        effect: 'unclear',
        group: name,
        message: () => `${shown} ${words(right)} (before: ${words(left)})`,
        at,
        example: () => ({ kind: 'name', name, before: from, after: to }),
      });
    }
    if ((left?.containerRegistry ?? false) !== (right?.containerRegistry ?? false)) {
      const words = right?.containerRegistry
        ? 'are pulled through the mirror now'
        : 'are pulled from the registry itself now';
      collector.add({
        kind: 'rewrite',
        effect: 'unclear',
        group: `${name} images`,
        message: () => `images of ${shown} ${words}`,
        at,
      });
    }
    diffSite(left, right, { before, after, collector });
  }
}

interface Versions {
  readonly before: Policy;
  readonly after: Policy;
  readonly collector: Collector;
}

function diffSite(
  left: DomainRewrite | undefined,
  right: DomainRewrite | undefined,
  { before, after, collector }: Versions,
): void {
  const old = before.upstreams.find(({ id }) => id === left?.upstream);
  const current = after.upstreams.find(({ id }) => id === right?.upstream);
  if (destinationOf(old) === destinationOf(current)) return;
  if (old && current) {
    const { kind, effect, detail, place, message } = redirection(old, current);
    collector.add({ kind, effect, group: detail, at: place, message });
    return;
  }
  const rewrite = current ? right : left;
  if (!rewrite) return;
  collector.add({
    kind: 'rewrite',
    effect: current ? 'widening' : 'narrowing',
    group: `${rewrite.from} site`,
    message: () =>
      `${rewrite.to} ${current ? `is forwarded to upstream "${current.id}" now` : 'is forwarded no longer'}`,
    at: { version: current ? 'after' : 'before', path: rewrite.origin },
  });
}
