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
}

function tokensOf(text: string): Token[] | NginxProblem {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    end = match.index + match[0].length;
    const [, double, single, sign, plain] = match;
    if (sign !== undefined) tokens.push({ text: sign, sign: true });
    else if (double !== undefined || single !== undefined)
      tokens.push({ text: unescaped(double ?? single ?? ''), sign: false });
    else if (plain !== undefined) tokens.push({ text: unescaped(plain), sign: false });
  }
  return end === text.length
    ? tokens
    : { problem: `it breaks off in the word that starts ${JSON.stringify(text.slice(end, end + 12))}` };
}

/** Only these escapes mean something to nginx; of all others the backslash stays. */
function unescaped(text: string): string {
  return text.replace(/\\(["'\\ \t\r\n;{}])/g, '$1');
}

/** Reads configuration as far as comparing needs it: comments, blanks and the kind of quotes are gone afterwards. */
export function parseNginx(text: string): readonly NginxDirective[] | NginxProblem {
  const tokens = tokensOf(text);
  if ('problem' in tokens) return tokens;
  const stack: NginxDirective[][] = [[]];
  const heads: string[][] = [];
  let words: string[] = [];
  for (const { text: word, sign } of tokens) {
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
      if (stack.length === 0) return { problem: 'it closes a block that is not open' };
      if (words.length > 0) return { problem: `"${words[0]} …" has no ";"` };
      stack.at(-1)?.push({ name, args, block });
    }
  }
  if (heads.length > 0) return { problem: `it ends inside of "${heads.at(-1)?.slice(0, 2).join(' ')} {"` };
  if (words.length > 0) return { problem: `it ends in the middle of "${words[0]} …"` };
  return stack[0] ?? [];
}
