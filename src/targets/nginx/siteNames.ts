import { escapeRegex } from '../../plan/regex.ts';
import type { MapList } from './maps.ts';
import { type Variable, variable } from './quote.ts';

/** Two names of one thing, each as it stands in URLs. */
export interface SiteName {
  readonly from: string;
  readonly to: string;
  /** The public name as the upstream is told it, with the upstream's own port where it has one. */
  readonly host: string;
  /** Whether it is these sites that answer under the private name, and so on the port that the client asked. */
  readonly here: boolean;
}

/** Bytes of names in one expression, so that it stays one that nginx can read. */
const MOST_BYTES = 3_000;

/** The public name in all its spellings. */
export function spellings({ from, host }: SiteName): string[] {
  return host === from ? [from] : [from, host];
}

/** Names as expressions, as few as will hold them; the longer of two that begin alike comes first. */
export function alternatives(names: readonly string[]): string[] {
  const chunks: string[] = [];
  for (const name of names.toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1)).map(escapeRegex)) {
    const last = chunks.at(-1);
    if (last !== undefined && last.length + name.length < MOST_BYTES) chunks[chunks.length - 1] = `${last}|${name}`;
    else chunks.push(name);
  }
  return chunks;
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
