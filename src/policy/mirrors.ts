import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { Policy } from './types.ts';

/** A registry as nodes name it, and where they look for its images instead, best first. */
export interface Mirror {
  /** `*` for every registry without a mirror of its own. */
  readonly registry: string;
  /** `https://host[:port][/path]`, or with `http://` on the node itself. */
  readonly endpoints: readonly string[];
  readonly origin: SpecPath;
}

/** What nodes of one kind are told. */
export interface NodeSettings {
  readonly mirrors: readonly Mirror[];
  /** Whether they try the registry itself in the end. */
  readonly fallsBack: boolean;
  /** Registries that the mirror of "*" is not asked for although they have none of their own. */
  readonly bypassed?: readonly string[];
}

/** A name under which nodes pull images, and the name that they really contact, each with its port where it has one. */
export interface RegistryMirror {
  readonly registry: string;
  readonly host: string;
  readonly origin: SpecPath;
  /** What a site under the private name forwards to. */
  readonly upstream?: string | undefined;
}

/** Sorted by name. */
export function registryMirrors({ rewrites, registries }: Policy): RegistryMirror[] {
  const named = rewrites.filter(({ containerRegistry, wildcard }) => containerRegistry && !wildcard);
  return [
    ...named.map(({ from, to, origin, upstream }) => ({ registry: from, host: to, origin, upstream })),
    ...registries.map(({ from, to, origin }) => ({ registry: from, host: to, origin })),
  ].toSorted((a, b) => (a.registry < b.registry ? -1 : 1));
}

/** The mirrors that every kind of node has. */
export function rewrittenMirrors(policy: Policy): Mirror[] {
  return registryMirrors(policy).map(({ registry, host, origin }) => ({
    registry,
    endpoints: [`https://${host}`],
    origin,
  }));
}
