/**
 * Formats a Caddyfile as `caddy fmt` does: indented by braces, with single blank lines. No argument holds a line end,
 * so a line that ends in "{" opens a block and a line "}" closes one, whichever template it comes from.
 */
export function formatCaddyfile(text: string): string {
  const lines: string[] = [];
  let depth = 0;
  for (const line of text.split('\n')) {
    const content = line.trim();
    const last = lines.at(-1);
    if (content === '' && (last === undefined || last === '' || opensBlock(last))) continue;
    if (content === '}') {
      depth -= 1;
      if (last === '') lines.pop();
    }
    lines.push(content === '' ? '' : '\t'.repeat(depth) + content);
    if (opensBlock(content)) depth += 1;
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function opensBlock(line: string): boolean {
  return /(?:^|\s)\{$/.test(line) && !/^\s*#/.test(line);
}
