import type { Route } from './types.ts';

/** Access levels of GitLab, the lowest first. */
export const ACCESS_LEVELS = [
  'guest',
  'planner',
  'reporter',
  'security_manager',
  'developer',
  'maintainer',
  'owner',
] as const;
export type AccessLevel = (typeof ACCESS_LEVELS)[number];

const API = '/api/v4';

interface Level {
  readonly kind: 'projects' | 'groups';
  /** The path after `/projects/ID` or `/groups/ID`, with `*` for each placeholder. */
  readonly rest: RegExp;
  readonly read: AccessLevel;
  /** Absent if the level depends on more than the path, such as on a protected branch. */
  readonly write?: AccessLevel;
}

/**
 * The lowest level that GitLab's documentation names for a request on a private project or group. The level of a
 * request that is not listed is unknown, and `lint` reports nothing about it.
 */
const LEVELS: readonly Level[] = [
  { kind: 'projects', rest: /^$/, read: 'guest' },
  { kind: 'projects', rest: /^\/(?:members(?:\/all)?|users)(?:\/\*)?$/, read: 'guest' },
  { kind: 'projects', rest: /^\/(?:issues|labels)(?:\/\*)?$/, read: 'guest', write: 'reporter' },
  {
    kind: 'projects',
    rest: /^\/merge_requests(?:\/\*(?:\/(?:closes_issues|commits|diffs|discussions|notes|resource_label_events))?)?$/,
    read: 'reporter',
    write: 'developer',
  },
  { kind: 'projects', rest: /^\/repository\/(?:branches|commits|files|tags|tree)(?:\/\*)?$/, read: 'reporter' },
  { kind: 'projects', rest: /^\/(?:pipelines|jobs)(?:\/\*)?$/, read: 'reporter' },
  {
    kind: 'projects',
    rest: /^\/(?:hooks|variables|protected_branches)(?:\/\*)?$/,
    read: 'maintainer',
    write: 'maintainer',
  },
  { kind: 'groups', rest: /^$/, read: 'guest' },
  { kind: 'groups', rest: /^\/(?:descendant_groups|issues|projects|subgroups)$/, read: 'guest' },
  { kind: 'groups', rest: /^\/members(?:\/all)?(?:\/\*)?$/, read: 'guest' },
  { kind: 'groups', rest: /^\/labels(?:\/\*)?$/, read: 'guest', write: 'reporter' },
  { kind: 'groups', rest: /^\/merge_requests$/, read: 'reporter' },
  { kind: 'groups', rest: /^\/(?:hooks|variables)(?:\/\*)?$/, read: 'owner', write: 'owner' },
];

const READING = new Set(['GET', 'HEAD']);

/** Returns whether a route only reads at GitLab. */
export function onlyReads({ methods }: Pick<Route, 'methods'>): boolean {
  return methods.every((method) => READING.has(method));
}

/** Returns the lowest level that suffices for all of these requests; `undefined` if that of one is unknown. */
export function leastLevel(routes: readonly Route[]): AccessLevel | undefined {
  const levels = routes.map((route): number => {
    // A placeholder for the rest of a path may lead anywhere, so that it stays and no level matches.
    const shape = route.pattern.text.replace(/\{[^}*]*\}/g, '*');
    const [, kind, rest] = /^\/api\/v4\/(projects|groups)\/\*(.*)$/.exec(shape) ?? [];
    const known = LEVELS.find((level) => level.kind === kind && level.rest.test(rest ?? ''));
    const level = onlyReads(route) ? known?.read : known?.write;
    return level ? ACCESS_LEVELS.indexOf(level) : ACCESS_LEVELS.length;
  });
  return levels.length === 0 ? undefined : ACCESS_LEVELS[Math.max(...levels)];
}

/** Returns the smallest scopes that suffice for all of these requests; `undefined` if those of one are unknown. */
export function leastScopes(routes: readonly Route[]): readonly string[] | undefined {
  const scopes = routes.map((route) => {
    const { text } = route.pattern;
    const reads = onlyReads(route);
    if (text.startsWith(`${API}/`)) return reads ? 'read_api' : 'api';
    if (text === '/v2/' || text.startsWith('/v2/')) return reads ? 'read_registry' : 'write_registry';
    return undefined;
  });
  const known = scopes.filter((scope) => scope !== undefined);
  if (known.length === 0 || known.length < scopes.length) return undefined;
  // The scope `api` includes `read_api`.
  const needed = new Set(known);
  if (needed.has('api')) needed.delete('read_api');
  return [...needed].sort();
}
