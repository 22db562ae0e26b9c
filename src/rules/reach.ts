import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { registryMirrors } from '../policy/pulls.ts';
import type { Policy } from '../policy/types.ts';
import { type Clients, mirrors } from './clients.ts';
import { ruleCodes } from './codes.ts';

/** Rewrites that some clients follow while others go on to the old place. */
export function reach(policy: Policy, clients: Clients): Diagnostic[] {
  return [...podsOnly(policy, clients), ...nodesOnly(policy, clients), ...someNodes(clients)];
}

/** A mirror that fails is silently passed over: the pull then works from the wrong place, or blames the public name. */
export function fallback(policy: Policy, { nodes }: Clients): Diagnostic[] {
  const falling = nodes.filter(({ fallsBack }) => fallsBack !== 'never');
  if (falling.length === 0) return [];
  const targets = falling.map(({ target }) => target);
  const settable = falling.filter(({ fallsBack }) => fallsBack === 'configured').map(({ target }) => target);
  return registryMirrors(policy).map(({ registry, host, rewrite }) =>
    ruleCodes.report('public-fallback', [...rewrite.origin, 'from'], { registry, host, targets, settable }),
  );
}

function podsOnly(policy: Policy, { nodes, pods }: Clients): Diagnostic[] {
  if (!pods || nodes.length > 0) return [];
  return registryMirrors(policy).map(({ registry, rewrite }) =>
    ruleCodes.report('pods-only', [...rewrite.origin, 'containerRegistry'], { registry }),
  );
}

/** Registries alone may be meant for nodes alone; any other name is there for what runs on them. */
function nodesOnly({ rewrites }: Policy, { nodes, pods }: Clients): Diagnostic[] {
  const first = rewrites.find(({ containerRegistry }) => !containerRegistry);
  if (pods || nodes.length === 0 || !first) return [];
  return [ruleCodes.report('nodes-only', [...first.origin, 'from'], { name: first.from })];
}

/** Mirrors of the targets' own options; those of rewrites go to all nodes. */
function someNodes({ nodes }: Clients): Diagnostic[] {
  return nodes.flatMap(({ target, at, mirrored }) =>
    mirrored.flatMap((registry) => {
      const without = nodes.filter((node) => !mirrors(node, registry)).map((node) => node.target);
      if (without.length === 0) return [];
      const place = [...at, 'mirrors', registry];
      return [ruleCodes.report('some-nodes', place, { registry, target, without }, { part: 'key' })];
    }),
  );
}
