import type { SpecPath } from '../diagnostics/diagnostic.ts';
import type { PullHop } from '../plan/pulls.ts';
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
  return stationLines(hops, document) + excerptLines(hops, document);
}

/** A line for each station and its place. */
export function stationLines(hops: readonly Hop[], document: LocatedDocument): string {
  const locate = locator(document);
  return hops.map(({ words, host, at }) => `  ${words} ${host}${at ? ` (${locate(at)})` : ''}\n`).join('');
}

/** Each line of the spec that had a say, once. */
export function excerptLines(hops: readonly Hop[], document: LocatedDocument): string {
  return [...new Set(hops.flatMap(({ at }) => (at ? [excerptOf(at, document)] : [])))].join('');
}

export function jsonHops(hops: readonly Hop[], document: LocatedDocument): object[] {
  const locate = locator(document);
  return hops.map(({ kind, host, at }) => ({ kind, host, ...(at && { at: locate(at) }) }));
}

const PULL_WORDS: Readonly<Record<PullHop['kind'], string>> = {
  node: 'the node contacts',
  site: 'the proxy site there is',
  upstream: 'its upstream gets Host',
  realm: 'it may name as token realm',
  token: 'the node asks for its token at',
  fallback: 'where that fails, the node contacts',
};

export function worded(hop: PullHop): Hop {
  return { ...hop, words: PULL_WORDS[hop.kind] };
}
