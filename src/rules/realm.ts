import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { hasNamedSite } from '../policy/domains.ts';
import { registryMirrors } from '../policy/pulls.ts';
import type { Policy } from '../policy/types.ts';
import { type Clients, mirrors } from './clients.ts';
import { ruleCodes } from './codes.ts';

/** A registry sends its clients elsewhere for a token: to GitLab itself, if it is GitLab's. */
export function tokenRealm(policy: Policy, { nodes }: Clients): Diagnostic[] {
  return registryMirrors(policy).flatMap(({ registry, rewrite }) => {
    // What answers under the new name is not ours where there is no site, so nothing is known about its realm.
    if (rewrite.upstream === undefined) return [];
    const others = policy.rewrites.filter((other) => other !== rewrite && hasNamedSite(other));
    const isGitLab = usesDependencyProxy(policy) || nodes.some((node) => mirrors(node, withPort(registry)));
    return others.length > 0 || isGitLab ? [] : [ruleCodes.report('token-realm', rewrite.origin, { registry })];
  });
}

/**
 * GitLab's Dependency Proxy answers under the name of GitLab, and the variables of CI jobs spell that name with its
 * port. Container runtimes look mirrors up by the exact text, so a rewrite of the bare name does nothing for it.
 */
export function dependencyProxy(policy: Policy, { nodes }: Clients): Diagnostic[] {
  const anyRegistry = usesDependencyProxy(policy);
  const hosts = policy.rewrites
    .filter((rewrite) => hasNamedSite(rewrite) && (anyRegistry || !rewrite.containerRegistry))
    .toSorted((a, b) => Number(a.containerRegistry) - Number(b.containerRegistry));
  const [host] = hosts;
  const [node] = nodes;
  const isMirrored = hosts.some(({ from }) => nodes.some((one) => mirrors(one, withPort(from))));
  if (!host || !node || isMirrored) return [];
  const params = { image: withPort(host.from), target: node.target, endpoint: `https://${host.to}` };
  return [ruleCodes.report('dependency-proxy', [...host.origin, 'from'], params)];
}

function usesDependencyProxy({ routes }: Policy): boolean {
  return routes.some(({ pattern }) => pattern.text.includes('/dependency_proxy/'));
}

function withPort(host: string): string {
  return `${host}:443`;
}
