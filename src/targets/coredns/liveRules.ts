import { rewriteApplies } from '../../policy/domains.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { type ExistingRule, takesName } from './existing.ts';

/** A label that no rule has; it stands for all names below a name. */
export const UNLIKELY = 'some-name-below';

/** Returns the rewrite that a name belongs to. */
export type RewriteOf = (name: string) => DomainRewrite | undefined;

/**
 * Returns whether a rule may match a name that belongs to a rewrite. The names of a wildcard cannot all be tried: a
 * rule matches none of them only where the ends of both prove it.
 */
export function couldTake(rule: ExistingRule, rewrite: DomainRewrite, rewriteOf: RewriteOf): boolean {
  const takes = (name: string) =>
    rewriteApplies(rewrite, name) && rewriteOf(name) === rewrite && takesName(rule, `${name}.`);
  if (!rewrite.wildcard) return takes(rewrite.from);
  switch (rule.match) {
    case 'exact':
      return takes(rule.from.slice(0, -1));
    case 'suffix':
      return [`${UNLIKELY}.${rewrite.from}`, ...namesEndingIn(rule.from.slice(0, -1))].some(takes);
    case 'regex':
      return !endsElsewhere(rule.from, `.${rewrite.from}.`);
    default:
      return true;
  }
}

/** Returns names that end in a suffix: below `.example.com`; for `example.com` also `xexample.com` and the name itself. */
function namesEndingIn(suffix: string): string[] {
  const dotted = suffix.startsWith('.');
  return [`${UNLIKELY}${suffix}`, `${UNLIKELY}.${suffix.replace(/^\./, '')}`, ...(dotted ? [] : [suffix])];
}

/** Returns whether all names that an expression matches end in whole labels that differ from those of the suffix. */
function endsElsewhere(expression: string, suffix: string): boolean {
  if (expression.includes('|')) return false;
  const dotted = expression.replaceAll('[.]', '\\.');
  const tail = /(\\\.(?:[A-Za-z0-9-]|\\\.)*)\$$/.exec(dotted)?.[1]?.replaceAll('\\.', '.').toLowerCase();
  return tail !== undefined && !suffix.endsWith(tail) && !tail.endsWith(suffix);
}
