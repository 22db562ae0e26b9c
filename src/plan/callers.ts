import { type CidrSet, isEverybody, partsOf } from '../policy/cidr.ts';
import type { ApiKey, Policy } from '../policy/types.ts';

/** A set of route groups that some keys may use, by name. */
interface GrantSet {
  /** The route groups joined by "+", `hooks+read`; "*", which is no group's name, for keys without a list of routes. */
  readonly name: string;
  readonly groups: readonly string[];
}

export function grantSetOf({ groups, allGroups }: Pick<ApiKey, 'groups' | 'allGroups'>): GrantSet {
  return { name: allGroups ? '*' : groups.join('+'), groups };
}

/** Returns the grant sets of keys, each once, sorted by name. */
export function grantSets(keys: readonly ApiKey[]): GrantSet[] {
  const sets = new Map(keys.map((key) => [grantSetOf(key).name, grantSetOf(key)]));
  return [...sets.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The addresses that the spec lists in one place, by name. */
export interface AddressList {
  /** The name under `ipRanges` for `set`; else the id of the proxy or key that lists the addresses itself. */
  readonly name: string;
  readonly kind: 'set' | 'proxy' | 'key' | 'health';
  /** The addresses written there. `@names` in the list are lists of their own. */
  readonly own: CidrSet;
}

/**
 * The most lists of one owner that stay apart. An engine asks for each of them in one expression, whose length is
 * limited: more become one list of the owner's.
 */
const MOST_LISTS = 32;

/** Returns the lists that a set of addresses is made of, sorted; "any" for all addresses. */
export function listsOf(
  set: CidrSet,
  owner: { readonly kind: 'proxy' | 'key' | 'health'; readonly name: string },
): 'any' | readonly AddressList[] {
  if (isEverybody(set)) return 'any';
  const parts = partsOf(set);
  if (parts.length > MOST_LISTS) return [{ ...owner, own: set }];
  return parts
    .map(({ name, own }): AddressList => (name === undefined ? { ...owner, own } : { kind: 'set', name, own }))
    .sort(byName);
}

/** Returns every list that a proxy, a health check or a key uses, each once. */
export function addressLists({ proxies, apiKeys }: Pick<Policy, 'proxies' | 'apiKeys'>): AddressList[] {
  const used = [
    ...proxies.map(({ id, ranges }) => listsOf(ranges, { kind: 'proxy', name: id })),
    ...proxies.flatMap(({ id, health }) => (health ? [listsOf(health.ranges, { kind: 'health', name: id })] : [])),
    ...apiKeys.flatMap(({ id, ranges }) => (ranges ? [listsOf(ranges, { kind: 'key', name: id })] : [])),
  ];
  const lists = new Map<string, AddressList>();
  for (const list of used.flatMap((each) => (each === 'any' ? [] : each))) lists.set(`${list.kind} ${list.name}`, list);
  return [...lists.values()].sort(byName);
}

function byName(a: AddressList, b: AddressList): number {
  const [left, right] = [a, b].map(({ kind, name }) => `${name} ${kind}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}
