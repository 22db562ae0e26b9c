import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Policy } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { ruleCodes } from './codes.ts';
import { redundant } from './redundant.ts';
import { unused } from './unused.ts';
import { wide } from './wide.ts';

function untested(spec: Spec): Diagnostic[] {
  const decides = spec.proxies !== undefined || spec.domainRewrites !== undefined;
  return decides && (spec.tests ?? []).length === 0 ? [ruleCodes.report('untested-policy', ['name'], {})] : [];
}

/** Legal but unwise: what `lint` reports. All of it warnings. */
export function lint(policy: Policy, spec: Spec): Diagnostic[] {
  return [...wide(policy), ...redundant(policy), ...unused(policy, spec), ...untested(spec)];
}
