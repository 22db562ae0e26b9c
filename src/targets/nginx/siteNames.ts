import { escapeRegex } from '../../plan/regex.ts';
import type { NamePair } from '../../plan/sites.ts';
import { fingerprint } from '../../policy/shortened.ts';
import type { MapList } from './maps.ts';
import { type Variable, variable } from './quote.ts';

/** Bytes of names in one expression, so that it stays one that nginx can read. */
const MOST_BYTES = 3_000;

/** The public name alone and with the upstream's own port, before which it may have the dot of the root. */
export function spellings({ from, ownPort }: NamePair): string[] {
  return ownPort === '' ? [from] : [from, `${from}${ownPort}`, `${from}.${ownPort}`];
}

/**
 * Names as expressions, as few as will hold them. Where one expression ends depends on the names in it, so that a new
 * name changes one or two of them.
 */
export function alternatives(names: readonly string[]): string[] {
  const chunks: string[] = [];
  for (const name of names.toSorted()) {
    const source = escapeRegex(name);
    const last = chunks.at(-1);
    const isFull = last === undefined || last.length + source.length >= MOST_BYTES || startsOne(name);
    if (isFull) chunks.push(source);
    else chunks[chunks.length - 1] = `${last}|${source}`;
  }
  return chunks;
}

/** One name in 64. */
function startsOne(name: string): boolean {
  return Number.parseInt(fingerprint(name, 2), 16) < 4;
}

/** Behind a load balancer the sites listen on one port and are known by another: the one that clients say. */
export function portMap(secure: boolean, maps: MapList): Variable {
  const source = `(?<sites_digits>:(?!${secure ? 443 : 80}\\z)[0-9]{1,5})\\z`;
  return maps.add({
    name: 'sites_port',
    source: [variable('http_host')],
    patterns: [[source, variable('sites_digits')]],
  });
}
