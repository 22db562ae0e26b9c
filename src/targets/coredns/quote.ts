import { type Token, token, unquotable } from '../../render/token.ts';

export type CorednsToken = Token<'coredns'>;

/** Returns the words of a rule: names with the dot of the root, and expressions made of them. */
export function ruleWords(words: readonly string[]): CorednsToken {
  const text = words.join(' ');
  // Neither a Corefile nor a YAML string in double quotes reads anything special into these characters.
  if (!/^[a-z0-9 .^$|()[\]+?:-]+(?:\{1\}[a-z0-9.-]+)?(?: answer auto)?$/.test(text))
    throw unquotable('not a rule', text);
  return token('coredns', text);
}

/** Returns a zone of a server block. Without a port it is that of `-dns.port`, 53 by default. */
export function zone(name: string, port?: number): CorednsToken {
  const colon = port === undefined ? '' : `:${port}`;
  return token('coredns', `${name === '.' ? name : plain(name)}${colon}`);
}

/** Returns an address, an address with a port, or an absolute path; the schema of the options has checked it. */
export function argument(text: string): CorednsToken {
  // None of these characters means anything to the lexer of the Corefile.
  if (!/^[A-Za-z0-9./:_%@[\]-]+$/.test(text)) throw unquotable('not a plain Corefile argument', text);
  return token('coredns', text);
}

/**
 * Returns whether kubectl prints a text with this line as a literal block: it does not where a line ends with a blank
 * or holds a tab.
 */
export function isLiteral(line: string): boolean {
  return !/[^\x20-\x7e]| $/.test(line);
}

/** Returns one line of a text in a YAML literal block. */
export function literalLine(text: string): CorednsToken {
  if (!isLiteral(text)) throw unquotable('not a line of a literal block', text);
  return token('coredns', text);
}

function plain(name: string): string {
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(name)) throw unquotable('not a name of the policy', name);
  return name;
}
