import type { SpecPath } from '../diagnostics/diagnostic.ts';
import { toCidrs } from '../policy/cidr.ts';
import type { Policy } from '../policy/types.ts';

/** Finds the line of the spec that a piece of an engine's configuration comes from, by the names in it. */
export type OriginOf = (words: readonly string[]) => SpecPath | undefined;

/** Names are entered from the widest to the most telling, so that the most telling one is found. */
export function originFinder(policy: Policy): OriginOf {
  const known = new Map<string, { readonly path: SpecPath; readonly rank: number }>();
  const enter = (rank: number, name: string, path: SpecPath) => {
    if ((known.get(name)?.rank ?? 0) <= rank) known.set(name, { path, rank });
  };
  for (const key of policy.apiKeys) {
    for (const cidr of key.ranges ? toCidrs(key.ranges) : [])
      for (const form of cidrForms(cidr)) enter(4, form, [...key.origin, 'ipRanges']);
  }
  for (const proxy of policy.proxies) {
    enter(1, proxy.id, proxy.origin);
    enter(1, String(proxy.listen.port), [...proxy.origin, 'listen']);
    for (const cidr of toCidrs(proxy.ranges))
      for (const form of cidrForms(cidr)) enter(4, form, [...proxy.origin, 'ipRanges']);
  }
  for (const upstream of policy.upstreams) {
    enter(2, upstream.id, upstream.origin);
    for (const { host } of [upstream, ...upstream.servers]) enter(3, host, upstream.origin);
  }
  for (const { group } of policy.routes) enter(2, group, ['routes', group]);
  for (const key of policy.apiKeys) enter(5, key.id, key.origin);
  for (const rewrite of policy.rewrites) for (const name of [rewrite.to, rewrite.from]) enter(6, name, rewrite.origin);
  for (const route of policy.routes) enter(7, route.pattern.text, route.origin);
  return (words) => {
    const found = words.flatMap(partsOf).flatMap((part) => known.get(part) ?? []);
    return found.toSorted((a, b) => b.rank - a.rank)[0]?.path;
  };
}

function cidrForms(cidr: string): string[] {
  return [cidr, cidr.replace(/\/(?:32|128)$/, '')];
}

/** A word whole, and the names in it: `https://git.example.com:443` holds `git.example.com`. */
function partsOf(word: string): string[] {
  const plain = word.replace(/^[.*]+|\.$/g, '');
  return [word, plain, ...plain.split(/[^A-Za-z0-9._-]+/), ...plain.split(/[^A-Za-z0-9-]+/)];
}
