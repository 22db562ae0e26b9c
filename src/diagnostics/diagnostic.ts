/** Where in the spec something stands: keys and list indexes from the root. */
export type SpecPath = readonly (string | number)[];

/** `error`: no output is made. `warning`: output is made, but somebody should look. `note`: worth a thought. */
export type Severity = 'error' | 'warning' | 'note';

export interface Related {
  readonly at: SpecPath;
  readonly part?: 'key' | 'value';
  readonly message: string;
  /** Set where the position is not that of a path in the spec, as in a diagnostic. */
  readonly place?: TextSpan;
}

/**
 * Something the user should know, as a value. It carries a symbolic place; only the formatters turn
 * that into file, line and column, so that no rule and no target has to know about positions.
 */
export interface Diagnostic {
  /** `area/kebab-name`; the area is the folder that raises it. */
  readonly code: string;
  readonly severity: Severity;
  /** One line, lower case start, no full stop. */
  readonly message: string;
  readonly hint?: string;
  readonly at: SpecPath;
  /** Which half of a mapping entry to underline; the value where absent. */
  readonly part?: 'key' | 'value';
  readonly related?: readonly Related[];
  /** Set where the place is not in the spec itself: a syntax error, or a file that the spec names. */
  readonly place?: TextSpan;
  /** What stands at the place (behind it, where the place is a key) may be a secret, and no output shows it. */
  readonly secret?: boolean;
}

/** A place given by offset (UTF-16 units) into a named text, for what has no path. */
export interface TextSpan {
  readonly file: string;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** `value` is absent exactly when `diagnostics` holds an error. */
export interface Result<T> {
  readonly value?: T;
  readonly diagnostics: readonly Diagnostic[];
}

export function ok<T>(value: T, diagnostics: readonly Diagnostic[] = []): Result<T> {
  return { value, diagnostics };
}

export function failed(diagnostics: readonly Diagnostic[]): Result<never> {
  return { diagnostics };
}

/** A result that keeps its value only if no diagnostic is an error. */
export function resultOf<T>(value: T, diagnostics: readonly Diagnostic[]): Result<T> {
  return hasError(diagnostics) ? { diagnostics } : { value, diagnostics };
}

export function hasError(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}
