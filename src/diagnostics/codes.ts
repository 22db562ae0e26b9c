import type { Diagnostic, Severity, SpecPath } from './diagnostic.ts';

/** What one code always says; `message` gets the parameters that its callers must give. */
interface CodeDefinition<P> {
  readonly severity: Severity;
  readonly message: (params: P) => string;
  readonly advice?: (params: P) => string | undefined;
}

/** A definition that has no hint yet. */
interface WithoutHint<P> extends CodeDefinition<P> {
  hint<const T extends Hint>(hint: T): CodeDefinition<P & ParamsOf<T>>;
}

/** `key "{key}" is missing`, or a function where a parameter is more than a text or a number. */
type Message = string | ((params: never) => string);
type Hint = string | ((params: never) => string | undefined);

type ParamsOf<T> = T extends string
  ? { readonly [K in Placeholder<T>]: string | number }
  : T extends (params: infer P extends object) => unknown
    ? P
    : unknown;

/** The names in a text's braces; `{name*}`, `{a|b}` and `{ file: … }` are spec syntax, not placeholders. */
type Placeholder<T extends string> = T extends `${string}{${infer Rest}`
  ? (Rest extends `${infer Name}}${string}` ? (Name extends NoName ? never : Name) : never) | Placeholder<Rest>
  : never;
type NoName = '' | `${string}${' ' | '*' | ':' | '|' | '{'}${string}`;
const PLACEHOLDER = /\{([^ *:|{}]+)\}/g;

type CodeTable<P> = { readonly [K in keyof P]: CodeDefinition<P[K]> };
type Extra = Partial<Pick<Diagnostic, 'part' | 'related' | 'place' | 'hint' | 'secret'>>;

export interface Codes<P> {
  readonly area: string;
  readonly table: CodeTable<P>;
  /** Makes a diagnostic; a code or a parameter that does not exist does not compile. */
  report<K extends keyof P & string>(code: K, at: SpecPath, params: P[K], extra?: Extra): Diagnostic;
}

/**
 * Declares the codes of one area, beside the code that raises them:
 *
 *     'bad-date': error('"{text}" is not a date of the calendar').hint('write a UTC date such as 2027-06-30'),
 */
export function defineCodes<P>(area: string, table: CodeTable<P>): Codes<P> {
  return {
    area,
    table,
    report(code, at, params, extra = {}) {
      const definition = table[code];
      const hint = definition.advice?.(params);
      return {
        code: `${area}/${code}`,
        severity: definition.severity,
        message: definition.message(params),
        at,
        ...(hint === undefined ? {} : { hint }),
        ...extra,
      };
    },
  };
}

export function error<const T extends Message>(message: T): WithoutHint<ParamsOf<T>> {
  return define('error', message);
}

export function warning<const T extends Message>(message: T): WithoutHint<ParamsOf<T>> {
  return define('warning', message);
}

export function note<const T extends Message>(message: T): WithoutHint<ParamsOf<T>> {
  return define('note', message);
}

function define<P>(severity: Severity, text: Message): WithoutHint<P> {
  const message = filled<P, string>(text);
  return { severity, message, hint: (hint) => ({ severity, message, advice: filled(hint) }) };
}

/** The parameters of a function cannot be checked here; ParamsOf has read them off its type. */
function filled<P, R>(text: string | ((params: never) => R)): (params: P) => R | string {
  if (typeof text === 'function') return text as (params: P) => R;
  return (params) => text.replace(PLACEHOLDER, (_, name: string) => String(params[name as keyof P]));
}

/** The codes of one area, whatever their parameters. */
interface Area {
  readonly area: string;
  readonly table: Readonly<Record<string, Pick<CodeDefinition<never>, 'severity'>>>;
}

interface CatalogEntry {
  readonly code: string;
  readonly severity: Severity;
}

/** All codes of some areas in alphabetical order, for documentation and for the test that each is raised. */
export function catalog(areas: readonly Area[]): CatalogEntry[] {
  const entries = areas.flatMap(({ area, table }) =>
    Object.entries(table).map(([name, { severity }]) => ({ code: `${area}/${name}`, severity })),
  );
  return entries.sort((a, b) => (a.code < b.code ? -1 : 1));
}
