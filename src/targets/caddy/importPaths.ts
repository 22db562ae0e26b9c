import { parsePattern } from '../../policy/pattern.ts';

/** The paths that a matcher takes: one path, or all that begin with it. */
export interface Region {
  readonly start: string;
  readonly exact: boolean;
}

export const EVERYTHING: Region = { start: '/', exact: false };

/** A path of a matcher: `/api/*`, `/api*`, `/health`; `undefined` where stars stand elsewhere. */
export function regionOf(text: string): Region | undefined {
  if (text === '*' || text === '/*') return EVERYTHING;
  const exact = !text.endsWith('*');
  const start = exact ? text : text.slice(0, -1);
  return /^\/[^*{}%]*$/.test(start) ? { start: start.toLowerCase(), exact } : undefined;
}

/** Whether some path is in both. Caddy compares without regard to case. */
export function overlap(a: Region, b: Region): boolean {
  if (a.exact && b.exact) return a.start === b.start;
  if (a.exact) return a.start.startsWith(b.start);
  if (b.exact) return b.start.startsWith(a.start);
  return a.start.startsWith(b.start) || b.start.startsWith(a.start);
}

/** Whether every path of `inner` is in `outer`, and some other too. */
export function isInside(inner: Region, outer: Region): boolean {
  if (outer.exact || !inner.start.startsWith(outer.start)) return false;
  return inner.exact || inner.start.length > outer.start.length;
}

/** The patterns of a matcher's path as it is written, none where a spec has none for it. */
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
