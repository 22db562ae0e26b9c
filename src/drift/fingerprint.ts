import { createHash, createHmac } from 'node:crypto';

/** Shows a value that may be a secret as a name for it: the same value has the same name, and that is all it tells. */
export type Fingerprint = (value: string) => string;

/**
 * Keyed by the whole live text, which whoever reads the output does not have: a short secret cannot be found by
 * trying, neither its length nor a part of it shows, and the same input still makes the same output.
 */
export function fingerprintFor(live: string): Fingerprint {
  const key = createHash('sha256').update('postern live').update(live).digest();
  return (value) => `<hidden:${createHmac('sha256', key).update(value).digest('hex').slice(0, 8)}>`;
}
