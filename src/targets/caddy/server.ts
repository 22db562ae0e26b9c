import { toCidrs } from '../../policy/cidr.ts';
import type { Proxy } from '../../policy/types.ts';
import { bareWord, type CaddyToken } from './quote.ts';

/** Options of one listener. */
export interface ServerModel {
  readonly listener: CaddyToken;
  readonly name: CaddyToken;
  readonly maxHeaderSize: number;
  /** Load balancers whose PROXY protocol is believed. */
  readonly proxyProtocol: readonly CaddyToken[];
  readonly tls: boolean;
}

/** What proxies have in common that share a port: the first speaks for all. */
export function serverModel({ id, listen, tls, clientIp, maxRequestHead }: Proxy): ServerModel {
  return {
    listener: bareWord(`${bindOf(listen)}:${listen.port}`),
    name: bareWord(id),
    maxHeaderSize: headerSize(maxRequestHead),
    proxyProtocol: clientIp.kind === 'proxyProtocol' ? toCidrs(clientIp.trusted).map(bareWord) : [],
    tls: tls !== undefined,
  };
}

/** What Caddy has to be told for heads of so many bytes: Go reads 4096 bytes more than that. */
export function headerSize(bytes: number): number {
  return bytes - 4096;
}

/** An address with its family: without it Caddy also listens on IPv6 where IPv4 was asked for, and the other way round. */
export function bindOf({ address = '0.0.0.0' }: Proxy['listen']): string {
  return address.includes(':') ? `tcp6/[${address}]` : `tcp4/${address}`;
}
