import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { hasSite, rewriteApplies } from '../policy/domains.ts';
import type { DomainRewrite, Policy, Upstream } from '../policy/types.ts';
import type { Clients } from './clients.ts';
import { ruleCodes } from './codes.ts';
import { isLoopback } from './loopback.ts';

/**
 * Upstreams of sites that are found by a name which leads back to the sites: requests would go round until somebody
 * notices. A private name always does; a public one does where the machine of the sites asks the DNS that was rewritten.
 */
export function loops(policy: Policy, { pods }: Clients): Diagnostic[] {
  const sites = policy.rewrites.filter(hasSite);
  const behind = reachedFrom(sites, policy);
  return policy.upstreams.flatMap((upstream) => {
    if (!behind.has(upstream.id)) return [];
    const own = leadBack(upstream, 'to', (name) => sites.find((site) => answersTo(site, name)));
    if (own || !pods) return own ?? [];
    return leadBack(upstream, 'from', (name) => policy.rewrites.find((rewrite) => rewriteApplies(rewrite, name))) ?? [];
  });
}

/** Ids of upstreams where requests to sites end up: their own, and those of a proxy of this spec that is one. */
function reachedFrom(sites: readonly DomainRewrite[], { upstreams, proxies }: Policy): ReadonlySet<string | undefined> {
  const own = new Set(sites.map(({ upstream }) => upstream));
  const servers = upstreams.filter(({ id }) => own.has(id)).flatMap((upstream) => upstream.servers);
  const ports = new Set(servers.filter(isLoopback).map(({ port }) => port));
  const routes = proxies.filter(({ listen }) => ports.has(listen.port)).flatMap((proxy) => proxy.routes);
  return new Set([...own, ...routes.map(({ forwarding }) => forwarding.upstream)]);
}

function answersTo({ to, wildcard }: DomainRewrite, name: string): boolean {
  return wildcard ? name.endsWith(`.${to}`) : name === to;
}

/** `side` is where the rewrite that is found has the name. */
function leadBack(
  { id, servers, origin }: Upstream,
  side: 'from' | 'to',
  find: (name: string) => DomainRewrite | undefined,
): Diagnostic | undefined {
  for (const { host: name } of servers) {
    const rewrite = find(name);
    if (!rewrite) continue;
    const related = [{ at: [...rewrite.origin, side], message: side === 'to' ? 'answered here' : 'rewritten here' }];
    return ruleCodes.report('site-loop', origin, { upstream: id, name, side }, { part: 'key', related });
  }
  return undefined;
}
