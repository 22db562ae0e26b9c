import type { MapList } from './maps.ts';
import type { HashSizes, MapModel, PerAddress } from './model.ts';
import type { NginxOptions } from './options.ts';
import { bareWord, type Variable, value, variable } from './quote.ts';

/** What the number of keys, which nginx reads from files of their own, adds to the maps. */
export interface Secrets {
  readonly keys: number;
  readonly longestId: number;
}

/**
 * Sizes of nginx's hash tables. Its defaults do not take many entries or long ones: with a key too long for
 * its bucket it does not start, and with a table too small it starts, slowly, and finds keys slowly.
 */
export function hashSizes(maps: readonly MapModel[], secrets: Secrets): HashSizes {
  let most = secrets.keys * 2;
  let longest = secrets.longestId;
  for (const { entries } of maps) {
    most = Math.max(most, entries.length);
    // Expressions are not hashed.
    for (const { key } of entries) if (!key.text.startsWith('"~')) longest = Math.max(longest, key.text.length);
  }
  return {
    mapMax: roughly(Math.max(2048, most * 4)),
    mapBucket: roughly(Math.max(256, longest + 32)),
    // A map has its variable and at most two captures a segment; nginx wants room for twice as many.
    variablesMax: roughly(Math.max(2048, maps.length * 16)),
  };
}

/** The next power of two: sizes that a line more or less does not change. */
export function roughly(size: number): number {
  return 2 ** Math.ceil(Math.log2(size));
}

/** A few thousand connections that come to nothing take ten seconds each, and must leave room for others. */
const WORKER_CONNECTIONS = 8192;

/** A counter takes up to 128 bytes. With more workers than these the zone may fill up, and new addresses are refused. */
const MOST_WORKERS = 16;

export function workerConnections(options: NginxOptions): number {
  return options.workerConnections ?? WORKER_CONNECTIONS;
}

/** A quarter of the connections of one worker: a request that is forwarded takes two. */
export function requestsPerAddress(options: NginxOptions): number {
  return Math.ceil(workerConnections(options) / 8);
}

interface AddressLimit {
  /** Of the zone. */
  readonly name: string;
  /** Address of the client. */
  readonly address: Variable;
  readonly most: number;
  readonly options: NginxOptions;
  readonly maps: MapList;
}

export function perAddress({ name, address, most, options, maps }: AddressLimit): PerAddress {
  const requests = Math.ceil(workerConnections(options) / 2) * MOST_WORKERS;
  return {
    key: value(networkOf(`${name}_network`, address, maps)),
    zone: bareWord(name),
    size: bareWord(`${roughly(Math.max(64, (requests * 128) / 1024))}k`),
    most,
  };
}

const GROUP = '[0-9A-Fa-f]{1,4}';
/** The rest of an address after "::" that is none of the first four groups. */
const REST = `::(?:${GROUP}:){0,3}[0-9A-Fa-f.]*+\\z`;

/** Whoever has one IPv6 address has all 2^64 of its network. */
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
