import { rewriteApplies } from '../../policy/domains.ts';
import type { DomainRewrite } from '../../policy/types.ts';
import { type ExistingRule, takesName } from './existing.ts';

/** A label that no rule names, to stand for all names below a name. */
export const UNLIKELY = 'some-name-below';

/** Which rewrite of the spec a name belongs to. */
export type RewriteOf = (name: string) => DomainRewrite | undefined;

/**
 * Whether a rule takes a name that belongs to a rewrite. For a wildcard that cannot be tried name by name: a rule takes
 * none of its names only where that follows from how both end.
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

/** `.example.com` and `example.com` end names below; without the dot also `xexample.com` and the name itself. */
function namesEndingIn(suffix: string): string[] {
  const dotted = suffix.startsWith('.');
  return [`${UNLIKELY}${suffix}`, `${UNLIKELY}.${suffix.replace(/^\./, '')}`, ...(dotted ? [] : [suffix])];
}

/** Whether all that an expression matches ends in whole labels that are not those of the suffix. */
function endsElsewhere(expression: string, suffix: string): boolean {
  if (expression.includes('|')) return false;
  const dotted = expression.replaceAll('[.]', '\\.');
  const tail = /(\\\.(?:[A-Za-z0-9-]|\\\.)*)\$$/.exec(dotted)?.[1]?.replaceAll('\\.', '.').toLowerCase();
  return tail !== undefined && !suffix.endsWith(tail) && !tail.endsWith(suffix);
}
