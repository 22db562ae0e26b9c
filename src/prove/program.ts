import type { ByteSet, Regex, RegexProblem } from './regex.ts';

/**
 * One step of a backtracking matcher. A step stands behind all steps whose outcome it needs for the same rest of the
 * text, except in loops; see `orderOf`.
 */
export type Step =
  | { readonly kind: 'byte'; readonly bytes: ByteSet; readonly next: number; readonly depth: number }
  /** The second is tried only where the first does not succeed. */
  | { readonly kind: 'either'; readonly first: number; readonly second: number; readonly depth: number }
  | { readonly kind: 'begin' | 'end'; readonly next: number; readonly depth: number }
  /** Where a named group begins or ends; only in programs that say what groups capture. */
  | {
      readonly kind: 'mark';
      readonly name: string;
      readonly opens: boolean;
      readonly next: number;
      readonly depth: number;
    }
  | {
      readonly kind: 'look';
      readonly body: number;
      readonly negative: boolean;
      readonly next: number;
      readonly depth: number;
    }
  /**
   * The body has `depth + 1`. Where what follows the body fails, the step fails as a whole, and no other way through
   * the body is tried.
   */
  | { readonly kind: 'atomic'; readonly body: number; readonly depth: number }
  | { readonly kind: 'match' };

export interface Program {
  readonly steps: readonly Step[];
  readonly start: number;
}

/** Most steps of a program; more take too long. */
const MOST_STEPS = 20_000;

/**
 * Returns a program that finds the expression anywhere in a text, as engines do; with a mark at both ends of each named
 * group where it `hasMarks`.
 */
export function programOf(regex: Regex, hasMarks = false): Program | RegexProblem {
  const writer = new Writer(hasMarks);
  const match = writer.add({ kind: 'match' });
  const body = writer.write(regex, match, 0);
  if (body === undefined) return { problem: writer.problem };
  const any: ByteSet = new Uint8Array(256).fill(1);
  const start = writer.loop(
    0,
    body,
    (again) => writer.add({ kind: 'byte', bytes: any, next: again, depth: 0 }),
    'first',
  );
  return writer.problem === '' ? { steps: writer.steps, start } : { problem: writer.problem };
}

class Writer {
  readonly steps: Step[] = [];
  problem = '';
  private readonly hasMarks: boolean;

  constructor(hasMarks: boolean) {
    this.hasMarks = hasMarks;
  }

  add(step: Step): number {
    return this.steps.push(step) - 1;
  }

  /** Adds the steps that match `regex` and go on at `next`, and returns the first; `undefined` with a problem. */
  write(regex: Regex, next: number, depth: number): number | undefined {
    if (this.steps.length > MOST_STEPS) return this.fail('is too large');
    switch (regex.kind) {
      case 'bytes':
        return this.add({ kind: 'byte', bytes: regex.bytes, next, depth });
      case 'begin':
      case 'end':
        return this.add({ kind: regex.kind, next, depth });
      case 'group':
        return this.group(regex, next, depth);
      case 'sequence':
        return regex.items.reduceRight<number | undefined>(
          (after, item) => (after === undefined ? undefined : this.write(item, after, depth)),
          next,
        );
      case 'either':
        return this.either(regex.items, next, depth);
      case 'look': {
        const body = this.write(regex.item, this.add({ kind: 'match' }), 0);
        return body === undefined ? undefined : this.add({ kind: 'look', body, negative: regex.negative, next, depth });
      }
      case 'repeat':
        return this.repeat(regex, next, depth);
    }
  }

  private group({ name, item }: Extract<Regex, { kind: 'group' }>, next: number, depth: number): number | undefined {
    if (!this.hasMarks || name === undefined) return this.write(item, next, depth);
    const inside = this.write(item, this.add({ kind: 'mark', name, opens: false, next, depth }), depth);
    return inside === undefined ? undefined : this.add({ kind: 'mark', name, opens: true, next: inside, depth });
  }

  private fail(problem: string): undefined {
    this.problem = problem;
    return undefined;
  }

  private either(items: readonly Regex[], next: number, depth: number): number | undefined {
    const written = items.map((item) => this.write(item, next, depth));
    return written.reduceRight((second, first) =>
      first === undefined || second === undefined ? undefined : this.add({ kind: 'either', first, second, depth }),
    );
  }

