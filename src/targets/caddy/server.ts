import { toCidrs } from '../../policy/cidr.ts';
import type { Proxy } from '../../policy/types.ts';
import { type CaddyToken, word } from './quote.ts';

/** Options of one listener. */
export interface ServerModel {
  readonly listener: CaddyToken;
  readonly name: CaddyToken;
  /** Load balancers whose PROXY protocol is believed. */
  readonly proxyProtocol: readonly CaddyToken[];
}

export function serverModel({ id, listen, clientIp }: Proxy): ServerModel {
  const { address = '0.0.0.0', port } = listen;
  return {
    listener: word(`${address.includes(':') ? `[${address}]` : address}:${port}`),
    name: word(id),
    proxyProtocol: clientIp.kind === 'proxyProtocol' ? toCidrs(clientIp.trusted).map(word) : [],
  };
}
