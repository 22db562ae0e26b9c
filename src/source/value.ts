/** Returns whether a value from JSON, YAML or TOML has named members. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Returns a member of an object, or an element of a list by its number; `undefined` if there is none, or the value is
 * neither.
 */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

/** Returns a list; an empty one for any other value. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Parses JSON; `undefined` if the text is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const known = new WeakMap<object, string>();

/** Returns a text that is equal for equal values, and only for these. The order of keys in objects does not matter. */
export function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return stringOf(value);
  const text = known.get(value) ?? stringOf(value);
  known.set(value, text);
  return text;
}

function stringOf(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : inKeyOrder(part))) ?? '-';
}

function inKeyOrder(part: unknown): unknown {
  if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
  return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
}
