import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { accessOf, isRoute, type Place } from '../policy/access.ts';
import type { Policy, Proxy, Route } from '../policy/types.ts';
import { ruleCodes } from './codes.ts';

/** Whether whoever may use one route may use the other, and for the same methods. */
function covers(wide: Route, narrow: Route): boolean {
  return wide.group === narrow.group && narrow.methods.every((method) => wide.methods.includes(method));
}

/** For each route, the routes that are there wherever it is. */
function companions(places: readonly Place[]): Map<Route, Set<Route>> {
  const together = new Map<Route, Set<Route>>();
  for (const { state } of places) {
    const routes = state.accepts.filter(isRoute);
    for (const route of routes) {
      const known = together.get(route);
      const here = routes.filter(
        (other) => other !== route && (known === undefined || known.has(other)) && covers(other, route),
      );
      together.set(route, new Set(here));
    }
  }
  return together;
}

function inProxy(proxy: Proxy): Diagnostic[] {
  const access = accessOf(proxy);
  if (!access) return [];
  const removed = new Set<Route>();
  return [...companions(access.places)].flatMap(([route, others]) => {
    // Of two that cover each other one has to stay.
    const other = [...others].find((candidate) => !removed.has(candidate));
    if (!other) return [];
    removed.add(route);
    const words = (one: Route) => `${one.methods.join(',')} ${one.pattern.text}`;
    const related = [{ at: other.origin, message: 'allowed here' }];
    return ruleCodes.report('redundant', route.origin, { request: words(route), other: words(other) }, { related });
  });
}

/** Entries that allow nothing that another entry of their group does not allow. */
export function redundant(policy: Policy): Diagnostic[] {
  const found = new Map(policy.proxies.flatMap(inProxy).map((diagnostic) => [diagnostic.at.join('/'), diagnostic]));
  return [...found.values()];
}
