import * as assert from 'uvu/assert';
import { diffAccess } from '../../src/accessDiff/diff.ts';
import type { AccessChange } from '../../src/accessDiff/types.ts';
import { policyOf } from './policy.ts';

type Section = Record<string, Record<string, unknown>>;

/** Changes or adds an entry of a section. */
export function set(section: Section, id: string, fields: object = {}): void {
  section[id] = { ...section[id], ...fields };
}

/** What becomes of access when a spec is edited. */
export function changesBy<Draft>(edit: (spec: Draft) => void, from: object): readonly AccessChange[] {
  const after = structuredClone(from) as unknown as Draft;
  edit(after);
  const { value = [], diagnostics } = diffAccess(policyOf(from), policyOf(after as object));
  assert.equal(diagnostics, []);
  return value;
}

export function lines(changes: readonly AccessChange[]): string[] {
  return changes.map(({ kind, effect, message }) => `${effect} ${kind}: ${message}`);
}

/** The example of a change: a request and both decisions, or a name and where it leads. */
export function words(change: AccessChange | undefined): string {
  const { example } = change ?? {};
  if (example?.kind !== 'request') return example ? `${example.name}: ${example.before} -> ${example.after}` : 'none';
  const { method, target, key, from, before, after } = example;
  return `${method} ${target} as ${key?.id ?? 'nobody'} from ${from}: ${before} -> ${after}`;
}
