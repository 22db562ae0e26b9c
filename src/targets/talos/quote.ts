import { type Token, token } from '../../render/token.ts';

export type TalosToken = Token<'talos'>;

/** A double-quoted string of YAML, which for ASCII is one of JSON. */
export function quoted(text: string): TalosToken {
  if (/[^\x20-\x7e]/.test(text)) throw new Error(`not a single line of ASCII: ${JSON.stringify(text)}`);
  return token('talos', JSON.stringify(text));
}
