import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { Effect, FieldKind } from '../policy/fields.ts';

export type ChangeKind =
  | FieldKind
  | 'allowed'
  | 'denied'
  | 'auth'
  | 'answer'
  | 'addresses'
  | 'expiry'
  | 'envelope'
  | 'guarantee'
  | 'key-added'
  | 'key-removed'
  | 'key-source'
  | 'owner'
  | 'scope'
  | 'proxy-added'
  | 'proxy-removed'
  | 'status'
  | 'trust'
  | 'target';

/** The place of a change, and the version of the spec that has it. */
export interface ChangePlace {
  readonly version: 'before' | 'after';
  readonly path: SpecPath;
}

/** A request that the two versions decide differently, with the decision of each evaluator. */
export interface RequestExample {
  readonly kind: 'request';
  readonly proxy: string;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly from: string;
  /**
   * The key that is sent; absent for none. `formerly` is the secret that was sent before, if the key got another one in
   * its place.
   */
  readonly key?: { readonly id: string; readonly reference: string; readonly formerly?: string };
  /** Seconds since 1970; only if the moment matters. */
  readonly at?: number;
  readonly before: string;
  readonly after: string;
}

/** A name that the two versions resolve differently. */
export interface NameExample {
  readonly kind: 'name';
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

export type Example = RequestExample | NameExample;

/** One difference of access. A line of the spec that changes thousands of paths is one change. */
export interface AccessChange {
  readonly kind: ChangeKind;
  readonly effect: Effect;
  /** One line, lower case start, no full stop. */
  readonly message: string;
  readonly at: ChangePlace;
  /** Sorted ids; empty if the change is not about proxies or not about keys. */
  readonly proxies: readonly string[];
  readonly keys: readonly string[];
  /** CIDRs that were gained or lost, for a change of addresses. */
  readonly addresses?: readonly string[];
  readonly example?: Example;
}

/** Returns whether a change allows more, or may do so. */
export function mayWiden(change: Pick<AccessChange, 'effect'>): boolean {
  return change.effect === 'widening' || change.effect === 'unclear';
}
