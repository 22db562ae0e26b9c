import type { HashSizes, MapModel, PerAddress } from './model.ts';
import type { NginxOptions } from './options.ts';
import { bareWord, type Variable, value } from './quote.ts';

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

export function perAddress(name: string, address: Variable, most: number, options: NginxOptions): PerAddress {
  const requests = Math.ceil(workerConnections(options) / 2) * MOST_WORKERS;
  return {
    key: value(address.variable === 'remote_addr' ? { variable: 'binary_remote_addr' } : address),
    zone: bareWord(name),
    size: bareWord(`${roughly(Math.max(64, (requests * 128) / 1024))}k`),
    most,
  };
}
