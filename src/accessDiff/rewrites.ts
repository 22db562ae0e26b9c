import { DOMAIN_REWRITE, rewriteFinder, targetName, writtenName } from '../policy/domains.ts';
import { differencesOf } from '../policy/fields.ts';
import { REGISTRY_REWRITE } from '../policy/registries.ts';
import type { DomainRewrite, Policy, Upstream } from '../policy/types.ts';
import { destinationOf } from '../policy/upstreams.ts';
import { redirection } from './classes.ts';
import type { Collector } from './collector.ts';
import type { ChangePlace } from './types.ts';

function targetOf(rewrite: DomainRewrite | undefined, name: string): string {
  return rewrite ? targetName(rewrite, name) : name;
}

/**
 * Returns names that stand for all others: every exact name, and for every wildcard one name below it that is not in
 * the spec. Any other name is decided like the one below its longest wildcard.
 */
function sampleNames(rewrites: readonly DomainRewrite[]): string[] {
  const written = new Set(rewrites.map(({ from }) => from));
  const targets = new Set(rewrites.map(({ to }) => to.replace(/\..*/, '')));
  const below = (from: string) => {
    let label = 'name';
    // If a target begins with the same label, `name.to` could not be told from `to` with the label kept.
    while (written.has(`${label}.${from}`) || targets.has(label)) label += '-x';
    return `${label}.${from}`;
  };
  const [wild, exact] = [true, false].map((kind) => rewrites.filter(({ wildcard }) => wildcard === kind));
  return [...new Set([...(exact ?? []).map(({ from }) => from), ...(wild ?? []).map(({ from }) => below(from))])];
}

/** How one version treats names: its rewrites, and the upstreams of their sites. */
interface Side {
  readonly rewriteOf: (name: string) => DomainRewrite | undefined;
  readonly upstreams: ReadonlyMap<string, Upstream>;
}

function sideOf({ rewrites, upstreams }: Policy): Side {
  return { rewriteOf: rewriteFinder(rewrites), upstreams: new Map(upstreams.map((one) => [one.id, one])) };
}

/** One name as both versions see it. */
interface NamePair {
  readonly name: string;
  readonly left: DomainRewrite | undefined;
  readonly right: DomainRewrite | undefined;
}

/** Reports names that resolve differently, images that are pulled from elsewhere, and sites that forward elsewhere. */
export function diffRewrites(before: Policy, after: Policy, collector: Collector): void {
  const [old, current] = [sideOf(before), sideOf(after)];
  for (const name of sampleNames([...before.rewrites, ...after.rewrites])) {
    const pair = { name, left: old.rewriteOf(name), right: current.rewriteOf(name) };
    diffName(pair, collector);
    diffSite(
      pair,
      old.upstreams.get(pair.left?.upstream ?? ''),
      current.upstreams.get(pair.right?.upstream ?? ''),
      collector,
    );
  }
}

/** Reports changes of registries with a port. No look-up of a name shows them, because DNS knows no ports. */
export function diffRegistries(before: Policy, after: Policy, collector: Collector): void {
  const [old, current] = [before, after].map(({ registries }) => new Map(registries.map((one) => [one.from, one])));
  for (const from of new Set([...(old?.keys() ?? []), ...(current?.keys() ?? [])])) {
    const [left, right] = [old?.get(from), current?.get(from)];
    const itself = { from, to: from, origin: [] };
    const at: ChangePlace = { version: right ? 'after' : 'before', path: (right ?? left ?? itself).origin };
    for (const { kind, effect, words } of differencesOf(REGISTRY_REWRITE, left ?? itself, right ?? itself))
      collector.add({ kind, effect, group: from, message: () => `${from} ${words}`, at });
  }
}

function diffName({ name, left, right }: NamePair, collector: Collector): void {
  const rewrite = right ?? left;
  if (!rewrite) return;
  const at: ChangePlace = { version: right ? 'after' : 'before', path: rewrite.origin };
  const shown = rewrite.wildcard ? writtenName(rewrite, 'from') : name;
  const [from, to] = [targetOf(left, name), targetOf(right, name)];
  if (from !== to) {
    const words = (one: DomainRewrite | undefined) =>
      one ? `stands for ${writtenName(one, 'to')}` : 'stands for itself';
    const message = () => `${shown} ${words(right)} (before: ${words(left)})`;
    const example = () => ({ kind: 'name', name, before: from, after: to }) as const;
    collector.add({ kind: 'rewrite', effect: 'unclear', group: name, message, at, example });
  }
  // A name without a rewrite compares like a rewrite to itself that adds nothing.
  const plain: DomainRewrite = {
    from: rewrite.from,
    to: name,
    wildcard: false,
    oneTarget: false,
    containerRegistry: false,
    origin: [],
  };
  for (const { kind, effect, words, field } of differencesOf(DOMAIN_REWRITE, left ?? plain, right ?? plain)) {
    collector.add({ kind, effect, group: `${name} ${field.name}`, message: () => `${shown} ${words}`, at });
  }
}

function diffSite(
  { left, right }: NamePair,
  old: Upstream | undefined,
  current: Upstream | undefined,
  collector: Collector,
): void {
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
