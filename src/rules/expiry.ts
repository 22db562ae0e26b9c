import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Policy } from '../policy/types.ts';
import { ruleCodes } from './codes.ts';

const FOURTEEN_DAYS = 14 * 24 * 3600;

/**
 * Keys that have stopped or are about to.
 * @param now seconds since the epoch
 */
export function expiry(policy: Policy, now: number): Diagnostic[] {
  return policy.apiKeys.flatMap((key) => {
    if (key.expires === undefined || key.expires > now + FOURTEEN_DAYS) return [];
    const expires = new Date(key.expires * 1000).toISOString().replace('T00:00:00.000Z', '').replace('.000Z', 'Z');
    return ruleCodes.report(key.expires <= now ? 'expired-key' : 'expiring-key', [...key.origin, 'expires'], {
      key: key.id,
      expires,
    });
  });
}
