import { X509Certificate } from 'node:crypto';
import type { Diagnostic, Related } from '../diagnostics/diagnostic.ts';
import { hasNamedSite, hasSite, rewriteApplies } from '../policy/domains.ts';
import { registryMirrors } from '../policy/mirrors.ts';
import type { ReadFile } from '../policy/ranges.ts';
import type { DomainRewrite, Policy, Upstream } from '../policy/types.ts';
import { isLoopback } from './access.ts';
import { type Clients, mirrors } from './clients.ts';
import { ruleCodes } from './codes.ts';

/** Reports rewrites that reach only some clients: pods but not nodes, or nodes of one kind but not of another. */
export function reach(policy: Policy, clients: Clients): Diagnostic[] {
  return [
    ...podsOnly(policy, clients),
    ...namesOfPorts(policy, clients),
    ...nodesOnly(policy, clients),
    ...someNodes(clients),
  ];
}

/** A mirror that fails is silently passed over: the pull then works from the wrong place, or blames the public name. */
export function fallback(policy: Policy, { nodes }: Clients): Diagnostic[] {
  const falling = nodes.filter(({ fallsBack }) => fallsBack !== 'never');
  if (falling.length === 0) return [];
  const targets = falling.map(({ target }) => target);
  const settable = falling.filter(({ fallsBack }) => fallsBack === 'configured').map(({ target }) => target);
  return registryMirrors(policy).map(({ registry, host, origin }) =>
    ruleCodes.report('public-fallback', [...origin, 'from'], { registry, host, targets, settable }),
  );
}

function podsOnly(policy: Policy, { nodes, pods }: Clients): Diagnostic[] {
  if (!pods || nodes.length > 0) return [];
  const registries = policy.rewrites.filter(({ containerRegistry, wildcard }) => containerRegistry && !wildcard);
  return registries.map(({ from, origin }) =>
    ruleCodes.report('pods-only', [...origin, 'containerRegistry'], { registry: from }),
  );
}

/** A port tells a registry apart for nodes; pods that pull images look its name up, which nothing rewrites. */
function namesOfPorts({ registries, ...policy }: Policy, { pods }: Clients): Diagnostic[] {
  if (!pods) return [];
  return registries.flatMap(({ from, origin }) => {
    const name = from.replace(/:\d+$/, '');
    if (policy.rewrites.some((rewrite) => rewriteApplies(rewrite, name))) return [];
    return [ruleCodes.report('port-for-nodes', [...origin, 'from'], { registry: from, name })];
  });
}

/** A rewrite of a registry may be meant for nodes only; one of any other name is meant for pods as well. */
function nodesOnly({ rewrites }: Policy, { nodes, pods }: Clients): Diagnostic[] {
  const first = rewrites.find(({ containerRegistry }) => !containerRegistry);
  if (pods || nodes.length === 0 || !first) return [];
  return [ruleCodes.report('nodes-only', [...first.origin, 'from'], { name: first.from })];
}

/** Mirrors of the targets' own options; those of rewrites go to all nodes. */
function someNodes({ nodes }: Clients): Diagnostic[] {
  return nodes.flatMap(({ target, at, mirrored }) =>
    mirrored.flatMap((registry) => {
      const without = nodes.filter((node) => !mirrors(node, registry)).map((node) => node.target);
      if (without.length === 0) return [];
      const place = [...at, 'mirrors', registry];
      return [ruleCodes.report('some-nodes', place, { registry, target, without }, { part: 'key' })];
    }),
  );
}

/** A registry sends its clients elsewhere for a token: to GitLab itself, if it is GitLab's. */
export function tokenRealm(policy: Policy, { nodes }: Clients): Diagnostic[] {
  return registryMirrors(policy).flatMap(({ registry, upstream, origin }) => {
    // Without a site something else answers under the new name, and its token realm is not known.
    if (upstream === undefined) return [];
    const others = policy.rewrites.filter((other) => other.origin !== origin && hasNamedSite(other));
    const isGitLab = usesDependencyProxy(policy) || nodes.some((node) => mirrors(node, withPort(registry)));
    return others.length > 0 || isGitLab ? [] : [ruleCodes.report('token-realm', origin, { registry })];
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
  const isMirrored = hosts.some(
    ({ from }) =>
      nodes.some((one) => mirrors(one, withPort(from))) ||
      policy.registries.some((registry) => registry.from === withPort(from)),
  );
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

/**
 * Reports upstreams of sites whose name leads back to the sites, so that requests would go round in a circle. The new
 * name of a rewrite always does; the old one does where the machine of the sites asks the DNS that was rewritten.
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

/** Ids of the upstreams that requests to sites reach, directly or through a proxy of this spec. */
function reachedFrom(sites: readonly DomainRewrite[], { upstreams, proxies }: Policy): ReadonlySet<string | undefined> {
  const own = new Set(sites.map(({ upstream }) => upstream));
  const servers = upstreams.filter(({ id }) => own.has(id)).flatMap((upstream) => upstream.servers);
  const ports = new Set(servers.filter(isLoopback).map(({ port }) => port));
  const routes = proxies.filter(({ listen }) => ports.has(listen.port)).flatMap((proxy) => proxy.routes);
  return new Set([...own, ...routes.map(({ forwarding }) => forwarding.upstream)]);
}

function answersTo({ to, wildcard, oneTarget }: DomainRewrite, name: string): boolean {
  return wildcard && !oneTarget ? name.endsWith(`.${to}`) : name === to;
}

/** `side` is the half of the rewrite that has the name: `from` or `to`. */
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

/**
 * Certificates of sites that lack a name. DNS changes where a client connects, not the name that it verifies, so a site
 * is met under the old name by whoever follows a DNS rewrite and under the new one by whoever uses a mirror.
 */
export function certificates(policy: Policy, { certificates: all }: Clients, read: ReadFile): Diagnostic[] {
  const sites = policy.rewrites.filter(hasNamedSite);
  return all.flatMap(({ file, at }) => {
    const certificate = parse(read(file));
    if (!certificate) return [];
    const missing = sites.flatMap((site) => missingNames(site, certificate));
    const names = missing.map(({ name }) => name);
    return names.length === 0 ? [] : [ruleCodes.report('certificate-name', at, { file, names }, { related: missing })];
  });
}

function missingNames(site: DomainRewrite, certificate: X509Certificate): (Related & { readonly name: string })[] {
  return (['from', 'to'] as const)
    .filter((side) => !covers(certificate, site[side]))
    .map((side) => ({
      name: site[side],
      at: [...site.origin, side],
      message: side === 'from' ? 'what clients verify after a DNS rewrite' : 'what nodes verify at a mirror',
    }));
}

/** As Go and browsers do it: the subject's common name has not counted for years. */
function covers(certificate: X509Certificate, name: string): boolean {
  return certificate.checkHost(name, { subject: 'never', partialWildcards: false }) !== undefined;
}

/** The file belongs to the machine that runs the proxy; where it is not here as well, there is nothing to check. */
function parse(text: string | undefined): X509Certificate | undefined {
  if (text === undefined) return undefined;
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}
