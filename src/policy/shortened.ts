import { createHash } from 'node:crypto';

/**
 * The first hexadecimal digits of a text's SHA-256. They tell texts apart whose names were cut or folded to one case.
 */
export function fingerprint(text: string, digits = 16): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

/** A name of at most `longest` characters as it is; of a longer one the beginning, and a fingerprint of the whole. */
export function shortened(name: string, longest: number): string {
  return name.length <= longest ? name : `${name.slice(0, longest)}-${fingerprint(name)}`;
}
