import { type Token, token } from '../../render/token.ts';

export type ContainerdToken = Token<'containerd'>;

/** A basic string of TOML. One value that containerd cannot read makes it ignore the whole file and pull as if there were none. */
export function quoted(text: string): ContainerdToken {
  if (/[^\x20-\x7e]/.test(text)) throw new Error(`not a single line of ASCII: ${JSON.stringify(text)}`);
  return token('containerd', JSON.stringify(text));
}
