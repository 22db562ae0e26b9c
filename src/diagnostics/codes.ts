import type { Diagnostic, Severity, SpecPath } from './diagnostic.ts';

/** What one code always says; `message` gets the parameters that its callers must give. */
export interface CodeDefinition<P> {
  readonly severity: Severity;
  readonly message: (params: P) => string;
  readonly hint?: (params: P) => string | undefined;
}

type CodeTable<P> = { readonly [K in keyof P]: CodeDefinition<P[K]> };
type Extra = Partial<Pick<Diagnostic, 'part' | 'related' | 'place' | 'hint' | 'secret'>>;

export interface Codes<P> {
  readonly area: string;
  readonly table: CodeTable<P>;
  /** Makes a diagnostic; a code or a parameter that does not exist does not compile. */
  report<K extends keyof P & string>(code: K, at: SpecPath, params: P[K], extra?: Extra): Diagnostic;
}

/** Declares the codes of one area, beside the code that raises them. */
export function defineCodes<P>(area: string, table: CodeTable<P>): Codes<P> {
  return {
    area,
    table,
    report(code, at, params, extra = {}) {
      const definition = table[code];
      const hint = definition.hint?.(params);
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

/** Types one entry of a code table, so that its parameters are inferred. */
export function code<P>(definition: CodeDefinition<P>): CodeDefinition<P> {
  return definition;
}
