import type { Handler, MapTable } from './handlers.ts';

/** What has been set by the time that a handler runs. */
export interface Scope {
  readonly tables: readonly MapTable[];
  /** Whether the tables of secrets are there. */
  readonly secrets: boolean;
  readonly last: Assigned | undefined;
}

export interface Assigned {
  readonly handler: Extract<Handler, { kind: 'vars' }>;
  /** What its values are evaluated in. */
  readonly scope: Scope;
}

export const NOTHING_SET: Scope = { tables: [], secrets: false, last: undefined };

const following = new WeakMap<Scope, Map<Handler, Scope>>();

export function withHandler(scope: Scope, handler: Handler): Scope {
  const known = following.get(scope) ?? new Map<Handler, Scope>();
  following.set(scope, known);
  const found = known.get(handler) ?? changed(scope, handler);
  known.set(handler, found);
  return found;
}

function changed(scope: Scope, handler: Handler): Scope {
  // The first table of a name is the one that is asked.
  if (handler.kind === 'map') return { ...scope, tables: [...scope.tables, handler.table] };
  if (handler.kind === 'secrets') return { ...scope, secrets: true };
  if (handler.kind === 'vars') return { ...scope, last: { handler, scope } };
  return scope;
}

/** Returns the name of a value that follows from method and path alone. */
export function cutName({ place }: { readonly place: string }, name: string): string {
  return `${name} at ${place}`;
}
