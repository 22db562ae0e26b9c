import type { Access, RouteClass } from '../../policy/access.ts';
import { fingerprint } from './names.ts';

/** Longer ids, of paths that many groups allow, would not fit into a token beside what stands in front of them. */
const LONGEST_NAME = 120;

/** What maps call the route classes: by their ids, with capital letters told apart, and long ones by a short name. */
export function classNames(access: Access): ReadonlyMap<RouteClass, string> {
  const names =
    known.get(access) ?? new Map(access.classes.map((routeClass) => [routeClass, className(routeClass.id)]));
  known.set(access, names);
  return names;
}

const known = new WeakMap<Access, ReadonlyMap<RouteClass, string>>();

/** The same for names of sets of groups. */
export function className(id: string): string {
  const isPlain = id.length <= LONGEST_NAME && id === id.toLowerCase();
  return isPlain ? id : `${id.slice(0, LONGEST_NAME).toLowerCase()}--${fingerprint(id)}`;
}
