import type { CodeDefinition } from './codes.ts';
import type { Severity } from './diagnostic.ts';

/** The codes of one area, whatever their parameters. */
export interface Area {
  readonly area: string;
  readonly table: Readonly<Record<string, Pick<CodeDefinition<never>, 'severity'>>>;
}

export interface CatalogEntry {
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
