import { grouped } from '../policy/grouped.ts';
import { fingerprint } from '../policy/shortened.ts';
import type { Policy, Proxy } from '../policy/types.ts';

/** Proxies with the same paths, whose tables of paths are made once. */
export interface RouteSet {
  /**
   * The route groups, `hooks+read`; `all` for every group of the spec. A digest follows where the proxies answer
   * something themselves, which has paths too: `all~0123456789ab`. The name depends on no proxy, so that none that
   * comes or goes changes it.
   */
  readonly name: string;
  /** Any of the proxies: the tables of the others would be the same. */
  readonly proxy: Proxy;
}

/**
 * Up to so many proxies with the same paths have tables of their own, called after the proxy: what one of them gets or
 * loses changes few lines, and none of the others. More of them share theirs, since copies would be most of what is
 * generated. That is one jump, and no further proxy makes another.
 */
const FEW = 3;
/** Longer names get a digest. */
const LONGEST = 40;
const EVERY_GROUP = 'all';
const PLAIN = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?:\+[a-z][a-z0-9]*(?:-[a-z0-9]+)*)*$/;

type Serving = Pick<Policy, 'proxies' | 'routes'>;

/** Returns the route set of each proxy that shares its tables. All others have tables of their own. */
export function routeSets({ proxies, routes }: Serving): ReadonlyMap<Proxy, RouteSet> {
  const alike = grouped(proxies, (proxy) => JSON.stringify([proxy.groups, answered(proxy)]));
  const every = new Set(routes.map(({ group }) => group)).size;
  return new Map(
    [...alike.values()].flatMap((list) => {
      const [proxy] = list;
      if (!proxy || list.length <= FEW) return [];
      const set = { name: nameOf(proxy, every), proxy };
      return list.map((each) => [each, set] as const);
    }),
  );
}

/** Returns the sets themselves, sorted by name. */
export function distinctSets(sets: ReadonlyMap<Proxy, RouteSet>): readonly RouteSet[] {
  return [...new Set(sets.values())].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Returns what the paths of a proxy depend on beside its routes. What it answers with, and to whom, is decided later. */
function answered({ answers, health }: Proxy): readonly (readonly [methods: readonly string[], path: string])[] {
  return [...answers, ...(health ? [health] : [])].map(({ methods, pattern }) => [methods, pattern.text]);
}

function nameOf(proxy: Proxy, every: number): string {
  const groups = proxy.groups.length === every ? EVERY_GROUP : groupsName(proxy.groups.join('+'));
  const own = answered(proxy);
  return own.length === 0 ? groups : `${groups}~${fingerprint(JSON.stringify(own), 12)}`;
}

/** Returns a name in small letters, since names of files may ignore case. A group may have the name of all of them. */
function groupsName(text: string): string {
  if (PLAIN.test(text) && text.length <= LONGEST && text !== EVERY_GROUP) return text;
  const plain = text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `${plain.slice(0, LONGEST).replace(/-$/, '')}-${fingerprint(text, 12)}`;
}
