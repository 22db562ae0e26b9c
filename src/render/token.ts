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

function textOf(this: Token): string {
  return this.text;
}
