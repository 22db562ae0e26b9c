import { hasNamedSite, type SiteRewrite } from '../policy/domains.ts';
import { DEFAULT_PORT } from '../policy/origin.ts';
import type { Policy, Upstream } from '../policy/types.ts';

/** A site answers for both names of a domain rewrite, and passes requests on to its upstream under the public one. */
export interface SitePlan {
  readonly rewrite: SiteRewrite;
  /**
   * The upstream as it knows itself: the public name with the upstream's own port is its Host, and the name that its
   * certificate is for, unless the spec says another in `tls.serverName`.
   */
  readonly upstream: Upstream;
  /**
   * The private name first. Whoever has the private address from DNS that was rewritten still asks for the public name,
   * over TLS too.
   */
  readonly names: readonly {
    readonly name: string;
    /** Whether clients know the site by the private name, so that nothing in an answer may send them to the public one. */
    readonly isPrivate: boolean;
  }[];
}

/** Two names of one thing, as they stand in URLs: `gitlab.example.com` and `gitlab.privatelink.example.com`. */
export interface NamePair {
  readonly from: string;
  readonly to: string;
  /** The port of the upstream behind the public name: `:8443`; "" where it is the usual one, or no site has the name. */
  readonly ownPort: string;
  /** Whether a site answers under the private name, on the port that the client asked; else somebody else does, by https. */
  readonly hasSite: boolean;
}

/** Sorted by public name. Wildcards are left out: DNS rewrites them, and no site can have so many names. */
export function sitesOf({ rewrites, upstreams }: Pick<Policy, 'rewrites' | 'upstreams'>): SitePlan[] {
  return rewrites.filter(hasNamedSite).map((rewrite) => ({
    rewrite,
    upstream: publicUpstream(rewrite, upstreams),
    names: [
      { name: rewrite.to, isPrivate: true },
      { name: rewrite.from, isPrivate: false },
    ],
  }));
}

/** All names that headers of sites are searched for: an answer of one site may hold a name of another. */
export function namePairs({ rewrites, upstreams }: Pick<Policy, 'rewrites' | 'upstreams'>): NamePair[] {
  return rewrites
    .filter(({ wildcard }) => !wildcard)
    .map((rewrite) => {
      const { from, to } = rewrite;
      if (!hasNamedSite(rewrite)) return { from, to, ownPort: '', hasSite: false };
      const { scheme, port } = publicUpstream(rewrite, upstreams);
      return { from, to, ownPort: port === DEFAULT_PORT[scheme] ? '' : `:${port}`, hasSite: true };
    });
}

function publicUpstream({ from, upstream: id }: SiteRewrite, upstreams: readonly Upstream[]): Upstream {
  const upstream = upstreams.find((each) => each.id === id);
  if (!upstream) throw new Error(`no upstream ${id}`);
  const { tls, host } = upstream;
  const renamed = tls && tls.serverName === host ? { ...tls, serverName: from } : tls;
  return { ...upstream, host: from, ...(renamed ? { tls: renamed } : {}) };
}

/**
 * Headers of answers in which sites put private names in place of public ones. Set-Cookie holds a domain, the others hold
 * URLs, alone or between other words: `Bearer realm="https://gitlab.example.com/jwt/auth"`.
 */
export type MappedAnswer =
  | 'Www-Authenticate'
  | 'Location'
  | 'Link'
  | 'Set-Cookie'
  | 'Access-Control-Allow-Origin'
  | 'Content-Security-Policy';

/** Headers of requests in which the public name takes the place of the private one: Rails and ActionCable compare them with their own. */
export type MappedRequest = 'Origin' | 'Referer';
