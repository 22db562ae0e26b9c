import { toCidrs } from '../../policy/cidr.ts';
import type { Proxy } from '../../policy/types.ts';
import { bareWord, type CaddyToken } from './quote.ts';

/** Options of a listener. */
export interface ServerModel {
  readonly listener: CaddyToken;
  readonly name: CaddyToken;
  readonly maxHeaderSize: number;
  /** Load balancers whose PROXY protocol is trusted. */
  readonly proxyProtocol: readonly CaddyToken[];
  readonly tls: boolean;
}

/**
 * Returns the options of proxies that share a port. The policy layer makes sure that they agree, so the first one has
 * them all.
 */
export function serverModel({ id, listen, tls, clientIp, maxRequestHead }: Proxy): ServerModel {
  return {
    listener: bareWord(`${bindOf(listen)}:${listen.port}`),
    name: bareWord(id),
    maxHeaderSize: headerSize(maxRequestHead),
    proxyProtocol: clientIp.kind === 'proxyProtocol' ? toCidrs(clientIp.trusted).map(bareWord) : [],
    tls: tls !== undefined,
  };
}

/** Returns the value of max_header_size for heads of so many bytes: Go allows 4096 bytes more. */
export function headerSize(bytes: number): number {
  return bytes - 4096;
}

/** Returns an address with its family: without the family Caddy also listens on IPv6 for IPv4, and the other way round. */
export function bindOf({ address = '0.0.0.0' }: Proxy['listen']): string {
  return address.includes(':') ? `tcp6/[${address}]` : `tcp4/${address}`;
}
