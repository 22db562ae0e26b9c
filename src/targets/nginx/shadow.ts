import { grantSetOf } from '../../plan/callers.ts';
import { type Beside, foreseen, type KnownOperation } from '../../plan/foreseen.ts';
import { REFUSALS, UNDECIDED } from '../../plan/log.ts';
import { below } from '../../plan/regex.ts';
import type { Access, RouteClass } from '../../policy/access.ts';
import { DENIALS, type Denial } from '../../policy/decide.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import { PREFLIGHT } from './cors.ts';
import { decisionMaps } from './decision.ts';
import { type Caller, type Identity, insideOwnLists, keyPattern } from './identity.ts';
import { routeIds, type ShadowFields } from './log.ts';
import { type MapList, mapList } from './maps.ts';
import type { ShadowModel } from './model.ts';
import { className, classNames, patternName, variablePrefix } from './names.ts';
import { type PathNeeds, VERB } from './paths.ts';
import { type Part, type Variable, variable } from './quote.ts';
import { type Routing, routingMaps } from './routing.ts';

/** Start of the names of all variables of a shadow. No other prefix of a variable starts with "_". */
export const SHADOW = '_shadow_';

export interface ShadowInput {
  /** The shadow policy; `proxy` and `access` belong to it as well. */
  readonly policy: Policy;
  readonly proxy: Proxy;
  readonly access: Access;
  /** The caller as the enforced policy identifies it; absent where that policy asks for no key. */
  readonly identity: Identity | undefined;
  readonly enforced: Enforced;
}

/** The enforced policy at this proxy. */
export interface Enforced {
  readonly policy: Policy;
  readonly proxy: Proxy;
  readonly routing: Routing;
  /** Variable with the location that serves the request, or the reason of the refusal. */
  readonly verdict: Variable;
  readonly locationOf: (routeClass: RouteClass) => string;
  /** Variable with the reason that the request was refused for; "" for one that was forwarded. */
  readonly reason: Variable;
}

export interface PlannedShadow {
  readonly model: ShadowModel;
  readonly fields: ShadowFields;
  readonly needs: PathNeeds;
}

/** Returns the maps of a shadow: the same as those of an enforced policy, but only the log uses them. */
export function shadowModel(input: ShadowInput): PlannedShadow {
  const { policy, proxy, access, identity, enforced } = input;
  const prefix = `${SHADOW}${variablePrefix(proxy.id)}`;
  const [callers, routes, machinery, decisions] = [mapList(), mapList(), mapList(), mapList()];
  const routing = routingMaps({ access, prefix, routes, machinery });
  const { apiKeys } = policy;
  const caller = access.usesKeys ? callerOf({ policy, proxy, identity, prefix, maps: callers }) : undefined;
  const verdict = decisionMaps({
    ...{ proxy, access, routing, apiKeys, prefix, grants: routes, maps: decisions },
    ...{ identity: caller, shadow: SHADOW },
    locationOf: (routeClass) => (routeClass.kind === 'forward' ? 'null' : String(routeClass.answer.status)),
  });
  const status = decisions.add({
    name: `${prefix}_status`,
    source: [verdict],
    fallback: verdict,
    exact: [
      ...Object.keys(DENIALS)
        .filter((word): word is Denial => word in DENIALS)
        .map((word) => [word, String(word === 'method' ? proxy.methodNotAllowed : REFUSALS[word])] as const),
      ...(proxy.cors ? [[PREFLIGHT, '204'] as const] : []),
    ],
  });
  const decided = (name: string, value: Part, otherwise: string) =>
    decisions.add({
      name: `${prefix}_log_${name}`,
      source: [enforced.reason],
      fallback: value,
      exact: UNDECIDED.map((word) => [word, otherwise] as const),
    });
  const route = routeIds({ access, routing, prefix, maps: decisions });
  const own = { shadow: decided('status', status, 'null'), shadowRoute: decided('decided_route', route, '') };
  const fields = foreseenFields(input, own, { prefix, routes, decisions });
  const maps = [...callers.maps, ...routes.maps, ...machinery.maps, ...decisions.maps];
  return { model: { name: proxy.id, maps }, fields, needs: routing };
}

interface ForeseenMaps {
  readonly prefix: string;
  readonly routes: MapList;
  readonly decisions: MapList;
}

/**
 * Defines two look-ups that spare most requests the maps of the shadow: the route class that it has in place of the one
 * that is enforced, and its decision about a request that was forwarded. What depends on more of the request is left to
 * those maps. `$reason` stands in front, so that no row is about a request that was refused or has failed.
 */
