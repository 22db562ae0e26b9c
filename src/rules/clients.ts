import type { SpecPath } from '../diagnostics/diagnostic.ts';

/** What the targets of a spec configure beside the proxies: nodes, pods, sites, and whatever opens to address sets. */
export interface Clients {
  readonly nodes: readonly NodeClient[];
  /** Whether a target answers the DNS questions of pods. */
  readonly pods: boolean;
  /** Whether a target makes the proxies. */
  readonly proxies: boolean;
  /** Whether a target makes the sites of rewrites. */
  readonly sites: boolean;
  /** Engines that cannot limit how many requests of one address are under way. */
  readonly uncounting: readonly { readonly target: string; readonly at: SpecPath }[];
  readonly certificates: readonly SiteCertificate[];
  /** Names of address sets to which targets open something beside the proxies, such as a firewall. */
  readonly opened: readonly string[];
}

/** The nodes that one target configures. */
export interface NodeClient {
  /** Name of the target. */
  readonly target: string;
  readonly at: SpecPath;
  /** Registries with mirrors of their own, beside those of the rewrites; "*" stands for all others. */
  readonly mirrored: readonly string[];
  /** Registries for which some of these nodes do not ask the mirror of "*". */
  readonly bypassed: readonly string[];
  /**
   * When nodes ask the registry itself after all mirrors have failed. `always`: the product has no setting against it.
   */
  readonly fallsBack: 'never' | 'configured' | 'always';
}

/** A certificate that a proxy presents for the sites of domain rewrites. */
export interface SiteCertificate {
  readonly file: string;
  readonly at: SpecPath;
}

export function mirrors(node: NodeClient, registry: string): boolean {
  return node.mirrored.includes(registry) || (node.mirrored.includes('*') && !node.bypassed.includes(registry));
}
