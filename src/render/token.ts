const brand: unique symbol = Symbol('token');

/**
 * A piece of text that a target has made safe for that target's language. Templates print nothing else, so
 * a string of the user's cannot reach a file by accident; `token` is the only way to make one.
 */
export interface Token<T extends string = string> {
  readonly [brand]: true;
  readonly target: T;
  readonly text: string;
  toString(): string;
}

/** To be called below `src/targets` alone, by what quotes for one language. */
export function token<T extends string>(target: T, text: string): Token<T> {
  return { [brand]: true, target, text, toString: textOf };
}

export function isToken(value: unknown): value is Token {
  return typeof value === 'object' && value !== null && brand in value;
}

/** A bug: a text that a target cannot write should have been refused before. It may be a secret, so it is not shown. */
export function unquotable(what: string, text: string): Error {
  return new Error(`${what}: a text of ${text.length} characters, which is not shown`);
}

function textOf(this: Token): string {
  return this.text;
}
