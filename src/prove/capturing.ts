import { CannotTell } from './explore.ts';
import { built, type Language } from './language.ts';
import { GOOD, outcomes, outcomesAtBegin, type Table, tableOf } from './matching.ts';
import { type Program, programOf } from './program.ts';
import { parseRegex } from './regex.ts';

/** An expression of PCRE, with what it takes to see where its named groups begin and end. */
export interface Capturing {
  readonly program: Program;
  readonly table: Table;
}

export function capturing(source: string, ignoreCase = false): Capturing {
  const regex = parseRegex(source, 'pcre', ignoreCase);
  const program = 'problem' in regex ? regex : programOf(regex, true);
  if ('problem' in program) throw new CannotTell(`an expression ${program.problem}`);
  return { program, table: tableOf(program) };
}

/** What is compared: what some groups capture, whether they capture anything, or whether the expression is found. */
export type Compared =
  | { readonly kind: 'captures'; readonly groups: ReadonlySet<string> | 'all' }
  | { readonly kind: 'nothing'; readonly group: string }
  | { readonly kind: 'found' };

/** A kind of rest of a text: every step has the same outcome before all rests of one kind. */
interface Rest {
  readonly outs: readonly [Uint8Array, Uint8Array];
  /** The states of the language from which it is accepted. */
  readonly inside: Uint8Array;
}

/** Most kinds of rests, times columns; more take too long. */
const MOST_RESTS = 60_000;

/**
 * Two expressions side by side, for the texts of a language. A matcher goes one way through each, which follows from
 * the text before and the kind of the rest.
 */
export class Comparing {
  private readonly sides: readonly [Capturing, Capturing];
  private readonly within: Language;
  private readonly columnOf: Uint8Array;
  /** One byte of each column. */
  private readonly samples: readonly number[];
  private readonly rests: Rest[] = [];
  /** `before[rest][column]` is the rest with that byte in front; -1 where no text of the language goes on so. */
  private readonly before: number[][] = [];
  private readonly known = new Map<string, Language>();

  constructor(one: Capturing, other: Capturing, within: Language) {
    this.sides = [one, other];
    this.within = within;
    const ids = new Map<string, number>();
    const samples: number[] = [];
    this.columnOf = Uint8Array.from({ length: 256 }, (_, byte) => {
      const key = [one.table, other.table, within].map(({ columnOf }) => columnOf[byte]).join();
      const id = ids.get(key) ?? ids.size;
      ids.set(key, id);
      samples[id] ??= byte;
      return id;
    });
    this.samples = samples;
    this.findRests();
  }

  private findRests(): void {
    const kept = this.sides.map(({ program }) => [
      ...new Set(program.steps.flatMap((step) => (step.kind === 'byte' ? [step.next] : []))),
    ]);
    const ids = new Map<string, number>();
    const idOf = (rest: Rest): number => {
      const [one, other] = kept.map((steps, side) => steps.map((at) => rest.outs[side]?.[at]).join());
      const key = `${one} ${other} ${rest.inside.join('')}`;
      const id = ids.get(key) ?? this.rests.push(rest) - 1;
      ids.set(key, id);
      return id;
    };
    idOf({ outs: this.outsAt(undefined, 0), inside: this.within.accepts });
    for (let at = 0; at < this.rests.length; at++) {
      if (this.rests.length * this.samples.length > MOST_RESTS)
        throw new CannotTell('expressions have too many states');
      const rest = this.rests[at];
      this.before.push(
        this.samples.map((byte) => {
          const { columns, columnOf, next } = this.within;
          const inside = this.within.accepts.map(
            (_, state) => rest?.inside[next[state * columns + (columnOf[byte] ?? 0)] ?? 0] ?? 0,
          );
          return inside.includes(1) ? idOf({ outs: this.outsAt(rest, byte), inside }) : -1;
        }),
      );
    }
  }

  /** The outcomes before a byte and a rest, or before the end. */
  private outsAt(rest: Rest | undefined, byte: number): readonly [Uint8Array, Uint8Array] {
    const of = (side: 0 | 1) => {
      const { table } = this.sides[side];
      const out = new Uint8Array(table.kind.length);
      const column = table.columnOf[byte] ?? 0;
      outcomes(table, table.order, { out, rest: rest?.outs[side], column, atBegin: false });
      return out;
    };
    return [of(0), of(1)];
  }

  /** Returns the texts of the language, among others, in which the two expressions differ. */
  differing(compared: Compared): Language {
    const key = compared.kind === 'captures' && compared.groups !== 'all' ? [...compared.groups].join() : '';
    const name = `${compared.kind} ${'group' in compared ? compared.group : key}`;
    const found = this.known.get(name) ?? this.findDiffering(compared);
    this.known.set(name, found);
    return found;
  }

  private findDiffering(compared: Compared): Language {
    const walks = new Walks(this.sides, compared);
    const outs = this.before.map((row, rest) =>
      row.map((to, column) => (to < 0 ? undefined : this.outsAt(this.rests[rest], this.samples[column] ?? 0))),
    );
    const start = this.rests.map(() => walks.start);
    const [atEnd] = this.rests;
    const texts = new Map<string, readonly number[]>();
    const nameOf = (labels: readonly number[]): string => {
      // Whatever follows.
      const isCertain = labels.every((label) => label === NOWHERE || label === walks.differs);
      const name =
        isCertain && labels.includes(walks.differs) ? EVERY : String.fromCharCode(...labels.map((label) => label + 1));
      texts.set(name, labels);
      return name;
    };
    return built({
      columnOf: this.columnOf,
      columns: this.samples.length,
      start: nameOf(start),
      step: (state, column) => {
        if (state === EVERY) return EVERY;
        const labels = texts.get(state) ?? [];
        return nameOf(
          this.before.map((row, rest) => {
            const label = labels[row[column] ?? NOWHERE] ?? NOWHERE;
            const out = outs[rest]?.[column];
            if (label === NOWHERE || !out) return NOWHERE;
            const question = { outs: out, rest: this.rests[rest], byte: this.samples[column] ?? 0 };
            return walks.after(label, `${rest} ${column}`, question);
          }),
        );
      },
      accepts: (state) => {
        if (state === EVERY) return true;
        const [label = NOWHERE] = texts.get(state) ?? [];
        return label !== NOWHERE && atEnd !== undefined && walks.differsAtEnd(label, atEnd.outs);
      },
    });
  }
}

