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
