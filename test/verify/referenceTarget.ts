import * as z from 'zod';
import { ok } from '../../src/diagnostics/diagnostic.ts';
import { run as nginx } from '../../src/targets/nginx/run.ts';
import { defineTarget, type RequestRunner } from '../../src/targets/target.ts';
import type { ProxyTarget } from './proxyTargets.ts';

const asText = (value: unknown) =>
  JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? { bigint: String(each) } : each));

export function reviveBigInt(_: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'bigint' in value ? BigInt(String(value.bigint)) : value;
}

const run: RequestRunner = {
  program: 'reference',
  args: () => [],
  leaves: [],
  serves: 'requests',
  reloadSignal: 'HUP',
  alone: () => ({}),
  rendersSites: () => false,
  sites: () => ({ options: {}, does: { speakTls: false, clientIp: { kind: 'direct' } } }),
  // The evaluator does, whatever a real engine would write.
  enforces: nginx.enforces,
  accessLog: 'access.log',
};

const target = defineTarget({
  name: 'reference',
  summary: 'the policy as it is',
  options: z.unknown(),
  access: {},
  plan: ({ policy }) => ok(policy),
  files: (policy) => [{ path: 'reference/policy.json', text: asText(policy) }],
  secrets: ({ values }) => ok([{ path: 'reference/secrets/values.json', text: asText([...values]) }]),
});

/** Hands the policy itself to the reference engine. */
export const referenceTarget: ProxyTarget = { ...target, run };
