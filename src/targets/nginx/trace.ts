import type { Run } from '../../prove/explore.ts';
import type { FilePlace, Trace } from '../../prove/model.ts';
import type { Configuration, RowPlace, Template } from './tables.ts';

/** What a run asks when it looks for the row of a table, see `Meaning`. */
export function rowQuestion(table: string): string {
  return `row of $${table}`;
}

/** Which rows a run has come to. Answers are noted as they are found, so that a table stands behind those that it asked. */
export function traceOf({ notes }: Run, { tables }: Configuration): Trace {
  const asked = [...notes.keys()].flatMap((question) => (question.startsWith('$') ? [question.slice(1)] : []));
  const found = asked.filter((name) => tables.has(name));
  const taken = found.flatMap((table) => {
    // Only this question is answered so.
    const row = notes.get(rowQuestion(table)) as Template | undefined;
    const place = row && tables.get(table)?.places.get(row);
    const [only, ...others] = row ?? [];
    const leadsTo = typeof only === 'object' && others.length === 0 ? only.variable : undefined;
    return place ? [{ table, place: shown(place), leadsTo }] : [];
  });
  return { tables: found, taken };
}

export function rowsOf(names: Iterable<string>, { tables }: Configuration): readonly FilePlace[] {
  return [...names].flatMap((name) => [...(tables.get(name)?.places.values() ?? [])].map(shown));
}

function shown({ file, line }: RowPlace): FilePlace {
  return { file, line, what: 'a row' };
}
