import * as z from 'zod';
import { ok } from '../../src/diagnostics/diagnostic.ts';
import { defineTarget, type Target } from '../../src/targets/target.ts';

const asText = (value: unknown) =>
  JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? { bigint: String(each) } : each));

export function reviveBigInt(_: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'bigint' in value ? BigInt(String(value.bigint)) : value;
}

/** Hands the policy itself to the reference engine. */
export const referenceTarget: Target = defineTarget({
  name: 'nginx',
  summary: 'the policy as it is',
  options: z.unknown(),
  plan: ({ policy }) => ok(policy),
  files: (policy) => [{ path: 'nginx/policy.json', text: asText(policy) }],
  secrets: ({ values }) => ok([{ path: 'nginx/secrets/values.json', text: asText([...values]) }]),
});
