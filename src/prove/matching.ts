import { built, type Draft, type Language } from './language.ts';
import { lazily } from './lazily.ts';
import { columnsOf, nearby, orderOf, type Program, programOf, type Step } from './program.ts';
import { type Dialect, parseRegex, type Regex, type RegexProblem } from './regex.ts';

const compiled = new Map<string, Language | RegexProblem>();

/** Returns all texts in which an engine finds the expression; with anchors on both sides, those that match as a whole. */
export function matching(source: string, dialect: Dialect, ignoreCase = false): Language | RegexProblem {
  const key = `${dialect} ${ignoreCase} ${source}`;
  const found = compiled.get(key) ?? compile(source, dialect, ignoreCase);
  compiled.set(key, found);
  return found;
}

function compile(source: string, dialect: Dialect, ignoreCase: boolean): Language | RegexProblem {
  const regex = parseRegex(source, dialect, ignoreCase);
  if ('problem' in regex) return regex;
  const program = programOf(regex);
  return 'problem' in program ? program : languageOf(program);
}

/** Source of any text. */
export const ANYTHING = '(?:.|\\n)*';

/** Stand where a group begins and where it ends; no other byte of an expression is one of them. */
export const [OPENS, CLOSES] = ['\x00', '\x01'] as const;

/** Returns the program of an expression, with marks at the ends of what one of its groups takes; 0 is all of it. */
export function markedProgram(source: string, dialect: Dialect, group: number): Program | RegexProblem {
  const regex = parseRegex(source, dialect);
  if ('problem' in regex) return regex;
  const marked = withMarks(regex, { left: group });
  return programOf(group === 0 ? between(marked) : marked);
}

function between(item: Regex): Regex {
  return { kind: 'sequence', items: [mark(OPENS), item, mark(CLOSES)] };
}

function withMarks(regex: Regex, count: { left: number }): Regex {
  switch (regex.kind) {
    case 'bytes':
      return { ...regex, bytes: regex.bytes.map((has, byte) => (byte <= CLOSES.charCodeAt(0) ? 0 : has)) };
    case 'sequence':
    case 'either':
      return { ...regex, items: regex.items.map((item) => withMarks(item, count)) };
    case 'group': {
      const isIt = --count.left === 0;
      const item = withMarks(regex.item, count);
      return isIt ? between(item) : item;
    }
    case 'repeat':
    case 'look':
      return { ...regex, item: withMarks(regex.item, count) };
    default:
      return regex;
  }
}

function mark(text: string): Regex {
  return { kind: 'bytes', bytes: Uint8Array.from({ length: 256 }, (_, byte) => (byte === text.charCodeAt(0) ? 1 : 0)) };
}

/** Returns the source of an expression for one text, byte for byte. */
export function literally(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, '\\$&');
}

/** Returns the language of one text. */
export function onlyText(text: string): Language {
  return wholly(literally(text));
}

/** Returns the texts that match one of our own expressions as a whole. That it cannot be read would be a bug. */
export function wholly(source: string): Language {
  const language = matching(`^(?:${source})$`, 'ours');
  if ('problem' in language) throw new Error(`${source} ${language.problem}`);
  return language;
}

/** The language of the empty text alone. */
export const NOTHING = lazily(() => wholly(''));

/** The outcome of a step that succeeds. */
export const GOOD = 255;

/**
 * Whether a step succeeds depends only on the rest of the text. So the text is read from its end, and a state holds for
 * each step whether a matcher that starts there succeeds. The automaton that reads from the beginning is the reverse of
 * this one.
 */
function languageOf(program: Program): Language | RegexProblem {
  const table = tableOf(program);
  const { columns, columnOf } = table;
  const kept = [...new Set(program.steps.flatMap((step) => (step.kind === 'byte' ? [step.next] : [])))];
  const texts: { readonly out: Uint8Array; readonly found: boolean }[] = [];
  const ids = new Map<string, number>();
  const idOf = (rest: Uint8Array | undefined, column: number): number => {
    const out = new Uint8Array(program.steps.length);
    outcomes(table, table.order, { out, rest, column, atBegin: false });
    const key = `${foundAtBegin(table, { out, rest, column }) ? 1 : 0}${String.fromCharCode(...kept.map((at) => out[at] ?? 0))}`;
    const id = ids.get(key) ?? texts.push({ out, found: key.startsWith('1') }) - 1;
    ids.set(key, id);
    return id;
  };
  idOf(undefined, 0);
  const before: number[][] = [];
  for (let at = 0; at < texts.length; at++) {
    if (texts.length * columns * program.steps.length > MOST_WORK) return { problem: 'has too many states' };
    before.push(Array.from({ length: columns }, (_, column) => idOf(texts[at]?.out, column)));
  }
  return reversed(
    before,
    texts.map(({ found }) => found),
    { columnOf, columns },
  );
}

/** Most work for one expression; more takes minutes. */
const MOST_WORK = 400_000_000;

