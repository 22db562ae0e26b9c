import { API_KEY } from '../policy/apiKeys.ts';
import { ANY_ADDRESS, addressWords, type CidrSet, isEmpty, subtract, toCidrs } from '../policy/cidr.ts';
import { differencesOf } from '../policy/fields.ts';
import type { ApiKey, Policy } from '../policy/types.ts';
import { destinationOf } from '../policy/upstreams.ts';
import { diffLostEnds } from './addressSets.ts';
import { endOf, endWords, forWhom } from './callers.ts';
import { redirection } from './classes.ts';
import type { Collector } from './collector.ts';

/**
 * Reports changes of upstreams and keys that no request has shown: where all routes were replaced in the same change,
 * no request gets through in both versions. An upstream that a request has shown as well stays one change.
 */
export function diffFacts(before: Policy, after: Policy, compared: ReadonlySet<string>, collector: Collector): void {
  const [left, right] = [usedIn(before), usedIn(after)];
  const upstreams = new Map(before.upstreams.map((upstream) => [upstream.id, upstream]));
  for (const upstream of after.upstreams) {
    const old = upstreams.get(upstream.id);
    if (!old || !left.upstreams.has(old.id) || !right.upstreams.has(old.id)) continue;
    if (destinationOf(old) === destinationOf(upstream)) continue;
    const { kind, effect, detail, place, message } = redirection(old, upstream);
    collector.add({ kind, effect, group: detail, at: place, message });
  }
  const ids = new Map(before.apiKeys.map((key) => [key.id, key]));
  const references = new Map(before.apiKeys.flatMap((key) => key.keys.map(({ text }) => [text, key] as const)));
  for (const key of after.apiKeys) {
    // A key that got another id is the one with the same secret.
    const old = ids.get(key.id) ?? key.keys.map(({ text }) => references.get(text)).find((one) => one !== undefined);
    const used = ({ groups }: ApiKey, { groups: served }: Used) => groups.some((group) => served.has(group));
    if (old?.ranges && key.ranges) {
      const lists = { before: old.ranges, after: key.ranges, at: [...key.origin, 'ipRanges'], what: `key "${key.id}"` };
      diffLostEnds(lists, before, after, collector);
    }
    if (old && !compared.has(key.id) && used(old, left) && used(key, right)) diffKey(old, key, collector);
  }
}

interface Used {
  readonly groups: ReadonlySet<string>;
  readonly upstreams: ReadonlySet<string>;
}

/** Returns the groups and upstreams that some caller can reach through some proxy. */
function usedIn({ proxies, apiKeys }: Policy): Used {
  const held = new Set(apiKeys.flatMap(({ groups }) => groups));
  const routes = new Set(proxies.flatMap((proxy) => proxy.routes));
  const used = [...routes].filter(({ group, forwarding }) => forwarding.auth === 'passthrough' || held.has(group));
  return {
    groups: new Set(used.map(({ group }) => group)),
    upstreams: new Set(used.map(({ forwarding }) => forwarding.upstream)),
  };
}

function diffKey(before: ApiKey, after: ApiKey, collector: Collector): void {
  const keys = [after.id];
  const at = (field: string) => ({ version: 'after', path: [...after.origin, field] }) as const;
  for (const { kind, effect, words, field } of differencesOf(API_KEY, before, after))
    collector.add({ kind, effect, message: () => `key "${after.id}" ${words}`, at: at(field.name), keys });
  const [old, end] = [endOf(before), endOf(after)];
  if (old !== end) {
    const message = () => `expires ${endWords(after)} (before: ${endWords(before)})${forWhom(keys, false)}`;
    collector.add({ kind: 'expiry', effect: end > old ? 'widening' : 'narrowing', message, at: at('expires'), keys });
  }
  const [left, right] = [before.ranges ?? ANY_ADDRESS, after.ranges ?? ANY_ADDRESS];
  const tell = (addresses: CidrSet, effect: 'widening' | 'narrowing', when: string) => {
    if (isEmpty(addresses)) return;
    const message = () => `${addressWords(addresses)} may connect ${when}${forWhom(keys, false)}`;
    const cidrs = toCidrs(addresses);
    collector.add({
      kind: 'addresses',
      effect,
      group: cidrs.join(),
      message,
      at: at('ipRanges'),
      keys,
      addresses: cidrs,
    });
  };
  tell(subtract(right, left), 'widening', 'now');
  tell(subtract(left, right), 'narrowing', 'no longer');
}
