import { createHash } from 'node:crypto';

/** The first hexadecimal digits of a SHA-256: tells texts apart whose names were cut, or folded to one case. */
export function fingerprint(text: string, digits = 16): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}

/** A name that people can still read; where it is longer, its beginning and what tells it from others of that beginning. */
export function shortened(name: string, longest: number): string {
  return name.length <= longest ? name : `${name.slice(0, longest)}-${fingerprint(name)}`;
}
