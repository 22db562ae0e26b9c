import { CannotTell } from './explore.ts';
import { type Language, MOST_STATES, sharedColumns, TooLarge, trimmed } from './language.ts';
import { columnsOf, type Program, programOf, type Step } from './program.ts';
import { parseRegex } from './regex.ts';

/**
 * The expressions of a table, looked for in one text at once. That is possible for expressions without look-arounds and
 * possessive repetitions, such as those of RE2: whether one is found does not depend on the order of tries.
 */
interface Search {
  readonly steps: readonly Step[];
  readonly starts: readonly number[];
  /** Of the expression that a step belongs to. */
  readonly rowOf: Int32Array;
  /** Whether a match can follow a step behind the beginning of the text. */
  readonly isUseful: Uint8Array;
  readonly columnOf: Uint8Array;
  readonly columns: number;
  /** One byte of each column. */
  readonly samples: readonly number[];
}

/** How far a text has come in all expressions. */
interface Progress {
  /** Steps that wait for a byte, in ascending order. */
  readonly waiting: readonly number[];
  /** The first row that is found whatever follows, and the one that is found if the text ends. */
  readonly certain: number;
  readonly atEnd: number;
}

const NO_ROW = Number.POSITIVE_INFINITY;

/** The first of some expressions that is found in a text. */
export class FirstRow {
  private readonly search: Search;
  private readonly walk: Walk;

  constructor(sources: readonly string[]) {
    this.search = searchFor(sources);
    this.walk = new Walk(this.search);
  }

  /** Returns the row for a text; `undefined` for none. */
  of(text: string): number | undefined {
    let state = this.walk.start;
    for (let index = 0; index < text.length; index++)
      state = this.walk.next(state, this.search.columnOf[text.charCodeAt(index)] ?? 0);
    return this.walk.rowAt(state);
  }

  /** Returns the texts of a language by their rows. Rows with one `nameOf` are one. */
  divide(own: Language, nameOf: (row: number) => number): ReadonlyMap<number | undefined, Language> {
    const { columnOf, pairs } = sharedColumns(own, this.search);
    const count = own.accepts.length;
    const states: (readonly [own: number, progress: number])[] = [[0, this.walk.start]];
    const ids = new Map<number, number>([[this.walk.start * count, 0]]);
    const next: number[] = [];
    for (let at = 0; at < states.length; at++) {
      if (states.length > MOST_ROW_STATES) throw new TooLarge('a table has too many states');
      const [left = 0, right = 0] = states[at] ?? [];
      for (const [one = 0, other = 0] of pairs) {
        const after = own.next[left * own.columns + one] ?? 0;
        const to = this.walk.next(right, other);
        const id = ids.get(to * count + after) ?? states.push([after, to]) - 1;
        ids.set(to * count + after, id);
        next.push(id);
      }
    }
    const table = { columnOf, columns: pairs.length, next: Int32Array.from(next) };
    const rows = states.map(([left, right]) => {
      const row = own.accepts[left] === 1 ? this.walk.rowAt(right) : NOWHERE;
      return typeof row === 'number' && row !== NOWHERE ? nameOf(row) : row;
    });
    const found = [...new Set(rows)].filter((row) => row !== NOWHERE);
    return new Map(
      found.map((row) => [
        row,
        trimmed({ ...table, accepts: Uint8Array.from(rows, (each) => (each === row ? 1 : 0)) }),
      ]),
    );
  }
}

/** Stands for the row of texts that are not in the language. */
const NOWHERE = -1;

/** Shared by all rows of a table, and so more than for one expression. */
const MOST_ROW_STATES = 20 * MOST_STATES;

function searchFor(sources: readonly string[]): Search {
  const steps: Step[] = [];
  const starts: number[] = [];
  const rows: number[] = [];
  for (const [row, source] of sources.entries()) {
    const { steps: more, start } = programFor(source);
    starts.push(steps.length + start);
    const base = steps.length;
    for (const step of more) {
      steps.push(moved(step, base));
      rows.push(row);
    }
  }
  const columnOf = columnsOf({ steps });
  const samples: number[] = [];
  for (const [byte, column] of columnOf.entries()) samples[column] ??= byte;
  const rowOf = Int32Array.from(rows);
  return { steps, starts, rowOf, isUseful: usefulIn(steps), columnOf, columns: samples.length, samples };
}

function programFor(source: string): Program {
  const regex = parseRegex(source, 're2');
  const program = 'problem' in regex ? regex : programOf(regex);
  if ('problem' in program) throw new CannotTell(`an expression ${program.problem}`);
  return program;
}

