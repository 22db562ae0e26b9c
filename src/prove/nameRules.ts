import type { NameBlock, NameRule } from './nameModel.ts';

/** Rules of a block by the names that they are for, so that a name is not held against thousands that are not for it. */
export class RulesByName {
  private readonly byWord = new Map<string, number[]>();
  private readonly byEnding = new Map<string, number[]>();
  private readonly others: number[] = [];
  private readonly rules: readonly NameRule[];

  private constructor(rules: readonly NameRule[]) {
    this.rules = rules;
    for (const [index, { on }] of rules.entries()) {
      if (on.words !== undefined) for (const word of on.words) listed(this.byWord, word).push(index);
      else if (on.ending !== undefined) listed(this.byEnding, on.ending).push(index);
      else this.others.push(index);
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