function foreseenFields(
  { policy, proxy, access, identity, enforced }: ShadowInput,
  own: { readonly [K in keyof ShadowFields]: Variable },
  { prefix, routes, decisions }: ForeseenMaps,
): ShadowFields {
  const { operations, decisions: known } = foreseen(enforced, { policy, proxy });
  const names = classNames(access);
  const nameOf = (beside: Beside) => (typeof beside === 'number' ? '' : beside.id);
  const isNamed = (beside: Beside) => typeof beside === 'number' || names.get(beside) === beside.id;
  const rows = new Map<string, Set<string>>();
  const add = (parts: readonly (string | undefined)[], status: string) => {
    const row = parts.filter((part) => part !== undefined).join(' ');
    rows.set(row, (rows.get(row) ?? new Set()).add(status));
  };
  for (const { routeClass, grants, beside, status } of known.filter((each) => isNamed(each.beside))) {
    const caller = grants === undefined ? undefined : className(grants);
    add(
      [enforced.locationOf(routeClass), caller, nameOf(beside)],
      typeof beside === 'number' ? 'none' : String(status),
    );
  }
  const sure = [...rows].flatMap(([row, [status, ...others]]) =>
    status === undefined || status === 'unknown' || others.length > 0 ? [] : [[row, status] as const],
  );
  if (sure.length === 0) return own;
  const rowOf = ({ method, endpoint }: KnownOperation) => `${method} ${patternName(endpoint)}`;
  const place = [VERB, ' ', enforced.routing.endpoint];
  const route = routes.add({
    name: `${prefix}_beside`,
    comment: 'Its route class for each route that is enforced, where no more of the request matters.',
    source: [enforced.reason, ...place],
    fallback: own.shadowRoute,
    exact: operations
      .filter(({ beside }) => isNamed(beside))
      .map((each) => [rowOf(each), nameOf(each.beside)] as const),
  });
  const none = routes.add({
    name: `${prefix}_without`,
    comment: 'What it would answer to routes that are enforced and that it does not have.',
    source: place,
    fallback: own.shadow,
    idle: true,
    exact: operations.flatMap((each) =>
      typeof each.beside === 'number' ? [[rowOf(each), String(each.beside)] as const] : [],
    ),
  });
  const shadow = decisions.add({
    name: `${prefix}_foreseen`,
    comment: 'Its decision about requests that were forwarded: where to, the grants of the key, and its route class.',
    source: [enforced.reason, enforced.verdict, ' ', ...(identity ? [identity.grants, ' '] : []), route],
    fallback: own.shadow,
    exact: sure.map(([row, status]) => [row, status === 'none' ? none : status] as const),
  });
  return { shadow, shadowRoute: route };
}

interface CallerInput extends Pick<ShadowInput, 'policy' | 'proxy' | 'identity'> {
  readonly prefix: string;
  readonly maps: MapList;
}

/**
 * Returns the caller of a shadow. The enforced policy tells whose key it is; what that key may do, from which addresses
 * and until when is up to the shadow.
 */
function callerOf({ policy: { apiKeys }, proxy, identity, prefix, maps }: CallerInput): Caller {
  if (!identity) return strangerOf(proxy, prefix, maps);
  const found = (name: string, value: Part) =>
    maps.add({
      name: `${prefix}_${name}`,
      source: [identity.link],
      exact: ['1', '0'].map((is) => [is, value] as const),
    });
  const id = found('key', identity.id);
  const ends = apiKeys.flatMap((key) => (key.expires === undefined ? [] : [[key.id, String(key.expires)] as const]));
  const moments = [...new Set(ends.map(([, end]) => end))].sort();
  const end = maps.add({ name: `${prefix}_key_end`, source: [id], idle: true, exact: ends });
  const link = maps.add({
    name: `${prefix}_key_link`,
    source: [found('key_found', '1'), ' ', end, ' ', variable('msec')],
    patterns: [
      ['^1  ', '1'],
      ...moments.map((moment) => [`^1 ${moment} ${below(Number(moment))}[.]`, '1'] as const),
      ['^1 ', '0'],
    ],
  });
  const grants = maps.add({
    name: `${prefix}_key_grants`,
    source: [id],
    idle: true,
    exact: apiKeys.map(
      (key) => [key.id, [className(grantSetOf(key).name), ...insideOwnLists(key, maps, SHADOW)]] as const,
    ),
  });
  return { sent: identity.sent, selector: identity.selector, link, grants };
}

/** Returns the caller where the enforced policy asks for no key. The request may hold a key, and no key is known. */
function strangerOf({ apiKeyHeader, apiKeyScheme }: Proxy, prefix: string, maps: MapList): Caller {
  const sent = variable(`http_${apiKeyHeader.toLowerCase().replaceAll('-', '_')}`);
  const selector = maps.add({
    name: `${prefix}_key_selector`,
    source: [sent],
    patterns: [[keyPattern(apiKeyScheme), variable('key_end')]],
  });
  const nobody = maps.add({ name: `${prefix}_key_nobody`, source: [''] });
  return { sent, selector, link: nobody, grants: nobody };
}
