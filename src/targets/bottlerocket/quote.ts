import { type Token, token } from '../../render/token.ts';

export type BottlerocketToken = Token<'bottlerocket'>;

/** A string of TOML, and of JSON and YAML too: all three read these escapes alike. */
export function quoted(text: string): BottlerocketToken {
  // Settings are single lines to Bottlerocket, and one value it does not take makes a node refuse all of its user data.
  if (/[^\x20-\x7e]/.test(text)) throw new Error(`not a single line of ASCII: ${JSON.stringify(text)}`);
  return token('bottlerocket', JSON.stringify(text));
}

/** A key that needs no quotes. */
export function bareKey(text: string): BottlerocketToken {
  if (!/^[A-Za-z0-9-]+$/.test(text)) throw new Error(`not a bare key: ${JSON.stringify(text)}`);
  return token('bottlerocket', text);
}

/** One line of user data that stands in a YAML literal block. */
export function literalLine(text: string): BottlerocketToken {
  if (/[\p{Cc}\u0085\u2028\u2029\ufeff]/u.test(text.replaceAll('\t', ' ')))
    throw new Error(`not a line: ${JSON.stringify(text)}`);
  return token('bottlerocket', text);
}
