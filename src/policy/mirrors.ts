import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { Policy } from './types.ts';

/** A registry as nodes name it, and the servers that they ask for its images instead, in this order. */
export interface Mirror {
  /** `*` for every registry without a mirror of its own. */
  readonly registry: string;
  /** `https://host[:port][/path]`; `http://` only for a mirror on the node itself. */
  readonly endpoints: readonly string[];
  readonly origin: SpecPath;
}

/** The settings of nodes of one kind about registries. */
export interface NodeSettings {
  readonly mirrors: readonly Mirror[];
  /** Whether the nodes ask the registry itself after all its mirrors have failed. */
  readonly fallsBack: boolean;
  /** Registries without a mirror of their own for which these nodes do not ask the mirror of "*" either. */
  readonly bypassed?: readonly string[];
  /** Endpoints by registry of mirrors that somebody else has set up beside ours. */
  readonly others?: Readonly<Record<string, readonly string[]>>;
}

/** Returns whom nodes ask for the images of a registry; `origin` is absent for a mirror of somebody else. */
export function mirrorFor(
  { mirrors, bypassed = [], others = {} }: NodeSettings,
  registry: string,
): (Pick<Mirror, 'endpoints'> & Partial<Pick<Mirror, 'origin'>>) | undefined {
  const of = (name: string) => {
    const given = Object.hasOwn(others, name) ? others[name] : undefined;
    return mirrors.find((one) => one.registry === name) ?? (given && { endpoints: given });
  };
  // Runtimes find a mirror by the exact text of the host in the image: neither the port nor the case may differ.
  return of(registry) ?? (bypassed.includes(registry) ? undefined : of('*'));
}

/** The name under which nodes pull images and the name that they contact instead, each with its port if it has one. */
export interface RegistryMirror {
  readonly registry: string;
  readonly host: string;
  readonly origin: SpecPath;
  /** Id of the upstream of the site under the private name; absent where there is no site. */
  readonly upstream?: string | undefined;
}

/** Returns the mirrors of rewrites and registries, sorted by name. */
export function registryMirrors({ rewrites, registries }: Policy): RegistryMirror[] {
  const named = rewrites.filter(({ containerRegistry, wildcard }) => containerRegistry && !wildcard);
  return [
    ...named.map(({ from, to, origin, upstream }) => ({ registry: from, host: to, origin, upstream })),
    ...registries.map(({ from, to, origin }) => ({ registry: from, host: to, origin })),
  ].toSorted((a, b) => (a.registry < b.registry ? -1 : 1));
}

/** Returns the mirrors that every kind of node has. */
export function rewrittenMirrors(policy: Policy): Mirror[] {
  return registryMirrors(policy).map(({ registry, host, origin }) => ({
    registry,
    endpoints: [`https://${host}`],
    origin,
  }));
}
