import { type Token, token, unquotable } from '../../render/token.ts';

export type NginxToken = Token<'nginx'>;

/** A variable of nginx, by name without the "$". */
export interface Variable {
  readonly variable: string;
}

/**
 * A piece of a value: text or a variable. The two are kept apart so that a "$" in a user's text is never read as the
 * start of a variable.
 */
export type Part = string | Variable;

/**
 * Bytes of the longest text of a user. nginx reads a token into 4,096 bytes and does not start with a longer one; the
 * difference is for the quotes and for what a model puts in front of the text.
 */
export const LONGEST_TOKEN = 3_900;

/** The variable that holds a dollar sign: nginx has no escape for one where variables expand. */
export const DOLLAR = 'dollar';

export function variable(name: string): Variable {
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) throw unquotable('not the name of a variable', name);
  return { variable: name };
}

/**
 * Returns a quoted token in which nginx expands variables: values and sources of maps, values of headers, bodies of
 * `return`.
 */
export function value(...parts: readonly Part[]): NginxToken {
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'object') return token('nginx', `$${only.variable}`);
  const text = parts.map((part) =>
    typeof part === 'string' ? escape(part).replaceAll('$', `\${${DOLLAR}}`) : `\${${part.variable}}`,
  );
  return quoted(text.join(''));
}

/** Returns a quoted token in which "$" is an ordinary character: keys of maps, regular expressions, paths of files. */
export function literal(text: string): NginxToken {
  return quoted(escape(text));
}

/**
 * Returns a key of a map. A backslash precedes a key that nginx would read as a parameter (`default`), an expression
 * (`~…`) or an escape (`\…`).
 */
export function mapKey(text: string): NginxToken {
  return literal(/^(?:default|hostnames|include|volatile)$|^[~\\]/.test(text) ? `\\${text}` : text);
}

/** Returns a case-sensitive regular expression as a key of a map. */
export function pattern(source: string): NginxToken {
  return literal(`~${source}`);
}

/** Returns a word that needs no quotes: a name, a number, an address. */
export function bareWord(text: string | number): NginxToken {
  const plain = String(text);
  if (!/^[A-Za-z0-9_.:/[\]@+~=*-]+$/.test(plain)) throw unquotable('not a plain word of nginx', plain);
  return token('nginx', plain);
}

/** Characters of the longest comment: nginx reads a directive, with the comments before it, into one buffer. */
const LONGEST_COMMENT = 300;

/** Returns a comment of one line. */
export function comment(text: string): NginxToken {
  const plain = text.replace(/\s+/g, ' ').replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '?');
  const characters = [...plain];
  const short = characters.length > LONGEST_COMMENT ? `${characters.slice(0, LONGEST_COMMENT).join('')}…` : plain;
  return token('nginx', `# ${short}`.trimEnd());
}

/** Returns why a text cannot be written as one token; `undefined` where it can. */
export function textProblem(text: string): string | undefined {
  // Line ends and tabs have escapes; for the rest nginx has none, and its C strings end at NUL.
  if (/[^\P{Cc}\n\r\t]/u.test(text)) return 'holds a control character';
  if (!text.isWellFormed()) return 'holds half of a surrogate pair';
  const length = Buffer.byteLength(escape(text).replaceAll('$', `\${${DOLLAR}}`));
  return length > LONGEST_TOKEN ? 'is too long' : undefined;
}

function quoted(escaped: string): NginxToken {
  if (Buffer.byteLength(escaped) > 4_094) throw unquotable('too long for a token of nginx', escaped);
  return token('nginx', `"${escaped}"`);
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escape(text: string): string {
  return text.replace(/[\\"\n\r\t]/g, (character) => ESCAPES[character] ?? character);
}
