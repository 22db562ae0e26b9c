import { API_KEY } from '../policy/apiKeys.ts';
import { type CidrSet, intersect, NOBODY, sameAddresses } from '../policy/cidr.ts';
import { identityOf } from '../policy/fields.ts';
import type { ApiKey, Policy, Proxy } from '../policy/types.ts';

/**
 * What one secret means in the two versions. Callers are told apart by the secret they hold, not by the id
 * that logs show: a key that was only renamed can do what it could. Where a key got another secret in place of one, the
 * two are one caller, who is to change over.
 */
export interface KeyPair {
  /** One; or the one before and the one after. */
  readonly references: readonly [string] | readonly [before: string, after: string];
  readonly before: ApiKey | undefined;
  readonly after: ApiKey | undefined;
}

/** Callers that both versions treat alike, apart from the token that they cause to be sent. */
export interface Caller {
  /** True for whoever sends a request, with a key or without. */
  readonly anybody: boolean;
  readonly before: ApiKey | undefined;
  readonly after: ApiKey | undefined;
  readonly pairs: readonly KeyPair[];
  /** True for those who have to change over to another secret. */
  readonly replaced: boolean;
}

export const ANYBODY: Caller = { anybody: true, replaced: false, before: undefined, after: undefined, pairs: [] };

type References = ReadonlyMap<string, ApiKey>;

function byReference(policy: Policy): References {
  return new Map(policy.apiKeys.flatMap((key) => key.keys.map((reference) => [reference.text, key] as const)));
}

/** Each secret that either version accepts in one pair. */
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

/** Secrets of which the other version knows nothing, each with the one that stands in its place under the same id. */
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

/** The classes of callers, in the order of their first pair. */
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

/** Equal for keys that the same requests are open to. */
function signature(key: ApiKey | undefined): string {
  return key ? identityOf(API_KEY, key, ({ compare }) => compare === 'decided') : '-';
}

/** From where a caller gets through to a proxy. */
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
  return key.ranges ? intersect(proxy.ranges, key.ranges) : proxy.ranges;
}

/** The first moment at which a key no longer works. */
export function endOf(key: ApiKey | undefined): number {
  return key?.expires ?? Number.POSITIVE_INFINITY;
}

/** The same as text. */
export function endWords(key: ApiKey | undefined): string {
  if (key?.expires === undefined) return 'never';
  return new Date(key.expires * 1000).toISOString().replace('T00:00:00.000Z', '').replace('.000Z', 'Z');
}

/** The ids behind callers, sorted; the new id where a key was renamed. */
export function idsOf(callers: readonly Caller[]): string[] {
  const ids = callers.flatMap(({ pairs }) => pairs.flatMap(({ before, after }) => after?.id ?? before?.id ?? []));
  return [...new Set(ids)].sort();
}

const SHOWN = 3;

/** ` for key "a"`; nothing where it holds for anybody. */
export function forWhom(ids: readonly string[], anybody: boolean): string {
  if (anybody) return ' for anybody';
  const more = ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : '';
  return ` for ${ids.length === 1 ? 'key' : 'keys'} ${ids
    .slice(0, SHOWN)
    .map((id) => `"${id}"`)
    .join(', ')}${more}`;
}
