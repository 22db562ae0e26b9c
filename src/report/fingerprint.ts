import { createHash } from 'node:crypto';
import type { Finding } from './sheet.ts';

/**
 * One name for each finding that stays when lines move, so that a platform knows what is new and what was
 * there before: made of code, file and words, and for the second of the same kind of a number.
 */
export function fingerprints(findings: readonly Finding[]): string[] {
  const seen = new Map<string, number>();
  return findings.map(({ code, place, message }) => {
    const identity = JSON.stringify([code, place?.file ?? '', message]);
    const count = seen.get(identity) ?? 0;
    seen.set(identity, count + 1);
    return createHash('sha256')
      .update(`${identity}${count === 0 ? '' : ` ${count}`}`)
      .digest('hex')
      .slice(0, 32);
  });
}
