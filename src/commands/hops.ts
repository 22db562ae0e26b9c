import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { LocatedDocument } from '../source/span.ts';
import { excerptOf, locator } from './location.ts';

/** One station on the way of a name or an image. */
export interface Hop {
  readonly kind: string;
  /** What happens there, for people. */
  readonly words: string;
  readonly host: string;
  /** What in the spec decides it; absent where nothing has a say. */
  readonly at?: SpecPath | undefined;
}

/** A line for each station and its place, then each line of the spec that had a say. */
export function hopLines(hops: readonly Hop[], document: LocatedDocument): string {
  const locate = locator(document);
  const lines = hops.map(({ words, host, at }) => `  ${words} ${host}${at ? ` (${locate(at)})` : ''}\n`);
  const excerpts = new Set(hops.flatMap(({ at }) => (at ? [excerptOf(at, document)] : [])));
  return [...lines, ...excerpts].join('');
}

export function jsonHops(hops: readonly Hop[], document: LocatedDocument): object[] {
  const locate = locator(document);
  return hops.map(({ kind, host, at }) => ({ kind, host, ...(at && { at: locate(at) }) }));
}
