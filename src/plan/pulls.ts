import type { SpecPath } from '../diagnostics/diagnostic.ts';
import { hasNamedSite } from '../policy/domains.ts';
import { mirrorFor, type NodeSettings, rewrittenMirrors } from '../policy/mirrors.ts';
import { authorityOf, DEFAULT_PORT } from '../policy/origin.ts';
import type { DomainRewrite, Policy } from '../policy/types.ts';
import { sitesOf } from './sites.ts';

/** One step of an image pull. `host` has the port unless it is the default. */
export interface PullHop {
  /**
   * `node`: what the node contacts; `site`: the proxy site that answers there; `upstream`: the Host that the registry
   * gets; `realm`: a host that the registry may send the node to for a token; `token`: where the node asks for it;
   * `fallback`: what the node contacts where all this fails.
   */
  readonly kind: 'node' | 'site' | 'upstream' | 'realm' | 'token' | 'fallback';
  readonly host: string;
  /** The place in the spec that decides it; absent where none does. */
  readonly at?: SpecPath;
}

/**
 * Returns the registry of an image reference, as container runtimes find it: a first part with a dot, a colon or an
 * upper case letter is a host, anything else is a repository of Docker Hub.
 */
export function registryOf(image: string): string {
  const slash = image.indexOf('/');
  const first = image.slice(0, Math.max(slash, 0));
  const isHost = /[.:A-Z]/.test(first) || first === 'localhost';
  if (!isHost || first === 'index.docker.io') return 'docker.io';
  return first;
}

/** Returns the steps of a pull, in order. Nodes do not ask CoreDNS, so that only mirrors can send them elsewhere. */
export function pullHops(
  policy: Policy,
  image: string,
  settings: NodeSettings = { mirrors: rewrittenMirrors(policy), fallsBack: false },
): PullHop[] {
  const registry = registryOf(image);
  const mirror = mirrorFor(settings, registry);
  const [first, ...others] = mirror?.endpoints.map(endpointHost) ?? [];
  if (!mirror || first === undefined) return [{ kind: 'node', host: registry }, ...behindSite(policy, registry)];
  const { origin } = mirror;
  const at = origin && { at: origin };
  return [
    { kind: 'node', host: first, ...at },
    // Sites have one port for all names, so a registry on a port of its own is not behind them.
    ...(policy.registries.some((one) => one.origin === origin) ? [] : behindSite(policy, first)),
    ...others.map((host): PullHop => ({ kind: 'fallback', host, ...at })),
    ...(settings.fallsBack ? [{ kind: 'fallback', host: registry } as const] : []),
  ];
}

/** Returns whether a registry is named by what a rewrite leads to. */
export function isPrivate({ rewrites }: Policy, registry: string): boolean {
  const name = registry.replace(/:\d+$/, '');
  return rewrites.some(({ to, wildcard }) => (wildcard ? name.endsWith(`.${to}`) : name === to));
}

/** Returns where a site forwards a request, and where the registry behind it sends the node for a token. */
function behindSite(policy: Policy, endpoint: string): PullHop[] {
  const name = endpoint.replace(/:\d+$/, '');
  const site = policy.rewrites.find(({ to, wildcard }) => !wildcard && to === name);
  const hops = site ? siteHops(policy, site, endpoint) : [];
  if (!site || hops.length === 0) return [];
  const realms = tokenRealms(policy, site).flatMap(({ from, to, origin }): PullHop[] => [
    { kind: 'realm', host: from, at: origin },
    { kind: 'token', host: to, at: origin },
  ]);
  return [...hops, ...realms];
}

/**
 * Returns the site that answers for a rewritten name, and the Host that it forwards: the public name, as the upstream
 * knows itself.
 */
export function siteHops(policy: Policy, rewrite: DomainRewrite, at: string): PullHop[] {
  const site = sitesOf(policy).find((one) => one.rewrite === rewrite);
  if (!site) return [];
  return [
    { kind: 'site', host: at, at: rewrite.origin },
    { kind: 'upstream', host: authorityOf(site.upstream), at: site.upstream.origin },
  ];
}

/**
 * Returns the rewrites that may hold the token realm. Only the registry knows its realm. With GitLab it is the name of
 * GitLab itself: a rewrite without a registry if there is one, else any with a site.
 */
function tokenRealms(policy: Policy, site: DomainRewrite): readonly DomainRewrite[] {
  if (!site.containerRegistry) return [site];
  const named = policy.rewrites.filter(hasNamedSite);
  const others = named.filter(({ containerRegistry }) => !containerRegistry);
  return others.length > 0 ? others : named;
}

/** Returns the host of an endpoint, with its port unless that is the port of https, which nodes use by default. */
function endpointHost(endpoint: string): string {
  const [, scheme, host = endpoint] = /^(https?):\/\/([^/]+)/.exec(endpoint) ?? [];
  return scheme === 'http' && !/:\d+$/.test(host) ? `${host}:${DEFAULT_PORT.http}` : host;
}
