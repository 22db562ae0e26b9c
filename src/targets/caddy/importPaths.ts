import { grouped } from '../../policy/grouped.ts';
import { parsePattern } from '../../policy/pattern.ts';

/** The paths that a matcher matches: one path, or all paths with a prefix. */
export interface Region {
  readonly start: string;
  readonly exact: boolean;
}

export const EVERYTHING: Region = { start: '/', exact: false };

/** Returns the paths of a matcher: `/api/*`, `/api*`, `/health`; `undefined` where stars are elsewhere. */
export function regionOf(text: string): Region | undefined {
  if (text === '*' || text === '/*') return EVERYTHING;
  const exact = !text.endsWith('*');
  const start = exact ? text : text.slice(0, -1);
  return /^\/[^*{}%]*$/.test(start) ? { start: start.toLowerCase(), exact } : undefined;
}

/** Things by the regions that they have, so that those which overlap some are found without looking at each. */
export class ByRegion<T extends { readonly regions: readonly Region[] }> {
  readonly #all: readonly T[];
  readonly #sorted: readonly { readonly start: string; readonly index: number }[];
  readonly #byStart: ReadonlyMap<string, readonly { readonly index: number }[]>;
  readonly #lengths: readonly number[];

  constructor(all: readonly T[]) {
    this.#all = all;
    const entries = all.flatMap(({ regions }, index) => regions.map(({ start }) => ({ start, index })));
    this.#sorted = entries.toSorted((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
    this.#byStart = grouped(entries, ({ start }) => start);
    this.#lengths = [...new Set(entries.map(({ start }) => start.length))];
  }

  /** Returns, in their order, all things with a region that overlaps one of these, and a few more. */
  around(regions: readonly Region[]): T[] {
    const found = new Set<number>();
    for (const { start, exact } of regions) {
      for (const length of this.#lengths)
        if (length <= start.length)
          for (const { index } of this.#byStart.get(start.slice(0, length)) ?? []) found.add(index);
      if (!exact) for (const index of this.#below(start)) found.add(index);
    }
    return [...found].sort((a, b) => a - b).flatMap((index) => this.#all[index] ?? []);
  }

  *#below(start: string): Iterable<number> {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sorted[middle]?.start ?? '') < start) low = middle + 1;
      else high = middle;
    }
    for (; this.#sorted[low]?.start.startsWith(start); low += 1) yield this.#sorted[low]?.index ?? 0;
  }
}

/** Returns whether some path is in both. Caddy ignores case. */
export function overlap(a: Region, b: Region): boolean {
  if (a.exact && b.exact) return a.start === b.start;
  if (a.exact) return a.start.startsWith(b.start);
  if (b.exact) return b.start.startsWith(a.start);
  return a.start.startsWith(b.start) || b.start.startsWith(a.start);
}

/** Returns whether `outer` has every path of `inner`, and others too. */
export function isInside(inner: Region, outer: Region): boolean {
  if (outer.exact || !inner.start.startsWith(outer.start)) return false;
  return inner.exact || inner.start.length > outer.start.length;
}

/** Returns the patterns for a path of a matcher; none where a spec has none for it. */
export function patternsIn(text: string): string[] {
  const region = regionOf(text);
  if (!region) return [];
  const start = text.replace(/\*$/, '') || '/';
  if (region.exact) return 'problem' in parsePattern(start) ? [] : [start];
  const whole = start.replace(/\/$/, '');
  if (whole !== '' && 'problem' in parsePattern(whole)) return [];
  const below = [`${whole}/`, `${whole}/{rest:encodedPath*}`];
  return start.endsWith('/') ? below : [whole, ...below];
}
