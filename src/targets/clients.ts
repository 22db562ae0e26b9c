import type { NodeSettings } from '../policy/mirrors.ts';
import type { Policy } from '../policy/types.ts';
import type { Clients } from '../rules/clients.ts';
import type { OpenedSet } from '../spec/references.ts';
import type { Spec } from '../spec/schema.ts';
import { targets } from './index.ts';
import { mirrorsOf } from './mirrors.ts';
import type { JobSettings, NameServer, ReadFile, Target } from './target.ts';

/** Returns which clients learn of the rewrites of a spec, as far as its targets show. */
export function clientsOf(spec: Spec, read: ReadFile): Clients {
  const used = usedBy(spec);
  return {
    nodes: used.flatMap(({ target: { name, nodes }, options, at }) => {
      if (!nodes) return [];
      const { mirrors, fallsBack, kinds = [] } = nodes(options, read);
      const bypassed = kinds.flatMap((kind) => kind.bypassed ?? []);
      return [{ target: name, at, mirrored: Object.keys(mirrors), bypassed, fallsBack }];
    }),
    pods: used.some(({ target }) => target.names !== undefined),
    proxies: used.some(({ target }) => target.run?.serves === 'requests'),
    sites: makesSites(spec),
    uncounting: used.flatMap(({ target: { name, run }, options, at }) =>
      run?.serves === 'requests' && run.limits?.(options).includes('addressRequests') ? [{ target: name, at }] : [],
    ),
    certificates: used.flatMap(({ target, ...input }) => target.siteCertificate?.(input) ?? []),
    opened: openedNames(spec),
  };
}

/**
 * Returns the address sets that targets open something to, with the place of the options that say so; all sets where
 * the options list none.
 */
export function openedSets(spec: Pick<Spec, 'targets' | 'ipRanges'>): OpenedSet[] {
  const all = Object.keys(spec.ipRanges ?? {});
  return usedBy(spec).flatMap(({ target, options, at }) =>
    (target.opens?.(options, all) ?? []).map((one) => ({ ...one, at: [...at, ...one.at] })),
  );
}

/** Returns the names of these sets. */
export function openedNames(spec: Pick<Spec, 'targets' | 'ipRanges'>): string[] {
  return [...new Set(openedSets(spec).map(({ name }) => name))].sort();
}

/** Returns whether a target renders the sites of domain rewrites. */
export function makesSites(spec: Spec): boolean {
  return usedBy(spec).some(({ target: { run }, options }) => run?.serves === 'requests' && run.rendersSites(options));
}

/** Nodes that pull in one way, with their names in messages. */
export type Nodes = NodeSettings & Readonly<Record<'target' | 'name', string>>;

/** Returns how each kind of node pulls images, for the targets of the spec. */
export function nodesOf(policy: Policy, spec: Spec, read: ReadFile): Nodes[] {
  return usedBy(spec).flatMap(({ target: { name: target, nodes }, options, at }) => {
    if (!nodes) return [];
    const { mirrors, fallsBack, others = {}, kinds = [] } = nodes(options, read);
    const told = {
      target,
      name: target,
      mirrors: mirrorsOf(policy, mirrors, [...at, 'mirrors']),
      fallsBack: fallsBack !== 'never',
      others,
    };
    const all = kinds.map(({ name, ordered = (endpoints) => endpoints, bypassed = [] }) => ({
      ...told,
      name: `${target} (${name})`,
      mirrors: told.mirrors.map((mirror) => ({ ...mirror, endpoints: ordered(mirror.endpoints) })),
      others: Object.fromEntries(Object.entries(others).map(([registry, endpoints]) => [registry, ordered(endpoints)])),
      bypassed,
    }));
    return all.length > 0 ? all : [told];
  });
}

/** Where the jobs of each target go that runs some. */
export function jobsOf(policy: Policy, spec: Spec): JobSettings[] {
  return usedBy(spec).flatMap(({ target: { jobs }, options }) => (jobs ? [jobs(options, policy)] : []));
}

/** The targets that run CI jobs, whether a spec has them or not. */
export function jobTargets(): string[] {
  return targets.filter(({ jobs }) => jobs !== undefined).map(({ name }) => name);
}

/** Returns the names of some nodes; a product by its name alone where all of its versions are among them. */
export function nodeNames(some: readonly Nodes[], all: readonly Nodes[]): string[] {
  const isWhole = (target: string) => all.every((one) => one.target !== target || some.includes(one));
  return [...new Set(some.map(({ name, target }) => (isWhole(target) ? target : name)))];
}

/** Returns the target that answers DNS questions of pods, and how it answers. */
export function nameServer(): NameServer & { readonly target: string } {
  const [server] = targets.flatMap(({ name, names }) => (names ? [{ ...names, target: name }] : []));
  if (!server) throw new Error('no target answers names');
  return server;
}

/** Returns the targets that configure mirrors of nodes, whether the spec has them or not. */
export function nodeTargets(): string[] {
  return targets.filter(({ nodes }) => nodes !== undefined).map(({ name }) => name);
}

interface Used {
  readonly target: Target;
  readonly options: unknown;
  readonly at: readonly string[];
}

function usedBy(spec: Pick<Spec, 'targets'>): Used[] {
  const used = targets.filter(({ name }) => spec.targets?.[name] !== undefined);
  return used.map((target) => ({ target, options: spec.targets?.[target.name], at: ['targets', target.name] }));
}
