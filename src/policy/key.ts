import type { RegexFlavour } from './segment.ts';
import type { Proxy } from './types.ts';

export const KEY_MIN_LENGTH = 20;
export const KEY_MAX_LENGTH = 128;

/** Source, without anchors, of what a key looks like: RFC 6750 token characters, 20 to 128 of them. */
export function keySource(flavour: RegexFlavour = 'portable'): string {
  return `[A-Za-z0-9._~+/=-]{${KEY_MIN_LENGTH},${KEY_MAX_LENGTH}}${flavour === 'possessive' ? '+' : ''}`;
}

const KEY = new RegExp(`^${keySource()}$`);

export function isKeyShaped(text: string): boolean {
  return KEY.test(text);
}

/** What a header holds that carries a key or a token: with the scheme before it, where there is one. */
export function credentialText(scheme: string | undefined, value: string): string {
  return scheme === undefined ? value : `${scheme} ${value}`;
}

/** What `WWW-Authenticate` says of a missing key (RFC 9110 §11.6.1); absent where no scheme has a name for it. */
export function challengeOf({ id, apiKeyScheme }: Pick<Proxy, 'id' | 'apiKeyScheme'>): string | undefined {
  return apiKeyScheme && `${apiKeyScheme} realm="${id}"`;
}

/**
 * The credential in the values of a header, in the order they were sent: what stands before the first comma, without
 * blanks after it. Engines that join repeated headers do so with commas, some without trimming what they join, and
 * one (nginx before 1.23) sees only the first, so this reading is the one that all of them can share.
 */
export function credentialIn(values: readonly string[]): string {
  return (values[0] ?? '').split(',', 1)[0]?.replace(/[ \t]+$/, '') ?? '';
}
