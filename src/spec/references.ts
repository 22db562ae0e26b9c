import type { SpecPath } from '../diagnostics/diagnostic.ts';

/** A place that names an address set: `{ name: "office", at: ["proxies", "api", "ipRanges", 0] }`. */
export interface SetReference {
  readonly name: string;
  readonly at: SpecPath;
}

/** A set to which a target opens something beside the proxies, such as a firewall. */
export interface OpenedSet extends SetReference {
  /** Whether the target takes all sets, because its options name none. */
  readonly unnamed?: boolean;
}

/**
 * Every reference to an address set in a part of a spec, whatever the field: an item of a list that is `@name`, or
 * `{ not: "@name" }`. Nothing else that a spec can say has that form, so there is no list of fields to keep.
 * @param at where the part stands in the spec
 */
export function setReferences(part: unknown, at: SpecPath = []): SetReference[] {
  const found: SetReference[] = [];
  const visit = (value: unknown, path: SpecPath): void => {
    if (typeof value !== 'object' || value === null) return;
    const isList = Array.isArray(value);
    for (const [key, child] of Object.entries(value)) {
      const name = isList ? nameIn(child) : undefined;
      const next = () => [...path, isList ? Number(key) : key];
      if (name !== undefined) found.push({ name, at: typeof child === 'string' ? next() : [...next(), 'not'] });
      // The place of an item is made only where it is needed: there may be a hundred thousand addresses.
      else if (typeof child === 'object') visit(child, next());
    }
  };
  visit(part, at);
  return found;
}

/** The part with the sets that it refers to renamed, and nothing else. */
export function withSetsRenamed<T>(part: T, rename: (name: string) => string): T {
  const renamed = (value: unknown, isItem: boolean): unknown => {
    const name = isItem ? nameIn(value) : undefined;
    if (name !== undefined) return typeof value === 'string' ? `@${rename(name)}` : { not: `@${rename(name)}` };
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((item) => renamed(item, true));
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, renamed(child, false)]));
  };
  // The type is sound: a reference becomes another one, and all else stays.
  return renamed(part, false) as T;
}

function nameIn(item: unknown): string | undefined {
  const text = typeof item === 'object' && item !== null && 'not' in item ? item.not : item;
  return typeof text === 'string' && text.startsWith('@') ? text.slice(1) : undefined;
}