const NOWHERE = -1;
const EVERY = 'every';

interface Question {
  /** Outcomes before the byte. */
  readonly outs: readonly [Uint8Array, Uint8Array];
  readonly rest: Rest | undefined;
  readonly byte: number;
}

/** How far two matchers have come: the steps that they are at. */
type Label = readonly [readonly number[], readonly number[]];

/** The ways of two matchers, as numbers. */
class Walks {
  private readonly sides: readonly [Capturing, Capturing];
  private readonly compared: Compared;
  private readonly labels: Label[] = [];
  private readonly ids = new Map<string, number>();
  private readonly known = new Map<string, number>();
  readonly start: number;
  readonly differs: number;

  constructor(sides: readonly [Capturing, Capturing], compared: Compared) {
    this.sides = sides;
    this.compared = compared;
    this.start = this.idOf([[-1], [-1]]);
    this.differs = this.idOf([[-2], [-2]]);
  }

  private idOf(label: Label): number {
    const key = JSON.stringify(label);
    const id = this.ids.get(key) ?? this.labels.push(label) - 1;
    this.ids.set(key, id);
    return id;
  }

  /** After a byte; `name` is one of where the byte stands. */
  after(label: number, name: string, question: Question): number {
    if (label === this.differs) return label;
    const key = `${label} ${name}`;
    const found = this.known.get(key) ?? this.find(label, question);
    this.known.set(key, found);
    return found;
  }

  private find(label: number, { outs, rest, byte }: Question): number {
    const passed = this.passed(label, (side) => {
      const { table } = this.sides[side];
      const moment = { out: outs[side], rest: rest?.outs[side], column: table.columnOf[byte] ?? 0 };
      return label === this.start ? outcomesAtBegin(table, moment) : outs[side];
    });
    if (passed === 'differs') return this.differs;
    const [one, other] = passed.map((waiting, side) => {
      const { steps } = this.sides[side as 0 | 1].program;
      return waiting.flatMap((at) => {
        const step = steps[at];
        return step?.kind === 'byte' ? [step.next] : [];
      });
    });
    return this.idOf([one ?? [], other ?? []]);
  }

  differsAtEnd(label: number, outs: readonly [Uint8Array, Uint8Array]): boolean {
    if (label === this.differs) return true;
    return label !== this.start && this.passed(label, (side) => outs[side]) === 'differs';
  }

  /** The steps that take a byte next. */
  private passed(label: number, outOf: (side: 0 | 1) => Uint8Array): Label | 'differs' {
    const { compared, sides } = this;
    const own = this.labels[label] ?? [[], []];
    const [one, other] = ([0, 1] as const).map((side) => {
      const out = outOf(side);
      const { start } = sides[side].program;
      if (label !== this.start) return { isFound: true, ...reached(sides[side], own[side], out) };
      const isFound = out[start] === GOOD;
      return { isFound, ...reached(sides[side], isFound ? [start] : [], out) };
    });
    if (!one || !other) return 'differs';
    const isSame =
      compared.kind === 'found'
        ? one.isFound === other.isFound
        : compared.kind === 'nothing'
          ? marksOf(one.marks, new Set([compared.group])) === ''
          : marksOf(one.marks, compared.groups) === marksOf(other.marks, compared.groups);
    return isSame ? [one.waiting, other.waiting] : 'differs';
  }
}

interface Mark {
  readonly name: string;
  readonly opens: boolean;
}

/** Follows the one way that leads to success, from some steps to those that take a byte; marks are in its order. */
function reached(
  { program: { steps } }: Capturing,
  from: readonly number[],
  out: Uint8Array,
): { readonly waiting: readonly number[]; readonly marks: readonly Mark[] } {
  const waiting: number[] = [];
  const marks: Mark[] = [];
  const open = [...from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const step = steps[at];
    if (step?.kind === 'byte') waiting.push(at);
    else if (step?.kind === 'either') open.push(out[step.first] === GOOD ? step.first : step.second);
    else if (step?.kind === 'look') open.push(step.next, ...(step.negative ? [] : [step.body]));
    else if (step?.kind === 'atomic') open.push(step.body);
    else if (step?.kind === 'begin' || step?.kind === 'end') open.push(step.next);
    else if (step?.kind === 'mark') {
      marks.push(step);
      open.push(step.next);
    }
  }
  return { waiting: waiting.sort((a, b) => a - b), marks };
}

/** The marks of some groups at one place; a group that is empty there captures as much as one that is not there. */
function marksOf(marks: readonly Mark[], groups: ReadonlySet<string> | 'all'): string {
  const names = [...new Set(marks.map(({ name }) => name))].filter((name) => groups === 'all' || groups.has(name));
  return names
    .flatMap((name) => {
      const own = marks.filter((mark) => mark.name === name).map(({ opens }) => (opens ? '<' : '>'));
      const text = own.join('');
      return text === '<>' ? [] : [`${name}${text}`];
    })
    .sort()
    .join();
}
