import type { SpecPath } from '../diagnostics/diagnostic.ts';

/** Whom the targets of a spec tell something: the clients of the domain rewrites, and what lets named addresses in. */
export interface Clients {
  readonly nodes: readonly NodeClient[];
  /** Whether a target answers the DNS questions of pods. */
  readonly pods: boolean;
  readonly certificates: readonly SiteCertificate[];
  /** Names of address sets that something is opened to beside the proxies. */
  readonly opened: readonly string[];
}

/** The nodes of one kind. */
export interface NodeClient {
  /** Name of the target. */
  readonly target: string;
  readonly at: SpecPath;
  /** Registries with mirrors of their own, beside those of the rewrites; "*" stands for all others. */
  readonly mirrored: readonly string[];
  /** Registries that the mirror of "*" is not asked for on some of them. */
  readonly bypassed: readonly string[];
  /** `always`: the product tries the registry itself in the end and cannot be told not to. */
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
