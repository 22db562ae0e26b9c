import { rewriteFinder, targetName } from './domains.ts';
import type { DomainRewrite, Policy } from './types.ts';

export interface Resolved {
  /** The name whose records a pod gets, without trailing dot, lower case. */
  readonly name: string;
  /** Absent where the name is left alone. */
  readonly rewrite?: DomainRewrite;
}

/** DNS compares names without regard to case, and the dot of the root is part of every name. */
export function canonicalName(text: string): string {
  return text.replace(/\.$/, '').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The order in which rewrites are tried: whole names, then the longest suffix; the first that applies wins. */
export function inMatchOrder(rewrites: readonly DomainRewrite[]): DomainRewrite[] {
  const byName = (a: DomainRewrite, b: DomainRewrite) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0);
  return rewrites.toSorted(
    (a, b) => Number(a.wildcard) - Number(b.wildcard) || b.from.length - a.from.length || byName(a, b),
  );
}

/** One finder for each list of rewrites, because making one costs as much as the list is long. */
const finders = new WeakMap<readonly DomainRewrite[], ReturnType<typeof rewriteFinder>>();

/** The name whose records a pod gets when it asks for `text`. A rewritten name is not rewritten again. */
export function resolveName({ rewrites }: Policy, text: string): Resolved {
  const name = canonicalName(text);
  const find = finders.get(rewrites) ?? rewriteFinder(rewrites);
  finders.set(rewrites, find);
  const rewrite = find(name);
  return rewrite ? { name: targetName(rewrite, name), rewrite } : { name };
}
