import { maskSecrets } from '../diagnostics/mask.ts';
import { printable } from '../diagnostics/printable.ts';
import { contains, formatAddress } from '../policy/cidr.ts';
import { dateOf } from '../policy/dates.ts';
import type { AddressNote, Policy } from '../policy/types.ts';
import { setReferences } from '../spec/references.ts';
import type { Spec } from '../spec/schema.ts';
import { type Locate, locator } from './location.ts';
import type { Decided } from './request.ts';
import type { Understood } from './spec.ts';

/** A named set that the address of a client is in, with what the spec says about the entry that puts it there. */
interface ClientSet {
  readonly id: string;
  readonly at: string;
  readonly note?: AddressNote | undefined;
}

/**
 * Returns the sets by which an address is let in: those that the proxy or the key takes in, also through other sets. Of
 * an address that is refused, all that it is in.
 */
export function clientSets(decided: Decided, { policy, spec, document }: Understood): readonly ClientSet[] {
  const { request, proxy, decision } = decided;
  const key = request.credential.kind === 'known' ? request.credential.id : undefined;
  const isRefused = decision.kind === 'deny' && (decision.reason === 'address' || decision.reason === 'key-address');
  const taken = takenIn(spec, [spec.proxies?.[proxy.id]?.ipRanges, key && spec.apiKeys?.[key]?.ipRanges]);
  const locate = locator(document);
  return policy.addressSets
    .filter(({ id, set }) => (isRefused || taken.has(id)) && contains(set, request.client))
    .map((set) => clientSet(set, decided, locate));
}

function clientSet(
  { id, notes, origin }: Policy['addressSets'][number],
  { request }: Decided,
  locate: Locate,
): ClientSet {
  const note = notes.find(({ range }) => contains({ ranges: [range] }, request.client));
  return { id, at: locate(note?.origin ?? origin), note };
}

function takenIn(spec: Spec, lists: readonly unknown[]): ReadonlySet<string> {
  const taken = new Set<string>();
  const take = (part: unknown): void => {
    for (const { name, at } of setReferences(part)) {
      if (taken.has(name) || at.at(-1) === 'not') continue;
      taken.add(name);
      take(spec.ipRanges?.[name]);
    }
  };
  lists.forEach(take);
  return taken;
}

export function clientText(sets: readonly ClientSet[], { request }: Decided): string {
  return sets
    .map(({ id, at, note }, index) => {
      const start = index === 0 ? `  client    ${formatAddress(request.client)} is in` : `${' '.repeat(12)}and in`;
      const said = note === undefined ? [] : noteWords(note);
      return printable(maskSecrets(`${start} @${id}${said.length > 0 ? ` (${said.join(', ')})` : ''}, ${at}`));
    })
    .map((line) => `${line}\n`)
    .join('');
}

function noteWords({ owner, expires, reason }: AddressNote): string[] {
  return [
    ...(owner === undefined ? [] : [owner]),
    ...(expires === undefined ? [] : [`until ${dateOf(expires)}`]),
    ...(reason === undefined ? [] : [reason]),
  ];
}

/** The address and its sets for machines; `null` where the spec says nothing. */
export function jsonClient(sets: readonly ClientSet[], { request }: Decided) {
  return {
    address: formatAddress(request.client),
    sets: sets.map(({ id, at, note }) => ({
      id,
      at,
      owner: note?.owner ?? null,
      expires: note?.expires === undefined ? null : dateOf(note.expires),
      reason: note?.reason ?? null,
    })),
  };
}
