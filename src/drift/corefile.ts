/** One directive with its arguments and, in braces, what belongs to it. */
export interface CorefileDirective {
  readonly words: readonly string[];
  readonly body: readonly (readonly string[])[];
}

export interface ServerBlock {
  readonly keys: readonly string[];
  readonly directives: readonly CorefileDirective[];
}

export interface CorefileProblem {
  readonly problem: string;
}

/** Lines of words; a brace that stands alone is a word, as in CoreDNS's own lexer. */
function linesOf(text: string): string[][] | CorefileProblem {
  const lines: string[][] = [[]];
  const token = /(\n)|[ \t\r]+|#[^\n]*|"((?:[^"\\]|\\[\s\S])*)"|([^\s"][^\s]*)|(")/gy;
  for (const match of text.matchAll(token)) {
    const [, newline, quoted, plain, open] = match;
    if (open !== undefined) return { problem: 'it ends inside a quoted text' };
    if (newline !== undefined) lines.push([]);
    else if (quoted !== undefined) lines.at(-1)?.push(quoted.replaceAll('\\"', '"'));
    else if (plain !== undefined) lines.at(-1)?.push(plain);
  }
  return lines.filter((line) => line.length > 0);
}

/** Reads a Corefile as far as comparing needs it; snippets are blocks whose key is in parentheses. */
export function parseCorefile(text: string): ServerBlock[] | CorefileProblem {
  const lines = linesOf(text);
  if (!Array.isArray(lines)) return lines;
  const blocks: ServerBlock[] = [];
  let keys: string[] = [];
  let directives: CorefileDirective[] | undefined;
  let body: string[][] | undefined;
  for (const words of lines) {
    if (words.some((word) => word.endsWith(';')))
      return { problem: `"${words[0]} …" ends in ";", which no Corefile does` };
    const opens = words.at(-1) === '{';
    const rest = opens ? words.slice(0, -1) : words;
    if (words.length === 1 && words[0] === '}') {
      if (!directives) return { problem: 'it closes a block that was never opened' };
      if (body) body = undefined;
      else {
        blocks.push({ keys, directives });
        [keys, directives] = [[], undefined];
      }
    } else if (!directives) {
      keys.push(...rest.map((key) => key.replace(/,$/, '')).filter((key) => key !== ''));
      if (opens) directives = [];
    } else if (body) {
      if (opens) return { problem: `"${rest.join(' ')}" opens a third level of braces` };
      body.push(rest);
    } else {
      const inner: string[][] = [];
      directives.push({ words: rest, body: inner });
      if (opens) body = inner;
    }
  }
  if (directives || keys.length > 0) return { problem: 'it ends in the middle of a server block' };
  return blocks.length > 0 ? blocks : { problem: 'it holds no server block' };
}
