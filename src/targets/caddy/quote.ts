import { type Token, token, unquotable } from '../../render/token.ts';

export type CaddyToken = Token<'caddy'>;

/** Returns a word that needs no quotes: none of its characters means anything to the lexer of the Caddyfile. */
export function bareWord(text: string): CaddyToken {
  if (!/^[A-Za-z0-9:[][A-Za-z0-9@_.,:/=|+~[\]-]*$/.test(text)) throw unquotable('not a plain word', text);
  return token('caddy', text);
}

/** Returns a path for an argument that Caddy reads as one; elsewhere a word with "/" before it is a matcher. */
export function filePath(text: string): CaddyToken {
  if (!/^[A-Za-z0-9._/-]+$/.test(text)) throw unquotable('not a plain path', text);
  return token('caddy', text);
}

/** Returns `{name}`, which Caddy replaces for each request. */
export function placeholder(name: string): CaddyToken {
  if (!/^[A-Za-z][A-Za-z0-9_.-]*$/.test(name)) throw unquotable('not the name of a placeholder', name);
  return token('caddy', `{${name}}`);
}

/**
 * Returns a text as one argument that Caddy reads back exactly. It is always in quotes, because outside of them `00123`
 * becomes a number. `undefined` where the Caddyfile cannot hold the text: `{$` is replaced even in quotes, and a lone
 * brace is a brace even in quotes. Placeholders keep their meaning; see `escapedBraces`.
 */
export function quoted(text: string): CaddyToken | undefined {
  // Line ends are legal in quotes, but then no line of the file could be read by itself.
  if (/[\p{Cc}\u2028\u2029]/u.test(text) || !text.isWellFormed()) return undefined;
  if (text.includes('{$') || text === '{' || text === '}') return undefined;
  // `caddy fmt` joins a line that starts with a backtick to the line before, so backticks are used only for a text with
  // double quotes.
  if (text.includes('"') && !/`|\\$/.test(text)) return token('caddy', `\`${text}\``);
  // In double quotes \" is the only escape, so a text with an odd number of backslashes before a quote or its end
  // cannot be written.
  if (!/(?<!\\)(?:\\\\)*\\(?:"|$)/.test(text)) return token('caddy', `"${text.replaceAll('"', '\\"')}"`);
  return text.includes('`') ? undefined : token('caddy', `\`${text}\``);
}

/** Returns a quoted text for arguments in which Caddy replaces placeholders: braces of the text stay braces. */
export function escapedBraces(text: string): CaddyToken | undefined {
  return quoted(text.replace(/[{}]/g, '\\$&'));
}

/** Returns a quoted text of our own. That it cannot be quoted would be a bug. */
export function trustedText(text: string): CaddyToken {
  const made = quoted(text);
  if (!made) throw unquotable('not quotable', text);
  return made;
}

/**
 * Returns a user's text for a comment. Caddy replaces "{$NAME}" before it looks for comments, and a value with a line
 * end would end the comment.
 */
export function remark(text: string): CaddyToken {
  return token(
    'caddy',
    text
      .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
      .replaceAll('{$', '{ $')
      .trim(),
  );
}
