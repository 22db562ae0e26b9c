import { API_KEY } from '../policy/apiKeys.ts';
import { addressWords, type CidrSet, intersect, isEmpty, sameAddresses, subtract, toCidrs } from '../policy/cidr.ts';
import { differencesOf } from '../policy/fields.ts';
import type { ApiKey } from '../policy/types.ts';
import { type Caller, endOf, endWords, forWhom, type KeyPair } from './callers.ts';
import { confirmed, type ProxyContext, questionOf, type Sample } from './context.ts';
import type { CallerSamples } from './requests.ts';
import type { ChangePlace } from './types.ts';

/** Reports changes for callers that do not depend on the request: addresses, ends, secrets, groups. */
export function diffCallers(samples: CallerSamples, context: ProxyContext): void {
  diffAddresses(samples, context);
  for (const [caller, events] of samples) {
    if (caller.anybody) continue;
    const { both, forwarded } = events;
    if (both) context.mark(context.ids([caller]));
    if (both) diffEnd(caller, both, context);
    if (both) for (const pair of caller.pairs) diffPair(pair, { caller, both, forwarded }, context);
    for (const event of ['scope-gained', 'scope-lost'] as const) {
      const sample = events[event];
      if (sample) diffScope(caller, event, sample, context);
    }
    for (const event of ['key-gained', 'key-lost'] as const) {
      const sample = events[event];
      if (sample) for (const pair of caller.pairs) diffSource(pair, { caller, event, sample }, context);
    }
  }
}

const DIRECTIONS = [
  { gained: true, effect: 'widening', version: 'after', other: 'before' },
  { gained: false, effect: 'narrowing', version: 'before', other: 'after' },
] as const;

/** Reports addresses that were gained or lost: at the proxy if its own ranges are the cause, else at the key. */
function diffAddresses(samples: CallerSamples, context: ProxyContext): void {
  const [left, right] = [context.before.proxy, context.after.proxy];
  if (!left || !right) return;
  for (const { gained, effect, version, other } of DIRECTIONS) {
    const [wide, narrow] = gained ? [right, left] : [left, right];
    const ofProxy = subtract(wide.ranges, narrow.ranges);
    let told = false;
    for (const [caller, { both }] of samples) {
      const reach = context.reach(caller);
      const delta =
        both && !sameAddresses(reach.before, reach.after) ? subtract(reach[version], reach[other]) : undefined;
      if (!both || !delta || isEmpty(delta)) continue;
      const ids = context.ids([caller]);
      const whole = sameAddresses(delta, ofProxy);
      told ||= whole;
      const origin = (gained ? caller.after : caller.before)?.origin;
      const path = whole || !origin ? [...right.origin, 'ipRanges'] : [...origin, 'ipRanges'];
      const words = `${addressWords(delta)} ${gained ? 'may connect now' : 'may connect no longer'}`;
      context.collector.add({
        kind: 'addresses',
        effect,
        group: whole ? context.proxy : toCidrs(delta).join(),
        message: () => (whole ? `${words} to proxy "${context.proxy}"` : `${words}${forWhom(ids, caller.anybody)}`),
        at: { version: whole ? 'after' : version, path },
        ...(whole || caller.anybody ? {} : { keys: ids }),
        addresses: toCidrs(delta),
        proxy: context.proxy,
        example: () => confirmed(questionOf(both, caller, delta), context),
      });
    }
    if (!told) diffOtherCallers({ addresses: ofProxy, effect, version }, samples, context);
  }
}

interface AddressDelta {
  readonly addresses: CidrSet;
  readonly effect: 'widening' | 'narrowing';
  readonly version: 'before' | 'after';
}

/** Reports addresses that the proxy gained or lost and that matter only to callers of one version, such as new keys. */
function diffOtherCallers(delta: AddressDelta, samples: CallerSamples, context: ProxyContext): void {
  const { addresses, effect, version } = delta;
  const gained = effect === 'widening';
  for (const [caller, events] of isEmpty(addresses) ? [] : samples) {
    const sample = gained
      ? (events['key-gained'] ?? events['scope-gained'])
      : (events['key-lost'] ?? events['scope-lost']);
    const from = intersect(context.reach(caller)[version], addresses);
    if (!sample || isEmpty(from)) continue;
    const words = `${addressWords(addresses)} may connect ${gained ? 'now' : 'no longer'}`;
    context.collector.add({
      kind: 'addresses',
      effect,
      group: context.proxy,
      message: () => `${words} to proxy "${context.proxy}"`,
      at: { version: 'after', path: [...(context.after.proxy?.origin ?? []), 'ipRanges'] },
      addresses: toCidrs(addresses),
      proxy: context.proxy,
      example: () => confirmed(questionOf(sample, caller, from), context),
    });
    return;
  }
}

function placeOf(key: ApiKey | undefined, version: ChangePlace['version'], field: string): ChangePlace {
  return { version, path: key ? [...key.origin, field] : [] };
}

