import { toCidrs } from '../../policy/cidr.ts';
import type { Proxy } from '../../policy/types.ts';
import { type CaddyToken, word } from './quote.ts';

/** Options of one listener: where the address of the client comes from. */
export interface ServerModel {
  readonly listener: CaddyToken;
  readonly name: CaddyToken;
  readonly trusted: readonly CaddyToken[];
  readonly header: CaddyToken | null;
  readonly proxyProtocol: boolean;
}

export function serverModel({ id, listen, clientIp }: Proxy): ServerModel {
  const { address = '0.0.0.0', port } = listen;
  return {
    listener: word(`${address.includes(':') ? `[${address}]` : address}:${port}`),
    name: word(id),
    trusted: clientIp.kind === 'direct' ? [] : toCidrs(clientIp.trusted).map(word),
    header: clientIp.kind === 'header' ? word(clientIp.header) : null,
    proxyProtocol: clientIp.kind === 'proxyProtocol',
  };
}
