import type { PerAddress } from './model.ts';
import type { NginxOptions } from './options.ts';
import { type Variable, value, word } from './quote.ts';
import { roughly } from './sizes.ts';

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
    zone: word(name),
    size: word(`${roughly(Math.max(64, (requests * 128) / 1024))}k`),
    most,
  };
}
