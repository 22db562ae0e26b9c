import type { CidrSet } from '../policy/cidr.ts';
import type { ApiKey, Policy, Proxy } from '../policy/types.ts';
import { intersect, NOBODY, sameAddresses } from './addresses.ts';

/**
 * What one secret means in the two versions. Callers are told apart by the secret they hold, not by the id
 * that logs show: a key that was only renamed can do what it could.
 */
export interface KeyPair {
  readonly reference: string;
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
}

export const ANYBODY: Caller = { anybody: true, before: undefined, after: undefined, pairs: [] };

function byReference(policy: Policy): Map<string, ApiKey> {
  return new Map(policy.apiKeys.flatMap((key) => key.keys.map((reference) => [reference.text, key] as const)));
}

/** One pair for each secret that either version accepts. */
export function keyPairs(before: Policy, after: Policy): KeyPair[] {
  const left = byReference(before);
  const right = byReference(after);
  const references = [...new Set([...left.keys(), ...right.keys()])];
  return references.map((reference) => ({ reference, before: left.get(reference), after: right.get(reference) }));
}

/** The classes of callers, in the order of their first pair. */
export function callersOf(pairs: readonly KeyPair[]): Caller[] {
  const classes = new Map<string, KeyPair[]>();
  for (const pair of pairs) {
    const alike = `${signature(pair.before)} ${signature(pair.after)}`;
    const known = classes.get(alike);
    if (known) known.push(pair);
    else classes.set(alike, [pair]);
  }
  return [...classes.values()].map((alike) => ({
    anybody: false,
    before: alike[0]?.before,
    after: alike[0]?.after,
    pairs: alike,
  }));
}

const rangeTexts = new WeakMap<CidrSet, string>();

function rangeText(set: CidrSet): string {
  const known = rangeTexts.get(set) ?? set.ranges.map(({ family, first, last }) => `${family}:${first}-${last}`).join();
  rangeTexts.set(set, known);
  return known;
}

function signature(key: ApiKey | undefined): string {
  if (!key) return '-';
  return `${key.groups.join()}|${key.ranges ? rangeText(key.ranges) : 'all'}|${key.expires ?? 'never'}`;
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
