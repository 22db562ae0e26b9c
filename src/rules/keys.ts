import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { isEverybody } from '../policy/cidr.ts';
import type { ApiKey, Policy } from '../policy/types.ts';
import { issuerOf } from '../policy/vaultTokens.ts';
import { ruleCodes } from './codes.ts';

/** Reports keys that are hard to revoke in time: without an expiry or an owner, shared, or valid from anywhere. */
export function keys(policy: Policy): Diagnostic[] {
  return [...policy.apiKeys.flatMap(oneKey), ...fromAnywhere(policy), ...sharedTokens(policy)];
}

function oneKey({ id, keys: references, expires, owner, origin }: ApiKey): Diagnostic[] {
  const key = { key: id };
  const name = { part: 'key' as const };
  return [
    ...(expires === undefined ? [ruleCodes.report('endless-key', origin, key, name)] : []),
    ...(owner === undefined ? [ruleCodes.report('ownerless-key', origin, key, name)] : []),
    ...(references.length > 1 ? [ruleCodes.report('half-rotated', [...origin, 'key'], key)] : []),
  ];
}

function fromAnywhere({ apiKeys, proxies }: Policy): Diagnostic[] {
  const open = proxies.filter(({ ranges }) => isEverybody(ranges));
  return apiKeys.flatMap(({ id, groups, ranges, origin }) => {
    const proxy = open.find((one) => one.groups.some((group) => groups.includes(group)));
    if (!proxy || (ranges && !isEverybody(ranges))) return [];
    const related = [{ at: [...proxy.origin, 'ipRanges'], message: 'which admits every address' }];
    return ruleCodes.report('key-from-anywhere', origin, { key: id, proxy: proxy.id }, { part: 'key', related });
  });
}

/**
 * Reports tokens that several keys share. A role of a vault issues a token for each reader, so that only stored tokens
 * are shared.
 */
function sharedTokens(policy: Policy): Diagnostic[] {
  const first = new Map<string, ApiKey>();
  return policy.apiKeys.flatMap((key) => {
    const { text, origin } = key.token;
    const other = first.get(text);
    if (!other) first.set(text, key);
    if (!other || issuerOf(policy, text)) return [];
    const related = [{ at: other.token.origin, message: 'sent for this key too' }];
    return ruleCodes.report('shared-token', origin, { key: key.id, other: other.id }, { related });
  });
}
