import type { HeadersOf } from '../policy/answerHeaders.ts';
import { hasNamedSite, type SiteRewrite } from '../policy/domains.ts';
import { DEFAULT_PORT } from '../policy/origin.ts';
import type { Policy, Upstream } from '../policy/types.ts';

/** A site, which answers for both names of a domain rewrite and forwards requests to its upstream under the public one. */
export interface SitePlan {
  readonly rewrite: SiteRewrite;
  /**
   * The upstream as it knows itself: its Host is the public name with the upstream's own port, and its certificate is
   * for the public name unless the spec sets `tls.serverName`.
   */
  readonly upstream: Upstream;
  /**
   * The private name, then the public one. A client that has the private address from rewritten DNS still asks for the
   * public name, also in TLS.
   */
  readonly names: readonly {
    readonly name: string;
    /** Whether clients use the private name, so that no answer may send them to the public one. */
    readonly isPrivate: boolean;
  }[];
}

/**
 * Public name and private name of one server, as URLs have them: `gitlab.example.com` and
 * `gitlab.privatelink.example.com`.
 */
export interface NamePair {
  readonly from: string;
  readonly to: string;
  /** Port of the upstream after the public name, `:8443`; "" for the usual one, and for a name without a site. */
  readonly ownPort: string;
  /**
   * Whether a site answers under the private name, on the port that the client used; otherwise another server does, by
   * https.
   */
  readonly hasSite: boolean;
}

/**
 * Returns the sites, sorted by public name. Wildcards have none: DNS rewrites them, and no site can have so many names.
 */
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

/** Returns all names that sites look for in headers: an answer of one site may hold a name of another. */
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

/** Headers of answers in which sites replace public names by private ones. */
export type MappedAnswer = HeadersOf<'sites', 'mapped'>;

/**
 * Headers of requests in which sites replace the private name by the public one: Rails and ActionCable compare them
 * with the name that they know.
 */
export type MappedRequest = 'Origin' | 'Referer';
