import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { SecretReference } from '../policy/types.ts';
import { memberOf } from '../source/value.ts';
import type { Issued } from './state.ts';

/** The result of following a reference; `unread` if that would have issued a new secret. */
export type Answer = Found | Diagnostic | 'unread';

export interface Found {
  readonly value: string;
  /** Seconds since 1970 at which it is to be read again; absent if it lasts. */
  readonly again?: number;
  readonly warning?: Diagnostic;
}

/**
 * Whether a read may issue a new secret. `never`: such a reference is not read; it is checked whether it could be.
 * `later`: it will be read in a second pass, so that what cannot be checked is no error yet. `now`: it is read.
 */
export type Issuing = 'never' | 'later' | 'now';

/** Follows the references of one scheme, and returns an answer for each, by its text. */
export type Source = (
  references: readonly SecretReference[],
  context: SourceContext,
) => Promise<ReadonlyMap<string, Answer>> | ReadonlyMap<string, Answer>;

export interface SourceContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder of the spec, to which relative paths refer. */
  readonly folder: string;
  /** Seconds since 1970. */
  readonly now: number;
  readonly issuing: Issuing;
  readonly issued: Issued;
  /** Returns the upstreams that get the value of a reference: one that changes is no heir of what the other one was issued. */
  readonly receivers: (reference: string) => readonly string[];
  /** Milliseconds that a program may take; a minute if absent. */
  readonly patience?: number;
}

/** Returns the path after the colon, and the field after "#" or "". */
export function partsOf({ text }: SecretReference): { readonly path: string; readonly field: string } {
  const rest = text.slice(text.indexOf(':') + 1);
  const hash = rest.indexOf('#');
  return hash < 0 ? { path: rest, field: '' } : { path: rest.slice(0, hash), field: rest.slice(hash + 1) };
}

/** Groups references by the document that they lead to, so that each is read once. */
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

/** Returns the text at `a/b` of a document; `undefined` if it is missing or empty. */
export function fieldOf(document: unknown, field: string): string | undefined {
  const value = field.split('/').reduce(memberOf, document);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
