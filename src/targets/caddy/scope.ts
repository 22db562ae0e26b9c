import { CannotTell } from '../../prove/explore.ts';
import { numberOf } from '../../prove/numberOf.ts';
import { type Handler, type MapTable, type Template, templateOf } from './handlers.ts';

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

/** Returns the name of a value that follows from method and path alone. What is imported twice has one place. */
export function cutName(handler: Handler, name: string): string {
  return `${name} of ${numberOf(handler)}`;
}

/** Those whose values do not depend on each other. */
const ordered = new WeakSet<Assigned>();

/** Throws where it matters in which order variables of one block are set: Caddy has none. */
export function checkOrder(assigned: Assigned): void {
  if (ordered.has(assigned)) return;
  const { handler, scope } = assigned;
  for (const [name, value] of handler.values)
    for (const other of handler.values.keys())
      if (other !== name && mentions(value, other, scope))
        throw new CannotTell(`${handler.place}: ${name} depends on ${other}`);
  ordered.add(assigned);
}

function mentions(template: Template, variable: string, scope: Scope, seen = new Set<string>()): boolean {
  return template.some((part) => {
    if (typeof part === 'string' || seen.has(part.name)) return false;
    if (part.name === `http.vars.${variable}`) return true;
    seen.add(part.name);
    const table = scope.tables.find(({ name }) => name === part.name);
    if (!table) return false;
    const outputs = [
      table.fallback,
      ...table.rows.flatMap(({ source, output }) => (source === undefined ? [output] : [])),
    ];
    return [table.source, ...outputs.map((each) => templateOf(each, table.place))].some((each) =>
      mentions(each, variable, scope, seen),
    );
  });
}
