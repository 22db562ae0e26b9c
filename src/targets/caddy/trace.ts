import type { Run } from '../../prove/explore.ts';
import type { FilePlace, TakenRow, Trace } from '../../prove/model.ts';
import type { MapRow, MapTable } from './handlers.ts';
import type { Scope } from './scope.ts';

/** Beginning of what is noted in a run: the row of a table that a request comes to. */
const ROW = 'row of ';

/** A snippet that is imported twice makes two tables of one place. */
function keyOf({ place, name }: MapTable): string {
  return `${place} {${name}}`;
}

/** What is known of a row: `several` means the same text, and which of them it is nobody has asked. */
export type Came = MapRow | 'default' | 'several';

/** Notes that a run has come to a row, where anybody may ask. */
export function noteRow(run: Run, table: MapTable, came: Came, { tables }: Scope): void {
  const key = keyOf(table);
  const output = came === 'default' ? table.fallback : came === 'several' ? '' : came.output;
  const next = /^\{([\w.-]+)\}$/.exec(output)?.[1];
  const target = next === undefined ? undefined : tables.find(({ name }) => name === next);
  const place = came === 'default' ? table.fallbackPlace : came === 'several' ? undefined : came.place;
  const taken = place && { table: key, place: placeOf(place), leadsTo: target && keyOf(target) };
  run.notes.set(`${ROW}${key}`, taken);
}

/** Which rows a run has come to, in this order. */
export function traceOf({ notes }: Run): Trace {
  const found = [...notes].filter(([question]) => question.startsWith(ROW));
  return {
    tables: found.map(([question]) => question.slice(ROW.length)),
    // Only rows are noted so.
    taken: found.flatMap(([, taken]) => (taken as TakenRow | undefined) ?? []),
  };
}

/** All lines of some tables: the rows, and what they look up. */
export function rowsOf(keys: Iterable<string>, tables: readonly MapTable[]): readonly FilePlace[] {
  const known = new Map(tables.map((table) => [keyOf(table), table]));
  return [...keys].flatMap((key) => (known.get(key)?.lines ?? []).map(placeOf));
}

/** `Caddyfile:12`. */
function placeOf(place: string): FilePlace {
  const [, file = '', line = ''] = /^(.*):(\d+)$/s.exec(place) ?? [];
  return { file, line: Number(line), what: 'a row' };
}
