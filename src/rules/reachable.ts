import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { intersect, isEmpty } from '../policy/cidr.ts';
import type { ApiKey, Policy, Proxy } from '../policy/types.ts';
import { ruleCodes } from './codes.ts';

function keyedGroups({ routes }: Proxy): Set<string> {
  return new Set(routes.filter((route) => route.forwarding.auth === 'apiKey').map((route) => route.group));
}

/**
 * Reports proxies, groups and keys that no caller can use, because addresses or routes of keys and proxies never meet.
 */
export function unreachable({ proxies, apiKeys }: Policy): Diagnostic[] {
  const admitted = (key: ApiKey, proxy: Proxy) =>
    key.ranges === undefined || !isEmpty(intersect(key.ranges, proxy.ranges));
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
