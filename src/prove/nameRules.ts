import type { NameBlock, NameRule } from './nameModel.ts';

/** Rules of a block by the names that they are for, so that a name is not held against thousands that are not for it. */
export class RulesByName {
  private readonly byWord = new Map<string, number[]>();
  private readonly byEnding = new Map<string, number[]>();
  /** Rules for names and endings, by the endings that these have. */
  private readonly byUpper = new Map<string, number[]>();
  private readonly others: number[] = [];
  private readonly rules: readonly NameRule[];

  private constructor(rules: readonly NameRule[]) {
    this.rules = rules;
    for (const [index, { on }] of rules.entries()) {
      if (on.words !== undefined) for (const word of on.words) this.list(this.byWord, word, index);
      else if (on.ending !== undefined) this.list(this.byEnding, on.ending, index);
      else this.others.push(index);
    }
  }

  private list(lists: Map<string, number[]>, key: string, index: number): void {
    listed(lists, key).push(index);
    for (const upper of endingsOf(key)) {
      const list = listed(this.byUpper, upper);
      if (list.at(-1) !== index) list.push(index);
    }
  }

  static of(block: Pick<NameBlock, 'rules'>): RulesByName {
    const known = made.get(block.rules) ?? new RulesByName(block.rules);
    made.set(block.rules, known);
    return known;
  }

  /** Returns the first rule for a name and a type of question from a place in the order on, and its place. */
  next(name: string, type: string, from: number): { readonly rule: NameRule; readonly at: number } | undefined {
    const applies = (index: number) => {
      const rule = this.rules[index];
      return index >= from && rule?.on.has(name) === true && (rule.type ?? type) === type;
    };
    const lists = [this.byWord.get(name), ...endingsOf(name).map((ending) => this.byEnding.get(ending)), this.others];
    const at = Math.min(...lists.flatMap((list) => list?.find(applies) ?? []));
    const rule = this.rules[at];
    return rule && { rule, at };
  }

  /**
   * Returns the first rule from a place in the order on that may be for some of the names with an end such as
   * `.example.com.`, and its place. Rules for names and for longer endings are left out unless `inner`.
   */
  nextBelow(end: string, from: number, inner: boolean): { readonly rule: NameRule; readonly at: number } | undefined {
    const isDomain = end.startsWith('.');
    const lists = [...endingsOf(end).map((ending) => this.byEnding.get(ending)), this.others];
    if (inner) lists.push(this.byUpper.get(end));
    const at = isDomain ? Math.min(...lists.map((list) => firstFrom(list ?? [], from))) : from;
    const rule = this.rules[at];
    return rule && { rule, at };
  }
}

/** Returns the first number of a sorted list that is not below another one. */
function firstFrom(list: readonly number[], from: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  return list[low] ?? Number.POSITIVE_INFINITY;
}

const made = new WeakMap<readonly NameRule[], RulesByName>();

function listed(lists: Map<string, number[]>, key: string): number[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

/** Returns the ends of a name that begin with a dot: `.example.com.`, `.com.` and `.` of `a.example.com.`. */
function endingsOf(name: string): string[] {
  return [...name.matchAll(/[.]/g)].map(({ index }) => name.slice(index));
}
