import { type Token, token } from '../../render/token.ts';

export type K3sToken = Token<'k3sRegistries'>;

/** A double-quoted string of YAML, which for ASCII is one of JSON. */
export function quoted(text: string): K3sToken {
  if (/[^\x20-\x7e]/.test(text)) throw new Error(`not a single line of ASCII: ${JSON.stringify(text)}`);
  return token('k3sRegistries', JSON.stringify(text));
}
