import { type Token, token } from '../../render/token.ts';

export type CrioToken = Token<'crio'>;

/** A basic string of TOML. */
export function quoted(text: string): CrioToken {
  if (/[^\x20-\x7e]/.test(text)) throw new Error(`not a single line of ASCII: ${JSON.stringify(text)}`);
  return token('crio', JSON.stringify(text));
}
