import type { Related, SpecPath } from '../diagnostics/diagnostic.ts';
import { accessOf, takes } from '../policy/access.ts';
import { run } from '../policy/automaton.ts';
import { splitTarget } from '../policy/decide.ts';
import type { Proxy } from '../policy/types.ts';
import type { Difference } from '../prove/compare.ts';
import type { FilePlace } from '../prove/model.ts';
import { asBytes } from '../source/decode.ts';
import type { ReadFileText } from '../targets/target.ts';

export function fileOf({ file }: FilePlace, files: readonly ReadFileText[]): ReadFileText | undefined {
  return files.find(({ path }) => path === file || path.replace(/^.*\//, '') === file);
}

/** The line of the file that decides otherwise, beside that of the spec. */
export function relatedOf(
  place: FilePlace,
  files: readonly ReadFileText[],
  words: Pick<Related, 'at' | 'message'>,
): Related[] {
  const found = fileOf(place, files);
  if (!found) return [];
  const { path, text } = found;
  const start = text
    .split('\n')
    .slice(0, place.line - 1)
    .reduce((sum, each) => sum + each.length + 1, 0);
  const first = start + (/\S/.exec(text.slice(start))?.index ?? 0);
  const end = first + (/^[^\n]{0,40}/.exec(text.slice(first))?.[0] ?? '').length;
  return [{ ...words, place: { file: path, text, start: first, end } }];
}

/** Most rows that are shown. */
const MOST_ROWS = 3;

/** By what a difference comes about, as far as it is known. */
export interface Shown {
  readonly rows: readonly FilePlace[];
  /** Where a row is missing: what the spec asks for in its place. */
  readonly asked?: SpecPath | undefined;
}

interface Asked {
  readonly proxy: Proxy;
  readonly files: readonly ReadFileText[];
  readonly generated: readonly ReadFileText[] | undefined;
}

/**
 * The rows that are no rows of the spec, of those that were looked at; where rows of the spec are missing, the rule of
 * the spec for the target; otherwise the row that decided last, unless the difference is in what becomes of a request
 * that the tables treat as they should.
 */
export function rowsToShow(difference: Difference, { proxy, files, generated }: Asked): Shown {
  const { taken, rows, what, request } = difference;
  const linesOf = lineReader();
  const read = (row: FilePlace) => linesOf(fileOf(row, files)?.text ?? '');
  const usual = new Map<string, ReadonlySet<string>>();
  const usualLines = (row: FilePlace) => {
    const wanted = generated && fileOf(row, generated);
    const own = usual.get(row.file) ?? new Set(wanted && linesOf(asBytes(wanted.text)));
    usual.set(row.file, own);
    return own;
  };
  const changed = generated ? rows.filter((row) => !usualLines(row).has(read(row)[row.line - 1] ?? '')) : [];
  const isTaken = (row: FilePlace) => taken.some(({ file, line }) => file === row.file && line === row.line);
  const shown = [...changed.filter(isTaken), ...changed.filter((row) => !isTaken(row))];
  if (shown.length > 0) return { rows: shown.slice(0, MOST_ROWS) };
  const last = taken.at(-1);
  if (!last || !/ instead of /.test(what)) return { rows: [] };
  const asked = rows.some((row) => lacks(read(row), usualLines(row))) ? ruleFor(request, proxy) : undefined;
  return asked ? { rows: [], asked } : { rows: [last] };
}

/** Rows of tables begin with a text in quotes or with an address; what else is in a file are directives. */
const ROW = /^(?:["0-9]|[a-f0-9]*:)/;

/** Whether rows are missing. */
function lacks(lines: readonly string[], usual: ReadonlySet<string>): boolean {
  const there = new Set(lines);
  return [...usual].some((line) => ROW.test(line) && !there.has(line));
}

/** The rule of a spec for a method and a path, or for another method of that path. */
function ruleFor({ method, target }: Difference['request'], proxy: Proxy): SpecPath | undefined {
  const access = accessOf(proxy);
  const rules = (access && run(access.automaton, splitTarget(target)[0])?.accepts) ?? [];
  return (rules.find((rule) => takes(rule, method)) ?? rules[0])?.origin;
}

/** Returns a function that takes a text apart into lines without blanks around them, each text once. */
function lineReader(): (text: string) => readonly string[] {
  const known = new Map<string, readonly string[]>();
  return (text) => {
    const lines = known.get(text) ?? text.split('\n').map((line) => line.trim());
    known.set(text, lines);
    return lines;
  };
}

/** A row as a field of an outcome. */
export function rowField(place: FilePlace, files: readonly ReadFileText[]) {
  const found = fileOf(place, files);
  const text = found?.text.split('\n')[place.line - 1] ?? '';
  return { file: found?.path ?? place.file, line: place.line, text: text.trim() };
}
