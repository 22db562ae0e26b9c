import { createHash } from 'node:crypto';

/**
 * Returns the first hexadecimal digits of a text's SHA-256. They tell texts apart after names were cut or converted to
 * one case.
 */
export function fingerprint(text: string, digits = 16): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

/**
 * Returns a name of at most `longest` characters unchanged; for a longer one, its beginning and a fingerprint of the
 * whole.
 */
export function shortened(name: string, longest: number): string {
  return name.length <= longest ? name : `${name.slice(0, longest)}-${fingerprint(name)}`;
}