  private repeat(regex: Extract<Regex, { kind: 'repeat' }>, next: number, depth: number): number | undefined {
    if (regex.mode === 'possessive') {
      // What follows the body has the depth outside of it, so that failures there are told from failures in the body.
      const body = this.repeat({ ...regex, mode: 'greedy' }, next, depth + 1);
      return body === undefined ? undefined : this.add({ kind: 'atomic', body, depth });
    }
    const { item, least, most, mode } = regex;
    if (isNullable(item) && most > 1) return this.fail('repeats what may be empty');
    const prefer = mode === 'lazy' ? 'first' : 'second';
    let at: number | undefined = next;
    if (most === Number.POSITIVE_INFINITY) {
      at = this.loop(depth, next, (again) => this.write(item, again, depth), prefer);
    } else {
      for (let count = most; count > least && at !== undefined; count--) {
        const more = this.write(item, at, depth);
        if (more === undefined) return undefined;
        at = this.choice(next, more, prefer, depth);
      }
    }
    for (let count = 0; count < least && at !== undefined; count++) at = this.write(item, at, depth);
    return at;
  }

  private choice(leave: number, stay: number, prefer: 'first' | 'second', depth: number): number {
    const [first, second] = prefer === 'first' ? [leave, stay] : [stay, leave];
    return this.add({ kind: 'either', first, second, depth });
  }

  /**
   * Adds a loop that leaves for `next` or passes a body once more. The body matches at least one byte, so that no step
   * needs its own outcome.
   */
  loop(depth: number, next: number, body: (again: number) => number | undefined, prefer: 'first' | 'second'): number {
    const door = this.add({ kind: 'either', first: next, second: next, depth });
    const inside = body(door) ?? next;
    const [first, second] = prefer === 'first' ? [next, inside] : [inside, next];
    this.steps[door] = { kind: 'either', first, second, depth };
    return door;
  }
}

/** Returns whether an expression can match no character. */
export function isNullable(regex: Regex): boolean {
  switch (regex.kind) {
    case 'bytes':
      return false;
    case 'sequence':
      return regex.items.every(isNullable);
    case 'either':
      return regex.items.some(isNullable);
    case 'repeat':
      return regex.least === 0 || isNullable(regex.item);
    case 'group':
      return isNullable(regex.item);
    default:
      return true;
  }
}

/** Returns the order in which steps are computed: those that a step needs for the same rest of the text come first. */
export function orderOf({ steps }: Program): readonly number[] {
  const order: number[] = [];
  const seen = new Uint8Array(steps.length);
  const stack: number[] = [];
  for (let root = 0; root < steps.length; root++) {
    stack.push(root);
    while (stack.length > 0) {
      const at = stack.at(-1) ?? 0;
      if (seen[at] === 0) {
        seen[at] = 1;
        for (const needed of neededBy(steps[at])) if (seen[needed] === 0) stack.push(needed);
        continue;
      }
      stack.pop();
      if (seen[at] === 1) order.push(at);
      seen[at] = 2;
    }
  }
  return order;
}

function neededBy(step: Step | undefined): readonly number[] {
  switch (step?.kind) {
    case 'either':
      return [step.first, step.second];
    case 'begin':
    case 'end':
    case 'mark':
      return [step.next];
    case 'look':
      return [step.body, step.next];
    case 'atomic':
      return [step.body];
    default:
      return [];
  }
}

/** Returns the steps that a matcher can pass before it matches a byte. */
export function nearby({ steps, start }: Program): ReadonlySet<number> {
  const found = new Set([start]);
  for (const at of found) for (const needed of neededBy(steps[at])) found.add(needed);
  return found;
}

/** Returns the class of each byte: those of one class are in the same sets of all steps. */
export function columnsOf({ steps }: Pick<Program, 'steps'>): Uint8Array {
  const ids = new Map<string, number>();
  const sets = [...new Set(steps.flatMap((step) => (step.kind === 'byte' ? [step.bytes] : [])))];
  const distinct = [...new Map(sets.map((set) => [set.join(''), set])).values()];
  return Uint8Array.from({ length: 256 }, (_, byte) => {
    const key = distinct.map((set) => set[byte]).join('');
    const id = ids.get(key) ?? ids.size;
    ids.set(key, id);
    return id;
  });
}
