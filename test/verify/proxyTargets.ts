import { targets } from '../../src/targets/index.ts';
import type { Target } from '../../src/targets/target.ts';

function targetOf(name: string): Target {
  const target = targets.find((each) => each.name === name);
  if (!target) throw new Error(`no target ${name}`);
  return target;
}

const caddy = { engine: 'caddy', target: targetOf('caddy') } as const;
const nginx = { engine: 'nginx', target: targetOf('nginx') } as const;

/** The engines that decide about requests, with the target that configures each. */
export const proxyTargets = [caddy, nginx];

/** The same in the oldest and the newest version that is supported. */
export const engineVersions = { caddy, nginx, 'nginx-newest': nginx };
