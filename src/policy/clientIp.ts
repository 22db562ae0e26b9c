import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { ClientIpSpec } from '../spec/clientIp.ts';
import { policyCodes } from './codes.ts';
import type { RangeResolver } from './ranges.ts';
import { headerRefusal } from './refusedHeaders.ts';
import type { ClientAddress } from './types.ts';

interface Context {
  readonly ranges: RangeResolver;
  readonly problems: Diagnostic[];
  /** The header that carries keys, so that it cannot hold the client's address. */
  readonly keyHeader?: string | undefined;
}

/** Returns where a listener takes the client's address from. */
export function clientAddressOf(clientIp: ClientIpSpec | undefined, at: SpecPath, context: Context): ClientAddress {
  if (clientIp === undefined || clientIp === 'direct') return { kind: 'direct' };
  const { ranges, problems } = context;
  const trusted = ranges.resolve(clientIp.trustedProxies, [...at, 'trustedProxies']);
  checkHeader(clientIp.header, at, context);
  if (!clientIp.proxyProtocol) return { kind: 'header', trusted, header: clientIp.header ?? 'X-Forwarded-For' };
  if (clientIp.header !== undefined)
    problems.push(policyCodes.report('two-address-sources', [...at, 'header'], {}, { part: 'key' }));
  return { kind: 'proxyProtocol', trusted };
}

function checkHeader(header: string | undefined, at: SpecPath, { keyHeader, problems }: Context): void {
  if (header === undefined) return;
  const isKey = header.toLowerCase() === keyHeader?.toLowerCase();
  const why = isKey ? 'carries the keys' : headerRefusal(header, 'address');
  if (why === undefined) return;
  const params = { header, what: 'client addresses', why, better: 'X-Forwarded-For or X-Real-IP' };
  problems.push(policyCodes.report('unusable-header', [...at, 'header'], params));
}
