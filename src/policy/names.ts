import { rewriteFinder, targetName } from './domains.ts';
import type { DomainRewrite, Policy } from './types.ts';

export interface Resolved {
  /** The name whose records a pod gets, without trailing dot, lower case. */
  readonly name: string;
  /** Absent if no rewrite applies. */
  readonly rewrite?: DomainRewrite;
}

/** Returns a name in lower case without the root's dot: DNS ignores case, and every name ends in that dot. */
export function canonicalName(text: string): string {
  return text.replace(/\.$/, '').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/**
 * Returns rewrites in the order in which they are tried: exact names, then the longest suffix. The first that applies
 * wins.
 */
export function inMatchOrder(rewrites: readonly DomainRewrite[]): DomainRewrite[] {
  const byName = (a: DomainRewrite, b: DomainRewrite) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0);
  return rewrites.toSorted(
    (a, b) => Number(a.wildcard) - Number(b.wildcard) || b.from.length - a.from.length || byName(a, b),
  );
}

/** Finders by list of rewrites, because making one takes time in proportion to the list. */
const finders = new WeakMap<readonly DomainRewrite[], ReturnType<typeof rewriteFinder>>();

/** Returns the name whose records a pod gets when it asks for `text`. A rewritten name is not rewritten again. */
export function resolveName({ rewrites }: Policy, text: string): Resolved {
  const name = canonicalName(text);
  const find = finders.get(rewrites) ?? rewriteFinder(rewrites);
  finders.set(rewrites, find);
  const rewrite = find(name);
  return rewrite ? { name: targetName(rewrite, name), rewrite } : { name };
}
