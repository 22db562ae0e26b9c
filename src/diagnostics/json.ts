import type { Diagnostic } from './diagnostic.ts';
import { type Location, type Locator, resolveDiagnostics } from './resolve.ts';

/** Lines and columns from 1, columns in code points; the end is just behind the last character. */
export interface JsonPlace {
  readonly file: string | null;
  readonly line: number | null;
  readonly col: number | null;
  readonly endLine: number | null;
  readonly endCol: number | null;
}

/** A stable contract: keys are added, never renamed, and all of them are always there. */
export interface JsonDiagnostic extends JsonPlace {
  readonly severity: Diagnostic['severity'];
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly related: readonly (JsonPlace & { readonly message: string })[];
}

/** For machines: every diagnostic, in the order of the human form. */
export function jsonDiagnostics(diagnostics: readonly Diagnostic[], locator: Locator | undefined): JsonDiagnostic[] {
  return resolveDiagnostics(diagnostics, locator).map(({ location, severity, code, message, hint, related }) => ({
    ...jsonPlace(location),
    severity,
    code,
    message,
    hint: hint ?? null,
    related: related.map((other) => ({ ...jsonPlace(other.location), message: other.message })),
  }));
}

function jsonPlace(location: Location | undefined): JsonPlace {
  return {
    file: location?.file ?? null,
    line: location?.from.line ?? null,
    col: location?.from.column ?? null,
    endLine: location?.to.line ?? null,
    endCol: location?.to.column ?? null,
  };
}
