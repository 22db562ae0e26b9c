import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { SecretReference } from '../policy/types.ts';
import { memberOf } from '../source/value.ts';

/** What a reference leads to; `unread` where a look would have issued a new secret. */
export type Answer = Found | Diagnostic | 'unread';

export interface Found {
  readonly value: string;
  /** Seconds since the epoch: from then on the value is worth nothing. Absent where nobody says so. */
  readonly until?: number;
  /** Seconds since the epoch: when the place that it comes from wants to be looked at again. */
  readonly again?: number;
}

/** Follows the references of one scheme. Each gets an answer, by its text. */
export type Source = (
  references: readonly SecretReference[],
  context: SourceContext,
) => Promise<ReadonlyMap<string, Answer>> | ReadonlyMap<string, Answer>;

export interface SourceContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of the spec: what relative paths are relative to. */
  readonly folder: string;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Whether a read may make somebody issue a new secret; otherwise such a reference is only looked at from outside. */
  readonly mayIssue: boolean;
}

/** What stands behind the colon, and the field behind "#" where there is one. */
export function partsOf({ text }: SecretReference): { readonly path: string; readonly field: string } {
  const rest = text.slice(text.indexOf(':') + 1);
  const hash = rest.indexOf('#');
  return hash < 0 ? { path: rest, field: '' } : { path: rest.slice(0, hash), field: rest.slice(hash + 1) };
}

/** References by the document that they lead into, so that each is asked for once. */
export function byPath(references: readonly SecretReference[]): Map<string, SecretReference[]> {
  const groups = new Map<string, SecretReference[]>();
  for (const reference of references) {
    const { path } = partsOf(reference);
    const group = groups.get(path);
    if (group) group.push(reference);
    else groups.set(path, [reference]);
  }
  return groups;
}

/** The text at `a/b` of a document; `undefined` where there is none, and for an empty one. */
export function fieldOf(document: unknown, field: string): string | undefined {
  const value = field.split('/').reduce(memberOf, document);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
