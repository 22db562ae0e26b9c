import type { ApiKey } from '../../policy/types.ts';
import type { MapList } from './maps.ts';
import type { ForwardLocation, SharedModel } from './model.ts';
import { type Variable, value, word } from './quote.ts';
import { roughly } from './sizes.ts';

export interface Rates {
  readonly zones: SharedModel['zones'];
  readonly limits: ForwardLocation['limits'];
}

type Rate = NonNullable<ApiKey['rateLimit']>;

/** One zone for each rate: a key that has another rate, or none, gives the zone an empty name and is not counted. */
export function ratesOf(keys: readonly ApiKey[], context: { id: Variable; prefix: string; maps: MapList }): Rates {
  const { id, prefix, maps } = context;
  const byRate = new Map<string, { rate: Rate; keys: ApiKey[] }>();
  for (const key of keys) {
    if (!key.rateLimit) continue;
    const name = `${key.rateLimit.requests}/${key.rateLimit.per} ${key.rateLimit.burst}`;
    const entry = byRate.get(name) ?? { rate: key.rateLimit, keys: [] };
    entry.keys.push(key);
    byRate.set(name, entry);
  }
  const sorted = [...byRate].sort(([a], [b]) => (a < b ? -1 : 1));
  const zones = sorted.map(([, { rate, keys: limited }]) => {
    const text = `${prefix}_rate_${rate.requests}_per_${rate.per}_burst_${rate.burst}`;
    const name = word(text);
    const counted = maps.add({
      name: text,
      source: [id],
      exact: limited.map((key) => [key.id, key.id] as const),
    });
    // A counter takes up to 192 bytes; a full zone would drop the oldest.
    const size = word(`${roughly(Math.max(64, Math.ceil((limited.length * 192) / 1024) * 2))}k`);
    return {
      zone: { key: value(counted), name, size, rate: word(`${rate.requests}r/${rate.per}`) },
      burst: rate.burst,
    };
  });
  return {
    zones: zones.map(({ zone }) => zone),
    limits: zones.map(({ zone, burst }) => ({ zone: zone.name, burst })),
  };
}
