/**
 * What all benches share: their options, their rows, and the comparison with rows that were recorded before.
 * `--quick` takes under two minutes, `--json FILE` writes the rows, `--compare FILE` says what got worse since.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

export interface Row {
  readonly bench: string;
  readonly engine: string;
  readonly case: string;
  readonly size: number;
  /** What it is held against. */
  readonly control: string;
  /** How much better than the control what is measured does, such as its requests a second over those of the control. */
  readonly ratio: number;
  /** What one unit costs, by the bench: microseconds of processor time, milliseconds, instructions, bytes, megabytes. */
  readonly cpu: number;
  readonly controlCpu: number;
}

/** A row of which the ratio is that of the costs: above 1 the control costs more. */
export function costRow(row: Omit<Row, 'ratio'>): Row {
  return {
    ...row,
    ratio: rounded(row.controlCpu / row.cpu, 3),
    cpu: rounded(row.cpu, 1),
    controlCpu: rounded(row.controlCpu, 1),
  };
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** What a run may be worse by than the recorded one. */
const TOLERANCE = 0.1;

/** Rows that are printed as they come, written and compared at the end. */
export interface Bench {
  readonly quick: boolean;
  /** Only this bench, where one is named. */
  readonly only: string | undefined;
  add(row: Row): void;
  /** Writes and compares. To be called last. */
  finish(): void;
}

export function openBench(line = process.argv.slice(2)): Bench {
  const { values } = parseArgs({
    args: [...line],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'string' },
      compare: { type: 'string' },
    },
  });
  const { quick, only, json, compare } = values;
  // Read before anything is measured: a wrong name would be told after half an hour.
  const before = compare === undefined ? undefined : readRows(compare);
  const rows: Row[] = [];
  return {
    quick,
    only,
    add(row) {
      if (rows.length === 0) console.log(HEAD);
      rows.push(row);
      console.log(lineOf(row));
    },
    finish() {
      if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, null, 2)}\n`);
      if (!before) return;
      const found = worse(before, rows);
      console.log(['', ...found.lines].join('\n'));
      if (found.isWorse) process.exitCode = 1;
    },
  };
}

const HEAD = [
  '| bench | engine | case | size | against | ratio | cost | its cost |',
  '| --- | --- | --- | --: | --- | --: | --: | --: |',
].join('\n');

function lineOf({ bench, engine, case: name, size, control, ratio, cpu, controlCpu }: Row): string {
  return `| ${[bench, engine, name, size, control, ratio, cpu, controlCpu].join(' | ')} |`;
}

function readRows(file: string): readonly Row[] {
  if (!existsSync(file)) throw new Error(`--compare: there is no ${file}; write one with --json`);
  const rows: Row[] = JSON.parse(readFileSync(file, 'utf8'));
  return rows;
}

const nameOf = ({ bench, engine, case: name, size, control }: Row) =>
  `${bench} ${engine} ${name} ${size} against ${control}`;

/**
 * Compares two runs, of which other load may have slowed one: what counts is the quotient of the costs of both sides,
 * which were measured in turns, and not the cost.
 */
export function worse(
  before: readonly Row[],
  after: readonly Row[],
): { readonly isWorse: boolean; readonly lines: readonly string[] } {
  const known = new Map(before.map((row) => [nameOf(row), row]));
  const both = after.flatMap((row) => {
    const old = known.get(nameOf(row));
    return old ? [{ row, grown: old.controlCpu / old.cpu / (row.controlCpu / row.cpu) - 1 }] : [];
  });
  const grown = both.filter((one) => !(one.grown <= TOLERANCE));
  const lines = grown.map((one) => `worse by ${(one.grown * 100).toFixed(0)} %: ${nameOf(one.row)}`);
  const compared = `${both.length} of ${after.length} rows compared, ${grown.length} worse by more than 10 %`;
  // Nothing in common is no comparison.
  return { isWorse: grown.length > 0 || both.length === 0, lines: [...lines, compared] };
}
