import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { hasNamedSite, hasSite, rewriteApplies } from '../policy/domains.ts';
import { registryMirrors } from '../policy/mirrors.ts';
import { isLoopback } from '../policy/origin.ts';
import type { DomainRewrite, Policy, Upstream } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { type Clients, mirrors } from './clients.ts';
import { ruleCodes } from './codes.ts';

/** Reports parts of the spec that are for targets which the spec does not have. */
export function withoutTarget({ proxies, rewrites }: Policy, spec: Spec, clients: Clients): Diagnostic[] {
  if (Object.keys(spec.targets ?? {}).length === 0) return [];
  const { nodes, pods, sites } = clients;
  const report = (at: SpecPath, what: string, remedy: string) =>
    ruleCodes.report('makes-nothing', at, { what, remedy });
  const [proxy] = proxies;
  const [rewrite] = rewrites;
  const isRead = pods || nodes.length > 0 || sites;
  return [
    ...(proxy && !clients.proxies ? [report(['proxies'], 'the proxies', 'add nginx or caddy under targets')] : []),
    ...(rewrite && !isRead
      ? [
          report(
            ['domainRewrites'],
            'the rewrites',
            'add coredns for pods, or a target of your nodes, such as bottlerocket',
          ),
        ]
      : []),
    ...(clients.proxies && isRead && !sites ? rewrites.filter(hasSite) : []).map((one) =>
      report([...one.origin, 'upstream'], `the site of "${one.to}"`, 'add caddy, or sites to the options of nginx'),
    ),
  ];
}

/** Reports rewrites that reach only some clients: pods but not nodes, or nodes of one kind but not of another. */
export function reach(policy: Policy, clients: Clients): Diagnostic[] {
  return [
    ...podsOnly(policy, clients),
    ...namesOfPorts(policy, clients),
    ...nodesOnly(policy, clients),
    ...someNodes(clients),
  ];
}

/**
 * Reports nodes that go on to the registry when its mirror fails: the pull succeeds from the wrong place, or fails at
 * the public name.
 */
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

/**
 * Reports rewrites with a port in a spec that has a DNS target for pods: nodes know ports, but nothing rewrites the
 * name for pods.
 */
function namesOfPorts({ registries, ...policy }: Policy, { pods }: Clients): Diagnostic[] {
  if (!pods) return [];
  return registries.flatMap(({ from, origin }) => {
    const name = from.replace(/:\d+$/, '');
    if (policy.rewrites.some((rewrite) => rewriteApplies(rewrite, name))) return [];
    return [ruleCodes.report('port-for-nodes', [...origin, 'from'], { registry: from, name })];
  });
}

/** Reports rewrites that no pod sees. A registry may be meant for nodes alone; any other name is meant for pods too. */
function nodesOnly({ rewrites }: Policy, { nodes, pods }: Clients): Diagnostic[] {
  const first = rewrites.find(({ containerRegistry }) => !containerRegistry);
  if (pods || nodes.length === 0 || !first) return [];
  return [ruleCodes.report('nodes-only', [...first.origin, 'from'], { name: first.from })];
}

/** Reports mirrors in the options of one target that other nodes lack. Mirrors of rewrites go to all nodes. */
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

/**
 * Reports registries that send clients for a token to a name without a site, as GitLab's registry sends them to GitLab.
 */
export function tokenRealm(policy: Policy, { nodes }: Clients): Diagnostic[] {
  return registryMirrors(policy).flatMap(({ registry, upstream, origin }) => {
    // Without a site, another server answers under the new name, and it is unknown where that sends clients for tokens.
    if (upstream === undefined) return [];
    const others = policy.rewrites.filter((other) => other.origin !== origin && hasNamedSite(other));
    const isGitLab = usesDependencyProxy(policy) || nodes.some((node) => mirrors(node, withPort(registry)));
    return others.length > 0 || isGitLab ? [] : [ruleCodes.report('token-realm', origin, { registry })];
  });
}

/**
 * Reports a Dependency Proxy that no mirror serves. GitLab's variables for CI jobs spell its name with the port
 * (`gitlab.example.com:443`), and container runtimes look mirrors up by the exact text, so a rewrite of the bare name
 * does nothing for it.
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
 * Reports upstreams of sites that would send requests back to the sites, in a loop. An upstream under the new name of a
 * rewrite always does; one under the old name does if the machine of the sites uses the DNS with the rewrites.
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

/** Returns the ids of the upstreams that requests to sites reach, directly or through a proxy of this spec. */
function reachedFrom(sites: readonly DomainRewrite[], { upstreams, proxies }: Policy): ReadonlySet<string | undefined> {
  const own = new Set(sites.map(({ upstream }) => upstream));
  const servers = upstreams.filter(({ id }) => own.has(id)).flatMap((upstream) => upstream.servers);
  const ports = new Set(servers.filter(({ host }) => isLoopback(host)).map(({ port }) => port));
  const routes = proxies.filter(({ listen }) => ports.has(listen.port)).flatMap((proxy) => proxy.routes);
  return new Set([...own, ...routes.map(({ forwarding }) => forwarding.upstream)]);
}

function answersTo({ to, wildcard, oneTarget }: DomainRewrite, name: string): boolean {
  return wildcard && !oneTarget ? name.endsWith(`.${to}`) : name === to;
}

/**
 * Returns the report of an upstream with a server whose name is the `from` or `to` side of a rewrite; `find` finds that
 * rewrite.
 */
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