/** A program as arrays of numbers, because most of the time is spent here. */
export interface Table {
  readonly order: Int32Array;
  /** Steps whose outcome is computed anew at the beginning of the text. */
  readonly opening: Int32Array;
  readonly start: number;
  readonly kind: Uint8Array;
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly depth: Uint8Array;
  /** Whether a step matches a byte: `has[step * columns + column]`. */
  readonly has: Uint8Array;
  readonly columnOf: Uint8Array;
  readonly columns: number;
}

const KINDS = { byte: 0, either: 1, begin: 2, end: 3, look: 4, 'not-look': 5, atomic: 6, match: 7, mark: 8 } as const;

export function tableOf(program: Program): Table {
  const { steps, start } = program;
  const columnOf = columnsOf(program);
  const columns = Math.max(...columnOf) + 1;
  const has = new Uint8Array(steps.length * columns);
  const [kind, depth] = [new Uint8Array(steps.length), new Uint8Array(steps.length)];
  const [first, second] = [new Int32Array(steps.length), new Int32Array(steps.length)];
  for (const [at, step] of steps.entries()) {
    kind[at] = KINDS[step.kind === 'look' && step.negative ? 'not-look' : step.kind];
    if (step.kind !== 'match') depth[at] = step.depth;
    if (step.kind === 'byte')
      for (const [byte, column] of columnOf.entries()) has[at * columns + column] = step.bytes[byte] ?? 0;
    const [one, other] = operandsOf(step);
    first[at] = one;
    second[at] = other;
  }
  const order = Int32Array.from(orderOf(program));
  const near = nearby(program);
  return {
    order,
    opening: order.filter((at) => near.has(at)),
    start,
    kind,
    first,
    second,
    depth,
    has,
    columnOf,
    columns,
  };
}

function operandsOf(step: Step): readonly [number, number] {
  switch (step.kind) {
    case 'either':
      return [step.first, step.second];
    case 'look':
      return [step.body, step.next];
    case 'atomic':
      return [step.body, 0];
    case 'match':
      return [0, 0];
    default:
      return [step.next, 0];
  }
}

interface Moment {
  readonly out: Uint8Array;
  /** Outcomes for the text without its first byte; absent for the empty text. */
  readonly rest: Uint8Array | undefined;
  readonly column: number;
  readonly atBegin: boolean;
}

export function outcomes(table: Table, order: Int32Array, { out, rest, column, atBegin }: Moment): void {
  const { kind, first, second, depth, has, columns } = table;
  const of = (at: number | undefined) => out[at ?? 0] ?? 0;
  for (const at of order) {
    const own = depth[at] ?? 0;
    switch (kind[at]) {
      case KINDS.byte:
        out[at] = rest && has[at * columns + column] === 1 ? (rest[first[at] ?? 0] ?? 0) : own;
        break;
      case KINDS.either:
        out[at] = of(first[at]) === own ? of(second[at]) : of(first[at]);
        break;
      case KINDS.begin:
        out[at] = atBegin ? of(first[at]) : own;
        break;
      case KINDS.end:
        out[at] = rest ? own : of(first[at]);
        break;
      case KINDS.look:
        out[at] = of(first[at]) === GOOD ? of(second[at]) : own;
        break;
      case KINDS['not-look']:
        out[at] = of(first[at]) === GOOD ? own : of(second[at]);
        break;
      case KINDS.mark:
        out[at] = of(first[at]);
        break;
      case KINDS.atomic:
        out[at] = of(first[at]) === own + 1 ? own : of(first[at]);
        break;
      default:
        out[at] = GOOD;
    }
  }
}

/** Returns whether the expression is found in a text that begins here. */
function foundAtBegin(table: Table, moment: Omit<Moment, 'atBegin'>): boolean {
  return outcomesAtBegin(table, moment)[table.start] === GOOD;
}

/** Returns the outcomes where the text begins; `out` are those where more stands before it. */
export function outcomesAtBegin(table: Table, { out, rest, column }: Omit<Moment, 'atBegin'>): Uint8Array {
  const own = Uint8Array.from(out);
  outcomes(table, table.opening, { out: own, rest, column, atBegin: true });
  return own;
}

/**
 * Returns the automaton that reads from the beginning. A state of it is a set of states of the other automaton: those
 * from which the rest of the text leads to success.
 */
function reversed(
  before: readonly (readonly number[])[],
  found: readonly boolean[],
  { columnOf, columns }: Pick<Draft, 'columnOf' | 'columns'>,
): Language {
  const sets = new Map<string, Uint8Array>();
  const keyOf = (set: Uint8Array): string => {
    const key = Buffer.from(set).toString('latin1');
    sets.set(key, set);
    return key;
  };
  return built({
    columnOf,
    columns,
    start: keyOf(Uint8Array.from(found, (each) => (each ? 1 : 0))),
    step: (state, column) => {
      const set = sets.get(state) ?? new Uint8Array();
      // `before[rest][column]` is the state of the text with that byte in front.
      return keyOf(Uint8Array.from(before, (row) => set[row[column] ?? 0] ?? 0));
    },
    accepts: (state) => state.charCodeAt(0) === 1,
  });
}
