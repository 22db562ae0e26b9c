import type { DomainRewrite, Policy } from './types.ts';

/** One station of an image pull. `host` carries the port where it is not the default. */
export interface PullHop {
  /**
   * `node`: what the node contacts; `site`: the proxy site that answers there; `upstream`: the Host that the registry
   * gets; `realm`: a host that the registry may send the node to for a token; `token`: where the node asks for it.
   */
  readonly kind: 'node' | 'site' | 'upstream' | 'realm' | 'token';
  readonly host: string;
  /** Absent where no rewrite has a say. */
  readonly rewrite?: DomainRewrite;
}

/** A name under which nodes pull images, and the name that they really contact. */
export interface RegistryMirror {
  readonly registry: string;
  readonly host: string;
  readonly rewrite: DomainRewrite;
}

/** Sorted by name. */
export function registryMirrors(policy: Policy): RegistryMirror[] {
  return policy.rewrites
    .filter((rewrite) => rewrite.containerRegistry && !rewrite.wildcard)
    .map((rewrite) => ({ registry: rewrite.from, host: rewrite.to, rewrite }))
    .toSorted((a, b) => (a.registry < b.registry ? -1 : 1));
}

/**
 * The registry that an image reference names, spelt as container runtimes spell it: a first part with a dot, a colon or
 * an upper case letter is a host, anything else is a repository of Docker Hub.
 */
export function registryOf(image: string): string {
  const slash = image.indexOf('/');
  const first = image.slice(0, Math.max(slash, 0));
  const isHost = /[.:A-Z]/.test(first) || first === 'localhost';
  if (!isHost || first === 'index.docker.io') return 'docker.io';
  return first;
}

/** Each station of a pull, in order. Nodes do not ask CoreDNS, so that only mirrors can send them elsewhere. */
export function pullHosts(policy: Policy, image: string): PullHop[] {
  const registry = registryOf(image);
  // Runtimes look mirrors up by the exact text of the image's host: neither a port nor another case is forgiven.
  const rewrite = registryMirrors(policy).find((mirror) => mirror.registry === registry)?.rewrite;
  if (!rewrite) return [{ kind: 'node', host: registry }];
  const node: PullHop = { kind: 'node', host: rewrite.to, rewrite };
  const upstream = policy.upstreams.find(({ id }) => id === rewrite.upstream);
  if (!upstream) return [node];
  const defaultPort = upstream.scheme === 'https' ? 443 : 80;
  const host = upstream.port === defaultPort ? upstream.host : `${upstream.host}:${upstream.port}`;
  return [
    node,
    { kind: 'site', host: rewrite.to, rewrite },
    { kind: 'upstream', host, rewrite },
    ...tokenHosts(policy, rewrite).flatMap((realm): PullHop[] => [
      { kind: 'realm', host: realm.from, rewrite: realm },
      { kind: 'token', host: realm.to, rewrite: realm },
    ]),
  ];
}

/**
 * The rewrites of which the token realm is one. The registry alone knows its realm; with GitLab it is the name of GitLab
 * itself, so a rewrite that is no registry is taken where there is one.
 */
function tokenHosts(policy: Policy, registry: DomainRewrite): readonly DomainRewrite[] {
  const others = policy.rewrites.filter(
    (rewrite) => rewrite.upstream !== undefined && !rewrite.wildcard && !rewrite.containerRegistry,
  );
  return others.length > 0 ? others : [registry];
}
