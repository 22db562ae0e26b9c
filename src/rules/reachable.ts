import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { ANY_ADDRESS, addressWords, type CidrSet, intersect, isEmpty } from '../policy/cidr.ts';
import type { ApiKey, Policy, Proxy } from '../policy/types.ts';
import { ruleCodes } from './codes.ts';

const ofFamily = (family: 4 | 6): CidrSet => ({
  ranges: ANY_ADDRESS.ranges.filter((range) => range.family === family),
});

/** Returns the addresses from which a proxy can be connected to: an IPv4 socket has no IPv6 clients. */
function connecting({ listen: { address = '0.0.0.0' } }: Proxy): CidrSet {
  if (address === '::') return ANY_ADDRESS;
  return ofFamily(address.includes(':') ? 6 : 4);
}

/**
 * Returns the addresses among `some` that a client of the proxy can have. Behind a load balancer, these include
 * addresses that could not connect to the proxy itself.
 */
function arriving(some: CidrSet, proxy: Proxy): CidrSet {
  const { clientIp } = proxy;
  const isTold = clientIp.kind !== 'direct' && !isEmpty(intersect(clientIp.trusted, connecting(proxy)));
  return isTold ? some : intersect(some, connecting(proxy));
}

/** Reports lists of addresses from which nobody can come, because they are empty or of the other family. */
function strangers(proxy: Proxy): Diagnostic[] {
  const { id, origin, ranges, clientIp, health } = proxy;
  const why = (set: CidrSet) =>
    isEmpty(set) ? 'it is empty' : `it holds only ${addressWords(set)}, which cannot connect to where it listens`;
  const report = (what: string, set: CidrSet, steps: readonly string[]) =>
    ruleCodes.report('nobody-comes', [...origin, ...steps], { what, proxy: id, why: why(set) });
  return [
    ...(isEmpty(arriving(ranges, proxy)) ? [report('client', ranges, ['ipRanges'])] : []),
    ...(clientIp.kind !== 'direct' && isEmpty(intersect(clientIp.trusted, connecting(proxy)))
      ? [report('load balancer', clientIp.trusted, ['clientIp', 'trustedProxies'])]
      : []),
    ...(health && isEmpty(arriving(health.ranges, proxy))
      ? [report('health check', health.ranges, ['health', 'from'])]
      : []),
  ];
}

/** Reports a public origin under a name that the proxy does not answer to: its own links would be refused. */
function foreignNames({ publicUrl, hosts, id, origin }: Proxy): Diagnostic[] {
  const host = publicUrl === undefined ? undefined : new URL(publicUrl).hostname;
  if (host === undefined || hosts.length === 0 || hosts.includes(host)) return [];
  return [ruleCodes.report('foreign-public-url', [...origin, 'publicUrl'], { proxy: id, host, hosts })];
}

function keyedGroups({ routes }: Proxy): Set<string> {
  return new Set(routes.filter((route) => route.forwarding.auth === 'apiKey').map((route) => route.group));
}

/**
 * Reports proxies, groups and keys that no caller can use, because addresses or routes of keys and proxies never meet.
 */
export function unreachable({ proxies, apiKeys }: Policy): Diagnostic[] {
  const admitted = (key: ApiKey, proxy: Proxy) =>
    key.ranges === undefined || !isEmpty(arriving(intersect(key.ranges, proxy.ranges), proxy));
  const served = new Map(proxies.map((proxy) => [proxy, keyedGroups(proxy)]));
  const reached = (proxy: Proxy, group: string) =>
    apiKeys.some((key) => key.groups.includes(group) && admitted(key, proxy));
  const idle = proxies.filter((proxy) => {
    const groups = served.get(proxy) ?? new Set();
    const isKeyed = groups.size > 0 && proxy.routes.every(({ forwarding }) => forwarding.auth === 'apiKey');
    return isKeyed && ![...groups].some((group) => reached(proxy, group));
  });
  const groups = new Set([...served].flatMap(([proxy, own]) => (idle.includes(proxy) ? [] : [...own])));
  const lonely = [...groups].filter(
    (group) => !proxies.some((proxy) => served.get(proxy)?.has(group) && reached(proxy, group)),
  );
  const homeless = apiKeys.flatMap((key) => {
    const serving = proxies.filter((proxy) => key.groups.some((group) => served.get(proxy)?.has(group)));
    return serving.length === 0 || serving.some((proxy) => admitted(key, proxy)) ? [] : [{ key, serving }];
  });
  return [
    ...proxies.flatMap((proxy) => [...strangers(proxy), ...foreignNames(proxy)]),
    ...idle.map(({ id, origin }) => ruleCodes.report('unreachable-proxy', origin, { proxy: id }, { part: 'key' })),
    ...lonely.map((group) => ruleCodes.report('unreachable-group', ['routes', group], { group }, { part: 'key' })),
    ...homeless.map(({ key, serving }) =>
      ruleCodes.report(
        'unreachable-key',
        [...key.origin, 'ipRanges'],
        { key: key.id },
        { related: serving.map(({ origin }) => ({ at: [...origin, 'ipRanges'], message: 'addresses of the proxy' })) },
      ),
    ),
  ];
}
