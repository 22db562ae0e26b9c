import type { SpecPath } from '../diagnostics/diagnostic.ts';
import {
  addressWords,
  type CidrSet,
  intersect,
  isEmpty,
  isWithin,
  partsOf,
  subtract,
  toCidrs,
  unionOf,
} from '../policy/cidr.ts';
import { dateOf } from '../policy/dates.ts';
import type { AddressNote, Policy } from '../policy/types.ts';
import type { Collector } from './collector.ts';
import type { AccessChange } from './types.ts';

type Sets = Pick<Policy, 'addressSets'>;

/**
 * Reports entries of address sets whose end changed. No request shows it: a later end lets the address in for longer.
 */
export function diffExpiry(before: Sets, after: Sets, collector: Collector): void {
  for (const { id, notes, set } of after.addressSets) {
    const old = before.addressSets.find((one) => one.id === id);
    if (!old) continue;
    const ends = new Map(notes.map((note) => [cidrOf(note), note]));
    const former = new Map(old.notes.map((note) => [cidrOf(note), note]));
    for (const cidr of new Set([...ends.keys(), ...former.keys()])) {
      const [note, formerly] = [ends.get(cidr), former.get(cidr)];
      // An added or removed entry is reported as a change of the set's addresses, with a request as example.
      const range = (note ?? formerly)?.range;
      if (!range || !holds(set, range) || !holds(old.set, range) || note?.expires === formerly?.expires) continue;
      const message = () => `${cidr} of @${id} is good ${until(note)} (before: ${until(formerly)})`;
      const effect = (note?.expires ?? Infinity) > (formerly?.expires ?? Infinity) ? 'widening' : 'narrowing';
      const at = { version: 'after', path: note?.origin ?? ['ipRanges', id] } as const;
      collector.add({ kind: 'expiry', effect, group: cidr, message, at });
    }
  }
}

/** Two versions of a list of addresses: whom a proxy lets in, or from where a key may be used. */
export interface TwoLists {
  /** What they lead to: `proxy "api"`. */
  readonly what: string;
  /** Place of the newer list. */
  readonly at: SpecPath;
  readonly before: CidrSet;
  readonly after: CidrSet;
}

/** Reports addresses that had an end by a set which a list no longer names, and that the list still lets in after it. */
export function diffLostEnds({ what, at, ...lists }: TwoLists, before: Sets, after: Sets, collector: Collector): void {
  const [left, right] = [partsOf(lists.before), partsOf(lists.after)];
  const isNamed = new Set(right.map(({ name }) => name));
  const [formerly, now] = [notesBySet(before), notesBySet(after)];
  for (const part of left.filter(({ name }) => formerly.has(name) && !isNamed.has(name))) {
    // An address that another part let in as well had no end.
    const others = unionOf(left.filter((one) => one !== part).flatMap(({ own }) => own.ranges));
    for (const { range, expires } of formerly.get(part.name) ?? []) {
      if (expires === undefined) continue;
      const ending = right
        .flatMap(({ name }) => now.get(name) ?? [])
        .filter((note) => (note.expires ?? Infinity) <= expires);
      const kept = intersect(subtract({ ranges: [range] }, others), lists.after);
      const beyond = addressWords(subtract(kept, unionOf(ending.map((note) => note.range))));
      if (beyond === '') continue;
      const message = () =>
        `${beyond} may reach ${what} beyond ${dateOf(expires)}, the end that @${part.name} gave before`;
      collector.add({ kind: 'expiry', effect: 'widening', group: beyond, message, at: { version: 'after', path: at } });
    }
  }
}

function notesBySet({ addressSets }: Sets): ReadonlyMap<string | undefined, readonly AddressNote[]> {
  return new Map(addressSets.flatMap(({ id, notes }) => (notes.length > 0 ? [[id, notes]] : [])));
}

function holds(set: CidrSet, range: AddressNote['range']): boolean {
  return isWithin({ ranges: [range] }, set);
}

function cidrOf({ range }: AddressNote): string {
  return addressWords({ ranges: [range] });
}

function until(note: AddressNote | undefined): string {
  return note?.expires === undefined ? 'for good' : `until ${dateOf(note.expires)}`;
}

/** One version of the spec: its sets, and the names of those to which targets open something, such as a firewall. */
interface Opened extends Sets {
  readonly opened: readonly string[];
}

/** Reports addresses that came to or left a set to which a target opens something beside the proxies. */
export function diffOpened(before: Opened, after: Opened): AccessChange[] {
  return [...new Set([...before.opened, ...after.opened])].sort().flatMap((id) => {
    const [left, right] = [openedSet(before, id), openedSet(after, id)];
    return [
      ...told(id, subtract(right.set, left.set), { effect: 'widening', version: right.isThere ? 'after' : 'before' }),
      ...told(id, subtract(left.set, right.set), { effect: 'narrowing', version: right.isThere ? 'after' : 'before' }),
    ];
  });
}

function openedSet({ addressSets, opened }: Opened, id: string): { readonly set: CidrSet; readonly isThere: boolean } {
  const found = addressSets.find((one) => one.id === id);
  return { set: found && opened.includes(id) ? found.set : { ranges: [] }, isThere: found !== undefined };
}

function told(
  id: string,
  addresses: CidrSet,
  { effect, version }: { readonly effect: 'widening' | 'narrowing'; readonly version: 'before' | 'after' },
): AccessChange[] {
  if (isEmpty(addresses)) return [];
  const when = effect === 'widening' ? 'now' : 'no longer';
  const message = `${addressWords(addresses)} ${isOne(addresses) ? 'is' : 'are'} let in as @${id} ${when}, wherever what is generated is applied`;
  const at = { version, path: ['ipRanges', id] } as const;
  return [{ kind: 'addresses', effect, message, at, proxies: [], keys: [], addresses: toCidrs(addresses) }];
}

function isOne(addresses: CidrSet): boolean {
  return toCidrs(addresses).length === 1;
}
