import * as assert from 'uvu/assert';
import { resolvePolicy } from '../../src/policy/resolve.ts';
import type { Policy, Proxy } from '../../src/policy/types.ts';
import { type Spec, specSchema } from '../../src/spec/schema.ts';

/** A policy from a spec written as data; fails the test where the spec has an error. */
export function policyOf(spec: object, files: Readonly<Record<string, string>> = {}): Policy {
  const parsed = specSchema({}).parse({ version: 1, name: 'test', ...spec }) as Spec;
  const result = resolvePolicy(parsed, (path) => files[path]);
  assert.equal(
    result.diagnostics.map(({ code, message, at }) => `${at.join('.')}: ${message} [${code}]`),
    [],
  );
  if (!result.value) throw new Error('no policy and no diagnostic');
  return result.value;
}

/** The messages and codes of a spec that is in error. */
export function problemsOf(spec: object, files: Readonly<Record<string, string>> = {}): string[] {
  const parsed = specSchema({}).parse({ version: 1, name: 'test', ...spec }) as Spec;
  return resolvePolicy(parsed, (path) => files[path]).diagnostics.map(({ code, at }) => `${at.join('.')} ${code}`);
}

export function onlyProxy(policy: Policy): Proxy {
  const [proxy, ...others] = policy.proxies;
  if (!proxy || others.length > 0) throw new Error('expected exactly one proxy');
  return proxy;
}
