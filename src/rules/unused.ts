import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Policy } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { ruleCodes } from './codes.ts';

/** The names of sets that a list of ranges takes in. */
function referred(items: unknown): string[] {
  if (!Array.isArray(items)) return [];
  return items
    .filter((item): item is string => typeof item === 'string' && item.startsWith('@'))
    .map((item) => item.slice(1));
}

function usedSets(spec: Spec): Set<string> {
  const lists: unknown[] = [
    ...Object.values(spec.ipRanges ?? {}),
    ...Object.values(spec.apiKeys ?? {}).map((key) => key.ipRanges),
    ...Object.values(spec.proxies ?? {}).flatMap((proxy) => [
      proxy.ipRanges,
      typeof proxy.clientIp === 'object' ? proxy.clientIp.trustedProxies : undefined,
    ]),
  ];
  return new Set(lists.flatMap(referred));
}

/** Definitions that nothing refers to: often the half of a change that was forgotten. */
export function unused(policy: Policy, spec: Spec): Diagnostic[] {
  const upstreams = new Set([
    ...policy.routes.map((route) => route.forwarding.upstream),
    ...policy.rewrites.map((rewrite) => rewrite.upstream),
  ]);
  const groups = new Set(policy.proxies.flatMap((proxy) => proxy.groups));
  const served = new Set(
    policy.proxies.flatMap((proxy) =>
      proxy.routes.filter((route) => route.forwarding.auth === 'apiKey').map((route) => route.group),
    ),
  );
  const sets = usedSets(spec);
  const report = (kind: string, section: string, name: string) =>
    ruleCodes.report('unused', [section, name], { kind, name }, { part: 'key' });
  return [
    ...Object.keys(spec.ipRanges ?? {})
      .filter((name) => !sets.has(name))
      .map((name) => report('address set', 'ipRanges', name)),
    ...policy.upstreams.filter(({ id }) => !upstreams.has(id)).map(({ id }) => report('upstream', 'upstreams', id)),
    ...Object.keys(spec.routes ?? {})
      .filter((name) => !groups.has(name))
      .map((name) => report('route group', 'routes', name)),
    ...policy.apiKeys
      .filter((key) => !key.groups.some((group) => served.has(group)))
      .map(({ id }) => report('key', 'apiKeys', id)),
  ];
}
