import { API_KEY, keyAddresses } from '../policy/apiKeys.ts';
import { type CidrSet, intersect, NOBODY, sameAddresses } from '../policy/cidr.ts';
import { dateOf } from '../policy/dates.ts';
import { identityOf } from '../policy/fields.ts';
import type { ApiKey, Policy, Proxy } from '../policy/types.ts';

/**
 * The keys of one secret in the two versions. Callers are identified by their secret, not by the id that logs show, so
 * that renaming a key is no change of access. If a key got a new secret in place of an old one, the pair stands for one
 * caller, which has to change over from the old to the new.
 */
export interface KeyPair {
  /** The secret; or the old and the new one of a caller who has to change over. */
  readonly references: readonly [string] | readonly [before: string, after: string];
  readonly before: ApiKey | undefined;
  readonly after: ApiKey | undefined;
}

/** Callers that both versions treat alike, apart from the token that they cause to be sent. */
export interface Caller {
  /** True for the one caller that stands for everybody, with a key or without. */
  readonly anybody: boolean;
  readonly before: ApiKey | undefined;
  readonly after: ApiKey | undefined;
  readonly pairs: readonly KeyPair[];
  /** True for callers that have to change over to another secret. */
  readonly replaced: boolean;
}

export const ANYBODY: Caller = { anybody: true, replaced: false, before: undefined, after: undefined, pairs: [] };

type References = ReadonlyMap<string, ApiKey>;

function byReference(policy: Policy): References {
  return new Map(policy.apiKeys.flatMap((key) => key.keys.map((reference) => [reference.text, key] as const)));
}

/** Returns the pairs of two versions. Each secret that one of them accepts is in exactly one pair. */
export function keyPairs(before: Policy, after: Policy): KeyPair[] {
  const left = byReference(before);
  const right = byReference(after);
  const replaced = replacements(before, left, right);
  const successors = new Set(replaced.values());
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((reference): KeyPair[] => {
    if (successors.has(reference)) return [];
    const successor = replaced.get(reference);
    const references = successor === undefined ? ([reference] as const) : ([reference, successor] as const);
    return [{ references, before: left.get(reference), after: right.get(successor ?? reference) }];
  });
}

/** Returns the replacements: for each secret that only the older version accepts, the new secret under the same id. */
function replacements(before: Policy, left: References, right: References): Map<string, string> {
  const added = new Map<string, string[]>();
  for (const [reference, { id }] of right) {
    if (!left.has(reference)) added.set(id, [...(added.get(id) ?? []), reference]);
  }
  const replaced = new Map<string, string>();
  for (const { id, keys } of before.apiKeys) {
    const gone = keys.filter(({ text }) => !right.has(text));
    for (const [index, { text }] of gone.entries()) {
      const successor = added.get(id)?.[index];
      if (successor !== undefined) replaced.set(text, successor);
    }
  }
  return replaced;
}

/** Returns the classes of callers, in the order of their first pair. */
export function callersOf(pairs: readonly KeyPair[]): Caller[] {
  const classes = new Map<string, KeyPair[]>();
  for (const pair of pairs) {
    const alike = `${pair.references.length} ${signature(pair.before)} ${signature(pair.after)}`;
    const known = classes.get(alike);
    if (known) known.push(pair);
    else classes.set(alike, [pair]);
  }
  return [...classes.values()].map((alike) => ({
    anybody: false,
    before: alike[0]?.before,
    after: alike[0]?.after,
    pairs: alike,
    replaced: alike[0]?.references.length === 2,
  }));
}

/** Returns a text that is equal for keys that may send the same requests. */
function signature(key: ApiKey | undefined): string {
  return key ? identityOf(API_KEY, key, ({ compare }) => compare === 'decided') : '-';
}

/** The addresses from which a caller gets through to a proxy. */
export interface Reach {
  readonly before: CidrSet;
  readonly after: CidrSet;
  readonly common: CidrSet;
}

export function reachOf(caller: Caller, before: Proxy, after: Proxy): Reach {
  const left = sideReach(caller, caller.before, before);
  const right = sideReach(caller, caller.after, after);
  return { before: left, after: right, common: sameAddresses(left, right) ? left : intersect(left, right) };
}

function sideReach(caller: Caller, key: ApiKey | undefined, proxy: Proxy): CidrSet {
  if (caller.anybody) return proxy.ranges;
  if (!key) return NOBODY;
  return keyAddresses(key, proxy);
}

/** Returns the first moment at which a key no longer works. */
export function endOf(key: ApiKey | undefined): number {
  return key?.expires ?? Number.POSITIVE_INFINITY;
}

/** Returns the end of a key for a sentence: `2027-06-30`, or `never`. */
export function endWords(key: ApiKey | undefined): string {
  if (key?.expires === undefined) return 'never';
  return dateOf(key.expires);
}

/** Returns the sorted ids of the callers' keys; the new id for a renamed key. */
export function idsOf(callers: readonly Caller[]): string[] {
  const ids = callers.flatMap(({ pairs }) => pairs.flatMap(({ before, after }) => after?.id ?? before?.id ?? []));
  return [...new Set(ids)].sort();
}

const SHOWN = 3;

/** Returns the callers that a change concerns, as the end of a sentence: ` for key "a"`, ` for anybody`. */
export function forWhom(ids: readonly string[], anybody: boolean): string {
  if (anybody) return ' for anybody';
  const more = ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : '';
  return ` for ${ids.length === 1 ? 'key' : 'keys'} ${ids
    .slice(0, SHOWN)
    .map((id) => `"${id}"`)
    .join(', ')}${more}`;
}
