import { type Token, token, unquotable } from '../../render/token.ts';

export type CaddyToken = Token<'caddy'>;

/** A word that needs no quotes: no character of it means anything to the Caddyfile's lexer. */
export function bareWord(text: string): CaddyToken {
  if (!/^[A-Za-z0-9:[][A-Za-z0-9@_.,:/=|+~[\]-]*$/.test(text)) throw unquotable('not a plain word', text);
  return token('caddy', text);
}

/** `{name}`, to be filled in for each request. */
export function placeholder(name: string): CaddyToken {
  if (!/^[A-Za-z][A-Za-z0-9_.-]*$/.test(name)) throw unquotable('not the name of a placeholder', name);
  return token('caddy', `{${name}}`);
}

/**
 * A text as one argument that Caddy reads back exactly, always in quotes, because outside of them `00123`
 * would become a number. `undefined` where the Caddyfile cannot hold it: `{$` is replaced even in quotes, and
 * a lone brace is a brace even in quotes. Placeholders in it keep their meaning; see `escapedBraces`.
 */
export function quoted(text: string): CaddyToken | undefined {
  // Line ends would be legal in quotes, but then no line of the file could be looked at by itself.
  if (/[\p{Cc}\u2028\u2029]/u.test(text) || !text.isWellFormed()) return undefined;
  if (text.includes('{$') || text === '{' || text === '}') return undefined;
  // `caddy fmt` joins a line that starts with a backtick to the one before it: there, text has no double quote.
  if (text.includes('"') && !/`|\\$/.test(text)) return token('caddy', `\`${text}\``);
  // In double quotes \" is the one escape there is, so an odd backslash before a quote or the end has no spelling.
  if (!/(?<!\\)(?:\\\\)*\\(?:"|$)/.test(text)) return token('caddy', `"${text.replaceAll('"', '\\"')}"`);
  return text.includes('`') ? undefined : token('caddy', `\`${text}\``);
}

/** The same for arguments in which Caddy fills in placeholders: braces of the text stay braces. */
export function escapedBraces(text: string): CaddyToken | undefined {
  return quoted(text.replace(/[{}]/g, '\\$&'));
}

/** A text of our own making, which is quotable or we made a mistake. */
export function trustedText(text: string): CaddyToken {
  const made = quoted(text);
  if (!made) throw unquotable('not quotable', text);
  return made;
}

/** A text of the user in a comment. Caddy fills in "{$NAME}" there too, before it looks for comments, and a value with a line end would end it. */
export function remark(text: string): CaddyToken {
  return token(
    'caddy',
    text
      .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
      .replaceAll('{$', '{ $')
      .trim(),
  );
}
