import { grantSetOf } from '../../plan/callers.ts';
import { REFUSALS, UNDECIDED } from '../../plan/log.ts';
import { below } from '../../plan/regex.ts';
import type { Access } from '../../policy/access.ts';
import { DENIALS, type Denial } from '../../policy/decide.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import { PREFLIGHT } from './cors.ts';
import { decisionMaps } from './decision.ts';
import { type Caller, type Identity, insideOwnLists, keyPattern } from './identity.ts';
import { routeIds, type ShadowFields } from './log.ts';
import { type MapList, mapList } from './maps.ts';
import type { ShadowModel } from './model.ts';
import { className, variablePrefix } from './names.ts';
import type { PathNeeds } from './paths.ts';
import { type Part, type Variable, variable } from './quote.ts';
import { routingMaps } from './routing.ts';

/** Start of the names of all variables of a shadow. No other prefix of a variable starts with "_". */
export const SHADOW = '_shadow_';

export interface ShadowInput {
  /** The shadow policy; `proxy` and `access` belong to it as well. */
  readonly policy: Policy;
  readonly proxy: Proxy;
  readonly access: Access;
  /** The caller as the enforced policy identifies it; absent where that policy asks for no key. */
  readonly identity: Identity | undefined;
  /** Variable with the reason that the enforced policy refused the request for. */
  readonly reason: Variable;
}

export interface PlannedShadow {
  readonly model: ShadowModel;
  readonly fields: ShadowFields;
  readonly needs: PathNeeds;
}

/** Returns the maps of a shadow: the same as those of an enforced policy, but only the log uses them. */
export function shadowModel({ policy, proxy, access, identity, reason }: ShadowInput): PlannedShadow {
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
      source: [reason],
      fallback: value,
      exact: UNDECIDED.map((word) => [word, otherwise] as const),
    });
  const route = routeIds({ access, routing, prefix, maps: decisions });
  const fields = { shadow: decided('status', status, 'null'), shadowRoute: decided('decided_route', route, '') };
  const maps = [...callers.maps, ...routes.maps, ...machinery.maps, ...decisions.maps];
  return { model: { name: proxy.id, maps }, fields, needs: routing };
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
