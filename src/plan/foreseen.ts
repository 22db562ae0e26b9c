import { walkPairs } from '../accessDiff/product.ts';
import {
  type Access,
  accessOf,
  type Endpoint,
  isOpen,
  methodsAt,
  type RouteClass,
  routeClassOf,
} from '../policy/access.ts';
import { isWithin } from '../policy/cidr.ts';
import { DENIALS } from '../policy/decide.ts';
import type { ApiKey, Forwarding, Policy, Proxy } from '../policy/types.ts';
import { grantSetOf } from './callers.ts';

export type ForwardClass = Extract<RouteClass, { kind: 'forward' }>;

/** What a shadow has at a place that the enforced policy allows: a route class, or the status for none. */
export type Beside = RouteClass | number;

/** An operation of the enforced policy whose place in the shadow does not depend on the rest of the request. */
export interface KnownOperation {
  /** Name of the endpoint of the enforced policy. */
  readonly endpoint: string;
  /** GET stands for HEAD too. */
  readonly method: string;
  readonly routeClass: ForwardClass;
  readonly beside: Beside;
}

/** The decision of a shadow about what the enforced policy forwarded for a class to a caller. */
export interface ForeseenDecision {
  readonly routeClass: ForwardClass;
  /** Name of the grant set of the caller in the enforced policy; absent where that policy asks nobody for a key. */
  readonly grants?: string;
  readonly beside: Beside;
  /** Status of the refusal; `null` where the shadow forwards too, "unknown" where it depends on the request. */
  readonly status: number | null | 'unknown';
}

export interface Foreseen {
  readonly operations: readonly KnownOperation[];
  readonly decisions: readonly ForeseenDecision[];
}

interface Side {
  readonly policy: Policy;
  readonly proxy: Proxy;
}

/**
 * Returns what is known beforehand about the decisions of a shadow: most requests that one policy forwards are at a
 * place that the other has too, or has not, whatever else they hold. What is not foreseen has to be decided.
 */
export function foreseen(enforced: Side, shadow: Side): Foreseen {
  const [access, beside] = [accessOf(enforced.proxy), accessOf(shadow.proxy)];
  const places = access && beside && placesBeside(access, beside);
  if (!places || !isWithin(enforced.proxy.ranges, shadow.proxy.ranges)) return { operations: [], decisions: [] };
  const sides = { access, beside, enforced, shadow };
  return { operations: knownOperations(places, sides), decisions: decisionsOn(places, sides) };
}

interface Sides {
  readonly access: Access;
  readonly beside: Access;
  readonly enforced: Side;
  readonly shadow: Side;
}

/** By endpoint, the endpoints of the shadow to which its paths lead; `undefined` among them where some lead to none. */
type Places = ReadonlyMap<Endpoint, ReadonlySet<Endpoint | undefined>>;

function placesBeside(access: Access, beside: Access): Places | undefined {
  const [own, other] = [access, beside].map(
    ({ endpoints }) => new Map(endpoints.map((endpoint) => [endpoint.state.id, endpoint])),
  );
  const found = new Map<Endpoint, Set<Endpoint | undefined>>();
  const complete = walkPairs(access.automaton, beside.automaton, ({ before, after }) => {
    const endpoint = before && own?.get(before.id);
    if (endpoint) found.set(endpoint, (found.get(endpoint) ?? new Set()).add(after && other?.get(after.id)));
  });
  return complete ? found : undefined;
}

function besideAt(place: Endpoint | undefined, method: string, { shadow }: Sides): Beside {
  return place ? (routeClassOf(method, place) ?? shadow.proxy.methodNotAllowed) : DENIALS.path;
}

/** Returns the operations of endpoints all of whose paths lead to one place in the shadow. */
function knownOperations(places: Places, sides: Sides): KnownOperation[] {
  return [...places].flatMap(([endpoint, [place, ...others]]) => {
    if (others.length > 0) return [];
    const at = (method: string) => besideAt(place, method, sides);
    return [...endpoint.classes].flatMap(([method, routeClass]): KnownOperation[] => {
      if (routeClass.kind !== 'forward' || method === 'HEAD') return [];
      const isOfHead = method !== 'GET' || (routeClassOf('HEAD', endpoint) === routeClass && at('HEAD') === at('GET'));
      return isOfHead ? [{ endpoint: endpoint.state.name, method, routeClass, beside: at(method) }] : [];
    });
  });
}