function moved(step: Step, base: number): Step {
  switch (step.kind) {
    case 'byte':
    case 'begin':
    case 'end':
      return { ...step, next: step.next + base };
    case 'either':
      return { ...step, first: step.first + base, second: step.second + base };
    case 'match':
      return step;
    default:
      throw new CannotTell('an expression looks around');
  }
}

function usefulIn(steps: readonly Step[]): Uint8Array {
  const useful = new Uint8Array(steps.length);
  const before: number[][] = steps.map(() => []);
  for (const [at, step] of steps.entries()) {
    if (step.kind === 'byte' || step.kind === 'end') before[step.next]?.push(at);
    if (step.kind === 'either') {
      before[step.first]?.push(at);
      before[step.second]?.push(at);
    }
  }
  const open = [...steps.keys()].filter((at) => steps[at]?.kind === 'match');
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (useful[at] === 1) continue;
    useful[at] = 1;
    open.push(...(before[at] ?? []));
  }
  return useful;
}

/** The automaton of a search, as far as anybody has walked it. */
class Walk {
  readonly start: number;
  private readonly search: Search;
  private readonly known: Progress[] = [];
  private readonly ids = new Map<string, number>();
  private readonly rows: (Int32Array | undefined)[] = [];

  constructor(search: Search) {
    this.search = search;
    this.start = this.idOf(this.closed(search.starts, true, NO_ROW));
  }

  next(state: number, column: number): number {
    const row = this.rows[state] ?? this.find(state);
    this.rows[state] = row;
    return row[column] ?? 0;
  }

  /** The row for a text that ends here. */
  rowAt(state: number): number | undefined {
    const { certain, atEnd } = this.known[state] ?? { certain: NO_ROW, atEnd: NO_ROW };
    const row = Math.min(certain, atEnd);
    return row === NO_ROW ? undefined : row;
  }

  private find(state: number): Int32Array {
    const { steps, samples } = this.search;
    const { waiting, certain } = this.known[state] ?? { waiting: [], certain: NO_ROW };
    const byTargets = new Map<string, number>();
    return Int32Array.from(samples, (byte) => {
      const targets = waiting.flatMap((at) => {
        const step = steps[at];
        return step?.kind === 'byte' && step.bytes[byte] === 1 ? [step.next] : [];
      });
      const key = targets.join();
      const id = byTargets.get(key) ?? this.idOf(this.closed(targets, false, certain));
      byTargets.set(key, id);
      return id;
    });
  }

  private idOf(progress: Progress): number {
    const key = `${progress.certain} ${progress.atEnd} ${progress.waiting.join()}`;
    const id = this.ids.get(key) ?? this.known.push(progress) - 1;
    this.ids.set(key, id);
    return id;
  }

  /** Follows all steps that take no byte. */
  private closed(from: readonly number[], isBegin: boolean, before: number): Progress {
    const { steps, rowOf, isUseful } = this.search;
    const waiting = new Set<number>();
    const ends: number[] = [];
    let certain = before;
    const seen = new Set<number>();
    const open = [...from];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at) || (!isBegin && isUseful[at] === 0)) continue;
      seen.add(at);
      const step = steps[at];
      if (step?.kind === 'byte') {
        if (isUseful[at] === 1) waiting.add(at);
      } else if (step?.kind === 'either') open.push(step.first, step.second);
      else if (step?.kind === 'begin' && isBegin) open.push(step.next);
      else if (step?.kind === 'end') ends.push(step.next);
      else if (step?.kind === 'match') certain = Math.min(certain, rowOf[at] ?? NO_ROW);
    }
    return {
      // What comes behind the row that is certain does not count.
      waiting: [...waiting].filter((at) => (rowOf[at] ?? 0) < certain).sort((a, b) => a - b),
      certain,
      atEnd: Math.min(certain, this.rowAfter(ends, isBegin)),
    };
  }

  /** The first row whose expression is found where the text ends here, behind the `$` before these steps. */
  private rowAfter(ends: readonly number[], isBegin: boolean): number {
    const { steps, rowOf } = this.search;
    let row = NO_ROW;
    const seen = new Set<number>();
    const open = [...ends];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      const step = steps[at];
      if (step?.kind === 'either') open.push(step.first, step.second);
      else if (step?.kind === 'end' || (step?.kind === 'begin' && isBegin)) open.push(step.next);
      else if (step?.kind === 'match') row = Math.min(row, rowOf[at] ?? NO_ROW);
    }
    return row;
  }
}
