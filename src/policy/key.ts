import type { RegexFlavour } from './segment.ts';
import type { Proxy } from './types.ts';

export const KEY_MIN_LENGTH = 20;
export const KEY_MAX_LENGTH = 128;

/** Returns the source, without anchors, of the form of a key: RFC 6750 token characters, 20 to 128 of them. */
export function keySource(flavour: RegexFlavour = 'portable'): string {
  return `[A-Za-z0-9._~+/=-]{${KEY_MIN_LENGTH},${KEY_MAX_LENGTH}}${flavour === 'possessive' ? '+' : ''}`;
}

const KEY = new RegExp(`^${keySource()}$`);

export function isKeyShaped(text: string): boolean {
  return KEY.test(text);
}

/** Returns the value of a header with a key or a token: `Bearer abc`, or `abc` without a scheme. */
export function credentialText(scheme: string | undefined, value: string): string {
  return scheme === undefined ? value : `${scheme} ${value}`;
}

/** Returns the value of `WWW-Authenticate` for a missing key (RFC 9110 §11.6.1); `undefined` without a scheme. */
export function challengeOf({ id, apiKeyScheme }: Pick<Proxy, 'id' | 'apiKeyScheme'>): string | undefined {
  return apiKeyScheme && `${apiKeyScheme} realm="${id}"`;
}

/**
 * Returns the credential in the values of a header: the text of the first value up to the first comma, without blanks
 * at its end. Engines join repeated headers with commas, some without trimming, and nginx before 1.23 sees only the
 * first value, so this is the one reading that all engines can share.
 */
export function credentialIn(values: readonly string[]): string {
  return (values[0] ?? '').split(',', 1)[0]?.replace(/[ \t]+$/, '') ?? '';
}
