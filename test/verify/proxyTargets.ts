import { targets } from '../../src/targets/index.ts';
import type { RequestRunner } from '../../src/targets/target.ts';
import { isRunnable, type RunnableTarget, serves } from '../../src/verify/engines.ts';

export type ProxyTarget = RunnableTarget<RequestRunner>;

/** A target whose program decides about requests. */
export function proxyTarget(name: string): ProxyTarget {
  const target = targets.find((each) => each.name === name);
  if (!target || !isRunnable(target) || !serves(target, 'requests')) throw new Error(`no proxy target ${name}`);
  return target;
}

const caddy = { engine: 'caddy', target: proxyTarget('caddy') } as const;
const nginx = { engine: 'nginx', target: proxyTarget('nginx') } as const;

/** The engines that decide about requests, with the target that configures each. */
export const proxyTargets = [caddy, nginx];

/** The same in the oldest and the newest version that is supported. */
export const engineVersions = { caddy, nginx, 'nginx-newest': nginx };
