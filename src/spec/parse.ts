import { type Diagnostic, failed, ok, type Result } from '../diagnostics/diagnostic.ts';
import type { LocatedDocument } from '../source/span.ts';
import { explainIssues, SILENT } from './issues.ts';
import type { Spec, specSchema } from './schema.ts';

/** A document → what the user may write; or all that does not fit, in the order of the text. */
export function parseSpec(document: LocatedDocument, schema: ReturnType<typeof specSchema>): Result<Spec> {
  const { value } = document;
  const parsed = schema.safeParse(value, SILENT);
  if (parsed.success) return ok(parsed.data);
  const diagnostics = explainIssues(parsed.error.issues, { schema, value, at: [] });
  return failed(inTextOrder(diagnostics, document));
}

function inTextOrder(diagnostics: readonly Diagnostic[], document: LocatedDocument): Diagnostic[] {
  const placed = diagnostics.map((diagnostic) => ({
    diagnostic,
    start: document.locate(diagnostic.at, diagnostic.part).start,
  }));
  return placed.sort((a, b) => a.start - b.start).map(({ diagnostic }) => diagnostic);
}