/** Returns by route class what the shadow has where requests of this class lead, known before or not. */
function besidesOf(places: Places, sides: Sides): ReadonlyMap<ForwardClass, ReadonlySet<Beside>> {
  const found = new Map<ForwardClass, Set<Beside>>();
  for (const [endpoint, others] of places) {
    for (const place of others) {
      for (const method of methodsAt(endpoint, place).add('HEAD')) {
        const routeClass = routeClassOf(method, endpoint);
        if (routeClass?.kind !== 'forward') continue;
        found.set(routeClass, (found.get(routeClass) ?? new Set()).add(besideAt(place, method, sides)));
      }
    }
  }
  return found;
}

function decisionsOn(places: Places, sides: Sides): ForeseenDecision[] {
  const { access, beside: other } = sides;
  const callers = access.usesKeys ? grantGroups(sides) : [];
  return [...besidesOf(places, sides)].flatMap(([routeClass, besides]) =>
    [...besides].flatMap((beside): ForeseenDecision[] => {
      if (!access.usesKeys) {
        return [{ routeClass, beside, status: other.usesKeys ? 'unknown' : statusFor(routeClass, beside) }];
      }
      // Nothing is known of the key of a caller who needs none.
      if (isOpen(routeClass)) return [];
      return callers
        .filter(({ groups }) => routeClass.groups.some((group) => groups.includes(group)))
        .map(({ grants, keys }) => {
          const [status = 'unknown', ...others] = new Set(keys.map((key) => statusFor(routeClass, beside, key)));
          return { routeClass, grants, beside, status: others.length > 0 ? 'unknown' : status };
        });
    }),
  );
}

interface GrantGroup {
  readonly grants: string;
  readonly groups: readonly string[];
  /** The keys of the shadow that the callers have there. */
  readonly keys: readonly ApiKey[];
}

/** Returns the callers by grant set, of those sets all of whose keys the shadow takes wherever they are taken here. */
function grantGroups({ enforced, shadow }: Sides): GrantGroup[] {
  const twins = new Map(shadow.policy.apiKeys.map((key) => [key.id, key]));
  const groups = new Map<
    string,
    { readonly set: ReturnType<typeof grantSetOf>; readonly keys: (ApiKey | undefined)[] }
  >();
  for (const key of enforced.policy.apiKeys) {
    const set = grantSetOf(key);
    const group = groups.get(set.name) ?? { set, keys: [] };
    groups.set(set.name, group);
    const twin = twins.get(key.id);
    group.keys.push(twin && isTaken(key, twin) ? twin : undefined);
  }
  return [...groups.values()].flatMap(({ set, keys }) => {
    const taken = keys.filter((key) => key !== undefined);
    return taken.length === keys.length ? [{ grants: set.name, groups: set.groups, keys: taken }] : [];
  });
}

/** Returns whether a key is valid in the shadow at every time and from every address at which it is valid here. */
function isTaken(key: ApiKey, twin: ApiKey): boolean {
  const isAlive = twin.expires === undefined || (key.expires !== undefined && key.expires <= twin.expires);
  return isAlive && (!twin.ranges || (key.ranges !== undefined && isWithin(key.ranges, twin.ranges)));
}

/** Returns the status of the shadow for a caller whose key it takes, and for everybody where it takes none. */
function statusFor(routeClass: ForwardClass, beside: Beside, key?: ApiKey): ForeseenDecision['status'] {
  if (typeof beside === 'number') return beside;
  if (beside.kind !== 'forward') return 'unknown';
  if (key && !isOpen(beside) && !beside.groups.some((group) => key.groups.includes(group)))
    return DENIALS['key-routes'];
  return takesBodies(routeClass.forwarding, beside.forwarding) ? null : 'unknown';
}

/** Returns whether every body that one class takes is one that the other takes. */
function takesBodies(one: Forwarding, other: Forwarding): boolean {
  const { contentTypes: types, maxBody: most } = other;
  const isOfType =
    types === 'any' || (one.contentTypes !== 'any' && one.contentTypes.every((each) => types.includes(each)));
  return isOfType && (most === undefined || (one.maxBody !== undefined && one.maxBody <= most));
}
