import type { NodeSettings } from '../policy/pulls.ts';
import type { Policy } from '../policy/types.ts';
import type { Clients } from '../rules/clients.ts';
import type { Spec } from '../spec/schema.ts';
import { targets } from './index.ts';
import { mirrorsOf } from './mirrors.ts';
import type { NameServer, Target } from './target.ts';

/** Who is told about the rewrites of a spec, as far as its targets say. */
export function clientsOf(spec: Spec): Clients {
  const used = usedBy(spec);
  return {
    nodes: used.flatMap(({ target: { name, nodes }, options, at }) => {
      if (!nodes) return [];
      const { mirrors, fallsBack } = nodes(options);
      return [{ target: name, at, mirrored: Object.keys(mirrors), fallsBack }];
    }),
    pods: used.some(({ target }) => target.names !== undefined),
    certificates: used.flatMap(({ target, ...input }) => target.siteCertificate?.(input) ?? []),
  };
}

/** What each kind of node is told that the spec has a target for, without what its product cannot do. */
export function nodesOf(policy: Policy, spec: Spec): (NodeSettings & { readonly target: string })[] {
  return usedBy(spec).flatMap(({ target: { name, nodes }, options, at }) => {
    if (!nodes) return [];
    const { mirrors, fallsBack, unsupported = () => [] } = nodes(options);
    const all = mirrorsOf(policy, mirrors, [...at, 'mirrors']);
    const told = all.filter((mirror) => unsupported(mirror).length === 0);
    return [{ target: name, mirrors: told, fallsBack: fallsBack !== 'never' }];
  });
}

/** The target that answers the DNS questions of pods, and how it does. */
export function nameServer(): NameServer & { readonly target: string } {
  const [server] = targets.flatMap(({ name, names }) => (names ? [{ ...names, target: name }] : []));
  if (!server) throw new Error('no target answers names');
  return server;
}

/** The targets that tell nodes about mirrors, whether a spec has them or not. */
export function nodeTargets(): string[] {
  return targets.filter(({ nodes }) => nodes !== undefined).map(({ name }) => name);
}

interface Used {
  readonly target: Target;
  readonly options: unknown;
  readonly at: readonly string[];
}

function usedBy(spec: Spec): Used[] {
  const used = targets.filter(({ name }) => spec.targets?.[name] !== undefined);
  return used.map((target) => ({ target, options: spec.targets?.[target.name], at: ['targets', target.name] }));
}
