import { subtract, toCidrs } from '../policy/cidr.ts';
import type { ApiKey } from '../policy/types.ts';
import { addressWords, sameAddresses } from './addresses.ts';
import { type Caller, endOf, forWhom, type KeyPair } from './callers.ts';
import { confirmed, isEmpty, type ProxyContext, questionOf, type Sample } from './context.ts';
import type { CallerSamples } from './requests.ts';
import type { ChangePlace } from './types.ts';

/** What changed for key holders whatever they ask for. */
export function diffCallers(samples: CallerSamples, context: ProxyContext): void {
  diffAddresses(samples, context);
  for (const [caller, events] of samples) {
    if (caller.anybody) continue;
    const { both, forwarded } = events;
    if (both) diffEnd(caller, both, context);
    if (forwarded) for (const pair of caller.pairs) diffToken(pair, caller, forwarded, context);
    if (both) for (const pair of caller.pairs) diffRate(pair, context);
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

/** Told by the proxy where the proxy's own ranges are why, by the key otherwise. */
function diffAddresses(samples: CallerSamples, context: ProxyContext): void {
  const [left, right] = [context.before.proxy, context.after.proxy];
  if (!left || !right) return;
  for (const { gained, effect, version, other } of DIRECTIONS) {
    const [wide, narrow] = gained ? [right, left] : [left, right];
    const ofProxy = subtract(wide.ranges, narrow.ranges);
    const byProxy: Caller[] = [];
    for (const [caller, { both }] of samples) {
      const reach = context.reach(caller);
      const delta =
        both && !sameAddresses(reach.before, reach.after) ? subtract(reach[version], reach[other]) : undefined;
      if (!both || !delta || isEmpty(delta)) continue;
      const ids = context.ids([caller]);
      const whole = sameAddresses(delta, ofProxy);
      if (whole) byProxy.push(caller);
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
  }
}

function placeOf(key: ApiKey | undefined, version: ChangePlace['version'], field: string): ChangePlace {
  return { version, path: key ? [...key.origin, field] : [] };
}

function date(key: ApiKey | undefined): string {
  if (key?.expires === undefined) return 'never';
  return new Date(key.expires * 1000).toISOString().replace('T00:00:00.000Z', '').replace('.000Z', 'Z');
}

function diffEnd(caller: Caller, sample: Sample, context: ProxyContext): void {
  const { common } = context.reach(caller);
  const [left, right] = [endOf(caller.before), endOf(caller.after)];
  if (left === right || isEmpty(common)) return;
  const ids = context.ids([caller]);
  context.collector.add({
    kind: 'expiry',
    effect: right > left ? 'widening' : 'narrowing',
    message: () => `expires ${date(caller.after)} (before: ${date(caller.before)})${forWhom(ids, false)}`,
    at: placeOf(caller.after, 'after', 'expires'),
    keys: ids,
    proxy: context.proxy,
    example: () => confirmed({ ...questionOf(sample, caller, common), at: Math.min(left, right) }, context),
  });
}

function one(pair: KeyPair, caller: Caller): Caller {
  return { ...caller, before: pair.before, after: pair.after, pairs: [pair] };
}

function diffToken(pair: KeyPair, caller: Caller, sample: Sample, context: ProxyContext): void {
  const { before, after } = pair;
  const { common } = context.reach(caller);
  if (!before || !after || before.token.text === after.token.text || isEmpty(common)) return;
  context.collector.add({
    kind: 'token',
    effect: 'unclear',
    message: () => `key "${after.id}" causes the token ${after.token.text} to be sent (before: ${before.token.text})`,
    at: placeOf(after, 'after', 'token'),
    keys: [after.id],
    proxy: context.proxy,
    example: () => confirmed(questionOf(sample, one(pair, caller), common), context),
  });
}

function diffRate({ before, after }: KeyPair, context: ProxyContext): void {
  const [left, right] = [before?.rateLimit, after?.rateLimit];
  if (!after || JSON.stringify(left) === JSON.stringify(right)) return;
  const perMinute = (limit: ApiKey['rateLimit']) => (limit ? limit.requests * (limit.per === 's' ? 60 : 1) : Infinity);
  const words = (limit: ApiKey['rateLimit']) =>
    limit ? `${limit.requests}/${limit.per} burst ${limit.burst}` : 'unlimited';
  const more = perMinute(right) > perMinute(left) || (right?.burst ?? Infinity) > (left?.burst ?? Infinity);
  context.collector.add({
    kind: 'rate-limit',
    effect: more ? 'widening' : 'narrowing',
    message: () => `key "${after.id}" may send ${words(right)} (before: ${words(left)})`,
    at: placeOf(after, 'after', 'rateLimit'),
    keys: [after.id],
    proxy: context.proxy,
  });
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

/** A secret that is accepted now or no longer: a new key, or another secret of one that stays. */
function diffSource(pair: KeyPair, { caller, event, sample }: SourceEvent, context: ProxyContext): void {
  const gained = event === 'key-gained';
  const key = gained ? pair.after : pair.before;
  if (!key) return;
  const other = gained ? context.before : context.after;
  const stays = other.ids.has(key.id) || key.keys.some((reference) => other.keys.has(reference.text));
  const { before, after } = context.reach(caller);
  const verb = gained ? 'accepted' : 'accepted no longer';
  context.collector.add({
    kind: stays ? 'key-source' : gained ? 'key-added' : 'key-removed',
    effect: gained ? 'widening' : 'narrowing',
    group: stays ? pair.reference : '',
    message: () =>
      stays
        ? `${pair.reference} is ${verb} as key "${key.id}"`
        : `key "${key.id}" ${gained ? 'added' : 'removed'}: ${scopeWords(key)}`,
    at: { version: gained ? 'after' : 'before', path: stays ? [...key.origin, 'key'] : key.origin },
    keys: [key.id],
    proxy: context.proxy,
    example: () => confirmed(questionOf(sample, one(pair, caller), gained ? after : before), context),
  });
}

function scopeWords(key: ApiKey): string {
  return `${key.groups.length > 0 ? `routes of ${key.groups.join(', ')}` : 'no routes'}`;
}
