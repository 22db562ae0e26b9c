import type { Diagnostic, Related } from '../diagnostics/diagnostic.ts';
import { contains, formatAddress, isEverybody, parseAddress } from './cidr.ts';
import { policyCodes } from './codes.ts';
import { hasSite } from './domains.ts';
import { isLoopback } from './origin.ts';
import type { HostPort, Policy, Proxy, Upstream } from './types.ts';

type Parts = Pick<Policy, 'apiKeys' | 'proxies' | 'rewrites' | 'routes' | 'upstreams'>;

/** A proxy of the spec that an upstream of it leads to, and the server by which it is reached. */
export interface Guard {
  readonly proxy: Proxy;
  readonly server: HostPort;
}

/** Headers in which sites and proxies report the client's address to the next server. */
const TOLD = ['x-forwarded-for', 'x-real-ip'];

/** Returns the proxies of this spec that an upstream leads to. */
export function guardsBehind({ servers }: Upstream, proxies: readonly Proxy[]): Guard[] {
  return servers.flatMap((server) =>
    proxies
      .filter(({ listen: { port, address = '0.0.0.0' } }) => {
        const isAnywhere = ['0.0.0.0', '::'].includes(address);
        const host = plainHost(server.host);
        return port === server.port && (plainHost(address) === host || (isAnywhere && isLoopback(host)));
      })
      .map((proxy) => ({ proxy, server })),
  );
}

/** Returns one spelling of an address: an IPv4-mapped one is that of IPv4. */
function plainHost(host: string): string {
  const address = parseAddress(host);
  return address ? formatAddress(address) : host;
}

/** Returns the proxies that an upstream names by their own name and port, wherever they run. */
function namedBy({ servers }: Upstream, proxies: readonly Proxy[]): Guard[] {
  return servers.flatMap((server) =>
    proxies
      .filter(({ hosts, listen: { port } }) => port === server.port && hosts.includes(server.host.toLowerCase()))
      .map((proxy) => ({ proxy, server })),
  );
}

/** Returns whether the proxy's decisions depend on the client's address. */
export function asksWho({ ranges, health }: Proxy, { apiKeys }: Pick<Policy, 'apiKeys'>): boolean {
  return !isEverybody(ranges) || apiKeys.some((key) => key.ranges) || (health ? !isEverybody(health.ranges) : false);
}

/**
 * Finds proxies that lose the client's address behind a site or another proxy of the spec. The one in front connects
 * from its own address and sends the client's in a header; a proxy that does not believe this header takes every client
 * for the one in front.
 */
export function checkChains(parts: Parts, problems: Diagnostic[]): void {
  const { proxies, rewrites, routes, upstreams } = parts;
  for (const upstream of upstreams) {
    const site = rewrites.find((rewrite) => hasSite(rewrite) && rewrite.upstream === upstream.id);
    const route = routes.find(({ forwarding }) => forwarding.upstream === upstream.id);
    const first = site ?? route;
    if (!first) continue;
    const seen = new Set<Proxy>();
    // Which address such a name stands for is not known here, so one that listens to anybody may be right.
    const named = namedBy(upstream, proxies).filter(({ proxy }) => proxy.clientIp.kind === 'direct');
    for (const { proxy, server } of [...guardsBehind(upstream, proxies), ...named]) {
      if (seen.has(proxy) || !asksWho(proxy, parts) || isTold(proxy, server)) continue;
      seen.add(proxy);
      problems.push(
        lostAddress({ proxy, server }, { upstream, before: site ? 'a site' : 'a proxy', at: first.origin }),
      );
    }
  }
}

/** Returns whether the proxy trusts the header of a site or proxy that connects to it through this server. */
export function isTold({ clientIp }: Proxy, { host }: HostPort): boolean {
  if (clientIp.kind !== 'header' || !TOLD.includes(clientIp.header.toLowerCase())) return false;
  const own = parseAddress(host === 'localhost' ? '127.0.0.1' : host);
  return own !== undefined && contains(clientIp.trusted, own);
}

interface First {
  readonly upstream: Upstream;
  readonly before: string;
  readonly at: Diagnostic['at'];
}

function lostAddress({ proxy, server }: Guard, { upstream, before, at }: First): Diagnostic {
  const field = proxy.clientIp.kind === 'direct' ? 'listen' : 'clientIp';
  const related: Related[] = [
    { at, message: `${before} goes there` },
    { at: upstream.origin, message: 'this leads to it' },
  ];
  const host = server.host === 'localhost' ? '127.0.0.1' : plainHost(server.host);
  const lost = policyCodes.report(
    'lost-address',
    [...proxy.origin, field],
    { proxy: proxy.id, before, address: host },
    { related },
  );
  if (parseAddress(host)) return lost;
  return { ...lost, hint: `say which address ${before} connects from: clientIp: { trustedProxies: [ADDRESS] }` };
}
