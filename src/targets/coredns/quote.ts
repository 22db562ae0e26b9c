import { type Token, token, unquotable } from '../../render/token.ts';

export type CorednsToken = Token<'coredns'>;

/** The words of a rule: names of the policy with the dot of the root, and expressions that are made of them. */
export function ruleWords(words: readonly string[]): CorednsToken {
  const text = words.join(' ');
  // No quotes, braces of their own, comments or variables, neither here nor in the double quotes of YAML.
  if (!/^[a-z0-9 .^$|()[\]+?:-]+(?:\{1\}[a-z0-9.-]+)?(?: answer auto)?$/.test(text))
    throw unquotable('not a rule', text);
  return token('coredns', text);
}

/** What a server block answers for. Without a port it is the one of `-dns.port`, 53 by default. */
export function zone(name: string, port?: number): CorednsToken {
  const colon = port === undefined ? '' : `:${port}`;
  return token('coredns', `${name === '.' ? name : plain(name)}${colon}`);
}

/** An address, an address with port, or an absolute path, as the options' schema lets it pass. */
export function argument(text: string): CorednsToken {
  // Nothing that the Corefile's lexer takes for more than a character: blanks, quotes, braces, comments, variables.
  if (!/^[A-Za-z0-9./:_%@[\]-]+$/.test(text)) throw unquotable('not a plain Corefile argument', text);
  return token('coredns', text);
}

/** Whether kubectl would show a literal block with this line as one: with a blank at its end or a tab, it would not. */
export function isLiteral(line: string): boolean {
  return !/[^\x20-\x7e]| $/.test(line);
}

/** One line of a text that stands in a YAML literal block, where only line ends and tabs need care. */
export function literalLine(text: string): CorednsToken {
  if (!isLiteral(text)) throw unquotable('not a line of a literal block', text);
  return token('coredns', text);
}

function plain(name: string): string {
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(name)) throw unquotable('not a name of the policy', name);
  return name;
}
