/** A directive of nginx; `block` where braces follow its arguments. */
export interface NginxDirective {
  readonly name: string;
  readonly args: readonly string[];
  readonly block?: readonly NginxDirective[];
}

export interface NginxProblem {
  readonly problem: string;
}

// As nginx's own lexer: quotes count at the start of a word only, `${` does not open a block.
const TOKEN =
  /\s+|#[^\n]*|"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|([{};])|((?:\$\{|\\[\s\S]|[^\s;{}\\"'])(?:\$\{|\\[\s\S]|[^\s;{\\])*)/gy;

interface Token {
  readonly text: string;
  readonly sign: boolean;
  readonly start: number;
}

function tokensOf(text: string): { readonly tokens: readonly Token[]; readonly end: number } {
  const tokens: Token[] = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const start = match.index;
    end = start + match[0].length;
    const [, double, single, sign, plain] = match;
    if (sign !== undefined) tokens.push({ text: sign, sign: true, start });
    const word = double ?? single ?? plain;
    if (word !== undefined) tokens.push({ text: unescaped(word), sign: false, start });
  }
  return { tokens, end };
}

/** Only these escapes mean something to nginx; of all others the backslash stays. */
function unescaped(text: string): string {
  return text.replace(/\\(["'\\ \t\r\n;{}])/g, '$1');
}

/**
 * Reads configuration as far as comparing needs it: comments, blanks and the kind of quotes are gone afterwards.
 * A problem names a line and never quotes it, because it may hold a key.
 */
export function parseNginx(text: string): readonly NginxDirective[] | NginxProblem {
  const { tokens, end } = tokensOf(text);
  const at = (offset: number, problem: string): NginxProblem => ({
    problem: `line ${text.slice(0, offset).split('\n').length} ${problem}`,
  });
  if (end < text.length) return at(end, 'breaks off inside of a word');
  const stack: NginxDirective[][] = [[]];
  const heads: string[][] = [];
  let words: string[] = [];
  for (const { text: word, sign, start } of tokens) {
    if (!sign) words.push(word);
    else if (word === ';') {
      const [name, ...args] = words;
      if (name !== undefined) stack.at(-1)?.push({ name, args });
      words = [];
    } else if (word === '{') {
      heads.push(words);
      stack.push([]);
      words = [];
    } else {
      const [name = '', ...args] = heads.pop() ?? [];
      const block = stack.pop() ?? [];
      if (stack.length === 0) return at(start, 'closes a block that is not open');
      if (words.length > 0) return at(start, 'ends a block after a directive without ";"');
      stack.at(-1)?.push({ name, args, block });
    }
  }
  if (heads.length > 0) return at(end, 'is the last, inside of a block that is never closed');
  return words.length > 0 ? at(end, 'is the last, in the middle of a directive') : (stack[0] ?? []);
}