function diffEnd(caller: Caller, sample: Sample, context: ProxyContext): void {
  const { common } = context.reach(caller);
  const [left, right] = [endOf(caller.before), endOf(caller.after)];
  if (left === right || isEmpty(common)) return;
  const ids = context.ids([caller]);
  context.collector.add({
    kind: 'expiry',
    effect: right > left ? 'widening' : 'narrowing',
    message: () => `expires ${endWords(caller.after)} (before: ${endWords(caller.before)})${forWhom(ids, false)}`,
    at: placeOf(caller.after, 'after', 'expires'),
    keys: ids,
    proxy: context.proxy,
    example: () => confirmed({ ...questionOf(sample, caller, common), at: Math.min(left, right) }, context),
  });
}

function one(pair: KeyPair, caller: Caller): Caller {
  return { ...caller, before: pair.before, after: pair.after, pairs: [pair] };
}

interface PairSamples {
  readonly caller: Caller;
  readonly both: Sample;
  readonly forwarded: Sample | undefined;
}

/** Reports what changed for one key and not for all keys of its class, such as its token. */
function diffPair(pair: KeyPair, { caller, forwarded }: PairSamples, context: ProxyContext): void {
  const { before, after } = pair;
  const { common } = context.reach(caller);
  if (!before || !after) return;
  for (const { kind, effect, words, field } of differencesOf(API_KEY, before, after)) {
    const shown = field.shownBy === 'forwarding';
    // A token is sent only with a request that is forwarded.
    if (shown && (!forwarded || isEmpty(common))) continue;
    context.collector.add({
      kind,
      effect,
      message: () => `key "${after.id}" ${words}`,
      at: { version: 'after', path: [...after.origin, field.name] },
      keys: [after.id],
      proxy: context.proxy,
      example: () =>
        shown && forwarded ? confirmed(questionOf(forwarded, one(pair, caller), common), context) : undefined,
    });
  }
}

function diffScope(caller: Caller, event: 'scope-gained' | 'scope-lost', sample: Sample, context: ProxyContext): void {
  const gained = event === 'scope-gained';
  const [wide, narrow] = gained ? [caller.after, caller.before] : [caller.before, caller.after];
  const groups = wide?.groups.filter((group) => !narrow?.groups.includes(group)) ?? [];
  const ids = context.ids([caller]);
  const { before, after } = context.reach(caller);
  context.collector.add({
    kind: 'scope',
    effect: gained ? 'widening' : 'narrowing',
    message: () => `routes of ${groups.join(', ')} are ${gained ? 'open now' : 'closed now'}${forWhom(ids, false)}`,
    at: placeOf(caller.after, 'after', 'routes'),
    keys: ids,
    proxy: context.proxy,
    example: () => confirmed(questionOf(sample, caller, gained ? after : before), context),
  });
}

interface SourceEvent {
  readonly caller: Caller;
  readonly event: 'key-gained' | 'key-lost';
  readonly sample: Sample;
}

/** Reports a secret that is accepted now or no longer: that of a new or removed key, or one of a key that stays. */
function diffSource(pair: KeyPair, { caller, event, sample }: SourceEvent, context: ProxyContext): void {
  const gained = event === 'key-gained';
  const key = gained ? pair.after : pair.before;
  const reference = gained ? pair.references.at(-1) : pair.references[0];
  if (!key || reference === undefined) return;
  const other = gained ? context.before : context.after;
  const stays = other.numbers.has(key.id) || key.keys.some(({ text }) => other.keys.has(text));
  const { before, after } = context.reach(caller);
  const verb = gained ? 'accepted' : 'accepted no longer';
  context.collector.add({
    kind: stays ? 'key-source' : gained ? 'key-added' : 'key-removed',
    effect: gained ? 'widening' : 'narrowing',
    group: stays ? reference : '',
    message: () =>
      stays
        ? `${reference} is ${verb} as key "${key.id}"${numberWords(key, context)}`
        : `key "${key.id}" ${gained ? 'added' : 'removed'}: ${scopeWords(key)}`,
    at: { version: gained ? 'after' : 'before', path: stays ? [...key.origin, 'key'] : key.origin },
    keys: [key.id],
    proxy: context.proxy,
    example: () =>
      confirmed({ ...questionOf(sample, caller, gained ? after : before), references: [reference] }, context),
  });
}

/** Returns the change in the number of a key's secrets: `, which has 2 secrets now (before: 1)`, or "". */
function numberWords({ id }: ApiKey, { before, after }: ProxyContext): string {
  const [left, right] = [before.numbers.get(id), after.numbers.get(id)];
  if (left === undefined || right === undefined || left === right) return '';
  return `, which has ${right} ${right === 1 ? 'secret' : 'secrets'} now (before: ${left})`;
}

function scopeWords(key: ApiKey): string {
  return `${key.groups.length > 0 ? `routes of ${key.groups.join(', ')}` : 'no routes'}`;
}
