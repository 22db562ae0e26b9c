import type { MapList } from './maps.ts';
import type { HashSizes, MapModel, PerAddress } from './model.ts';
import type { NginxOptions } from './options.ts';
import { bareWord, type Variable, value, variable } from './quote.ts';

/** API keys, as far as sizes depend on them: nginx reads their rows from files that are not generated with the others. */
export interface Secrets {
  readonly keys: number;
  readonly longestId: number;
}

/**
 * Returns the sizes of nginx's hash tables. The defaults are too small for many or long entries: with a key that is
 * too long for a bucket nginx does not start, and with a table that is too small it starts slowly and finds keys
 * slowly.
 */
export function hashSizes(maps: readonly MapModel[], secrets: Secrets): HashSizes {
  let most = secrets.keys * 2;
  let longest = secrets.longestId;
  for (const map of maps) {
    most = Math.max(most, map.entries.length);
    for (const key of hashedKeys(map)) longest = Math.max(longest, key.length);
  }
  return {
    mapMax: roughly(Math.max(2048, most * 4)),
    mapBucket: roughly(Math.max(256, longest + 32)),
    // A map defines its variable and at most two captured groups for each segment; nginx wants room for twice as
    // many.
    variablesMax: roughly(Math.max(2048, maps.length * 16)),
  };
}

/** So many that nobody has them by chance. With some thousands of them nginx does not start. */
const MOST_ALIKE = 100;

/** Returns rows of one table whose keys nginx hashes alike, so that it looks at one after the other for a request. */
export function alikeRows(maps: readonly MapModel[]): readonly string[] {
  for (const map of maps) {
    if (map.entries.length <= MOST_ALIKE) continue;
    const keys = hashedKeys(map);
    const counts = new Map<number, number>();
    for (const key of keys) {
      const hash = hashOf(key);
      const count = (counts.get(hash) ?? 0) + 1;
      if (count > MOST_ALIKE) return keys.filter((each) => hashOf(each) === hash);
      counts.set(hash, count);
    }
  }
  return [];
}

/** Expressions are not hashed. */
function hashedKeys({ entries }: MapModel): readonly string[] {
  return entries.map(({ key }) => key.text).filter((key) => !key.startsWith('"~'));
}

/** The lower half of nginx's hash of a key. */
function hashOf(key: string): number {
  let hash = 0;
  const text = key.toLowerCase();
  for (let at = 0; at < text.length; at++) hash = (Math.imul(hash, 31) + text.charCodeAt(at)) | 0;
  return hash;
}

/** Returns the next power of two, so that one row more seldom changes a size. */
export function roughly(size: number): number {
  return 2 ** Math.ceil(Math.log2(size));
}

/**
 * Connections of one worker. Some thousand connections without a request, which last ten seconds each, must leave
 * room for others.
 */
const WORKER_CONNECTIONS = 8192;

/**
 * Workers that the zone of a limit is made for. With more workers it may fill up, and requests of new addresses are
 * refused.
 */
const MOST_WORKERS = 16;

export function workerConnections(options: NginxOptions): number {
  return options.workerConnections ?? WORKER_CONNECTIONS;
}

/**
 * Returns how many requests of one address may be under way: a forwarded request takes two connections, so they use
 * up to a quarter of those of one worker.
 */
export function requestsPerAddress(options: NginxOptions): number {
  return Math.ceil(workerConnections(options) / 8);
}

interface AddressLimit {
  /** Name of the zone. */
  readonly name: string;
  /** Address of the client. */
  readonly address: Variable;
  readonly most: number;
  readonly options: NginxOptions;
  readonly maps: MapList;
}

export function perAddress({ name, address, most, options, maps }: AddressLimit): PerAddress {
  const requests = Math.ceil(workerConnections(options) / 2) * MOST_WORKERS;
  // A counter takes up to 128 bytes.
  return {
    key: value(networkOf(`${name}_network`, address, maps)),
    zone: bareWord(name),
    size: bareWord(`${roughly(Math.max(64, (requests * 128) / 1024))}k`),
    most,
  };
}

const GROUP = '[0-9A-Fa-f]{1,4}';
/** Source of "::" and the groups after it, none of which is one of the first four groups of an address. */
const REST = `::(?:${GROUP}:){0,3}[0-9A-Fa-f.]*+\\z`;

/**
 * Defines the address that is counted. For IPv6 it is the network of 64 bits, because whoever has one address of it
 * usually has all of them.
 */
function networkOf(name: string, address: Variable, maps: MapList): Variable {
  const groups = variable('network_groups');
  const written = (count: number) => `^(?<network_groups>${GROUP}(?::${GROUP}){${count - 1}})`;
  return maps.add({
    name,
    comment: 'An IPv4 address, or the first half of an IPv6 address.',
    source: [address],
    fallback: address,
    patterns: [
      [`${written(4)}:`, groups],
      ...[3, 2, 1].map((count) => [`${written(count)}${REST}`, [groups, ':0'.repeat(4 - count)]] as const),
    ],
  });
}
