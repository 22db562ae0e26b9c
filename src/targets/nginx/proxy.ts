import { type ForwardPlan, type Forwards, forwardsOf } from '../../plan/forwards.ts';
import type { RouteSet } from '../../plan/routeSets.ts';
import { type Access, accessOf, type RouteClass } from '../../policy/access.ts';
import { type CidrSet, toCidrs } from '../../policy/cidr.ts';
import { urlHost } from '../../policy/origin.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import { UNREADABLE } from './addresses.ts';
import { clientOf } from './client.ts';
import { type CorsHeaders, corsHeaders } from './cors.ts';
import { decisionMaps } from './decision.ts';
import type { Identity } from './identity.ts';
import {
  answerLocations,
  ERROR_PAGES,
  forwardLocation,
  LOCATION_PREFIX,
  locationName,
  TLS_ERROR_PAGES,
} from './locations.ts';
import { logFile, logFormat, type ProxyLog, type ProxyReasons, pathField, proxyFields } from './log.ts';
import { type Answers, addressMapping, type Mapped } from './mapping.ts';
import { type MapList, mapList } from './maps.ts';
import type { ForwardLocation, PerAddress, ProxyModel, ShadowModel, SharedRoutesModel } from './model.ts';
import { blockName, classNames, sharedPrefix, variablePrefix } from './names.ts';
import { isIncluded, type NginxOptions } from './options.ts';
import type { PathNeeds } from './paths.ts';
import { bareWord, literal, type NginxToken, type Variable, value } from './quote.ts';
import { type Routing, routingMaps } from './routing.ts';
import { type PlannedShadow, shadowModel } from './shadow.ts';
import { perAddress, requestsPerAddress } from './sizes.ts';
import type { Upstreams } from './upstreams.ts';

export interface ProxyInput {
  readonly policy: Policy;
  readonly options: NginxOptions;
  readonly proxy: Proxy;
  readonly access: Access;
  readonly isDefault: boolean;
  readonly identity: Identity | undefined;
  readonly limits: ForwardLocation['limits'];
  readonly caFile: string;
  readonly upstreams: Upstreams;
  readonly reasons: ProxyReasons;
  readonly answers: Answers;
  /** Where several proxies share the tables of their paths. */
  readonly sharedRoutes?: SharedRoutes | undefined;
  /** The shadow, which is decided and logged beside the enforced policy. */
  readonly shadow?: Policy | undefined;
}

/** The tables of the paths of a route set, and what proxies know of them. */
export interface SharedRoutes {
  readonly routing: Routing;
  /** The path in the log. */
  readonly path: Variable;
  readonly model: SharedRoutesModel;
}

export function sharedRoutesOf({ name, proxy }: RouteSet): SharedRoutes {
  const [routes, machinery, log] = [mapList(), mapList(), mapList()];
  const prefix = sharedPrefix(name);
  const routing = routingMaps({ access: accessTo(proxy), prefix, routes, machinery });
  const path = pathField({ route: routing.route, prefix, maps: log });
  const model = { file: `${name}.paths.conf`, routes: routes.maps, routing: machinery.maps, log: log.maps };
  return { routing, path, model };
}

/** A server name that no Host matches. nginx treats a request without Host as one for the first name of its server. */
const NO_NAME = '~^(?!)';

/** Returns the access of a proxy. The policy layer has checked that its patterns do not overlap in too many ways. */
export function accessTo(proxy: Proxy): Access {
  const access = accessOf(proxy);
  if (!access) throw new Error(`the overlaps of ${proxy.id} were not checked`);
  return access;
}

export interface PlannedProxy {
  readonly model: ProxyModel;
  readonly shadow?: ShadowModel;
  /** What the routing of the proxy and of its shadow needs. */
  readonly needs: readonly PathNeeds[];
}

export function proxyModel(input: ProxyInput): PlannedProxy {
  const { policy, proxy, access, identity } = input;
  const prefix = variablePrefix(proxy.id);
  const [clients, routes, machinery, decisions, mappings] = [mapList(), mapList(), mapList(), mapList(), mapList()];
  const client = clientOf({ proxy, prefix, maps: clients });
  const { sharedRoutes } = input;
  const routing = sharedRoutes?.routing ?? routingMaps({ access, prefix, routes, machinery });
  const forwards = forwardsOf(access, policy);
  const names = classNames(access);
  const locationOf = (routeClass: RouteClass) => forwards.of(routeClass)?.name ?? names.get(routeClass) ?? 'path';
  const { apiKeys } = policy;
  const context = { proxy, access, routing, identity, prefix };
  const verdict = decisionMaps({ ...context, apiKeys, locationOf, grants: routes, maps: decisions });
  const log = {
    ...context,
    path: sharedRoutes?.path,
    client: client.address,
    verdict,
    forwards,
    locationOf,
    maps: mappings,
  };
  const { format, shadow } = proxyLog(log, input);
  const { clientIp } = proxy;
  const limited = addressLimit(input, { forwards, client: client.address, maps: clients });
  const { allow } = routing;
  const cors = corsHeaders({ proxy, prefix, maps: decisions, allow });
  const model = {
    included: isIncluded(input.options),
    name: proxy.id,
    routes: routes.maps,
    routing: machinery.maps,
    sharedRoutes: sharedRoutes ? bareWord(sharedRoutes.model.file) : null,
    decision: decisions.maps,
    listen: bareWord(listenAddress(proxy)),
    isDefault: input.isDefault,
    serverNames: proxy.hosts.length === 0 ? [] : [literal(NO_NAME), ...proxy.hosts.map(bareWord)],
    perAddress: limited,
    tls: proxy.tls ? { certFile: literal(proxy.tls.certFile), keyFile: literal(proxy.tls.keyFile) } : null,
    trusted: clientIp.kind === 'proxyProtocol' ? trustedPeers(clientIp.trusted) : null,
    geos: client.geos,
    client: { maps: clients.maps, address: value(client.address) },
    secureLink:
      identity && access.usesKeys ? { expected: value(...identity.expected), salted: value(...identity.salted) } : null,
    maxRequestHead: proxy.maxRequestHead,
    verdict: value(LOCATION_PREFIX, verdict),
    errorPages: (proxy.tls ? TLS_ERROR_PAGES : ERROR_PAGES).map((page) => ({
      ...page,
      location: locationName(String(page.status)),
    })),
    answers: answerLocations(proxy, access.classes, { allow, cors, locationOf }),
    forwards: forwardLocations(input, {
      forwards,
      prefix,
      client: client.address,
      perAddress: limited,
      maps: mappings,
      cors,
    }),
    mapping: mappings.maps,
    log: { ...logFile(input.options), name: bareWord(`proxy-${blockName(proxy.id)}`), format },
  };
  return { model, ...(shadow && { shadow: shadow.model }), needs: [routing, ...(shadow ? [shadow.needs] : [])] };
}

/**
 * Returns the limit of concurrent requests of one address. A proxy has it only where some requests need no key: a
 * caller with a key is known, and the key can be revoked.
 */
function addressLimit(
  { proxy, options }: ProxyInput,
  { forwards, client, maps }: Pick<ForwardContext, 'forwards' | 'client' | 'maps'>,
): PerAddress | null {
  if (!forwards.all.some(({ forwarding }) => forwarding.auth === 'passthrough')) return null;
  const name = `${variablePrefix(proxy.id)}_addresses`;
  return perAddress({ name, address: client, most: requestsPerAddress(options), options, maps });
}

interface LogInput extends ProxyLog {
  readonly proxy: Proxy;
  readonly client: Variable;
  readonly verdict: Variable;
  readonly forwards: Forwards;
  readonly locationOf: (routeClass: RouteClass) => string;
}

function proxyLog(
  { proxy, client, verdict, forwards, locationOf, ...input }: LogInput,
  { policy: own, shadow: policy, identity, reasons }: Pick<ProxyInput, 'policy' | 'shadow' | 'identity' | 'reasons'>,
): { format: NginxToken[]; shadow: PlannedShadow | undefined } {
  const { prefix, maps } = input;
  const answered = input.access.classes.flatMap((each) =>
    each.kind === 'answer' && each.answer.status >= 400
      ? [`${each.answer.status} ${LOCATION_PREFIX}${locationOf(each)}`]
      : [],
  );
  const { reason, told } = reasons.of({ forwards: forwards.all, answered, verdict, prefix, maps });
  const twin = policy?.proxies.find(({ id }) => id === proxy.id);
  const known = input.access.usesKeys ? identity : undefined;
  const enforced = { policy: own, proxy, routing: input.routing, verdict, locationOf, reason };
  const shadow =
    policy && twin && shadowModel({ policy, proxy: twin, access: accessTo(twin), identity: known, enforced });
  return {
    format: logFormat({ proxy: proxy.id, client, reason: told, ...proxyFields(input) }, shadow?.fields),
    shadow,
  };
}

/**
 * Returns the load balancers that are trusted. 255.255.255.255 is left out: nginx cannot read it, and no connection
 * comes from it.
 */
export function trustedPeers(trusted: CidrSet): NginxToken[] {
  return toCidrs(trusted)
    .filter((cidr) => cidr !== UNREADABLE)
    .map(bareWord);
}

function listenAddress({ listen: { address, port } }: Proxy): string {
  if (address === undefined) return String(port);
  return `${urlHost(address)}:${port}`;
}

interface ForwardContext {
  readonly forwards: Forwards;
  readonly prefix: string;
  readonly client: Variable;
  readonly perAddress: PerAddress | null;
  readonly maps: MapList;
  readonly cors: CorsHeaders;
}

function forwardLocations(
  input: ProxyInput,
  { forwards, prefix, client, perAddress, maps, cors }: ForwardContext,
): ForwardLocation[] {
  const { proxy, identity, limits, caFile, upstreams, answers } = input;
  if (forwards.all.length === 0) return [];
  const addresses = new Map<string, readonly Mapped[]>();
  const mappingTo = ({ upstream }: ForwardPlan): readonly Mapped[] => {
    const { publicUrl } = proxy;
    if (publicUrl === undefined) return answers.of(upstream);
    const own = { upstream, origin: publicUrl, name: `${prefix}_from_${variablePrefix(upstream.id)}`, publicUrl };
    const mapping = addresses.get(upstream.id) ?? addressMapping(own, maps);
    addresses.set(upstream.id, mapping);
    return mapping;
  };
  return forwards.all.map((plan) =>
    forwardLocation({
      proxy,
      plan,
      origin: upstreams.origin(plan.upstream).text,
      client,
      identity,
      limits,
      perAddress,
      caFile,
      cors,
      mapped: mappingTo(plan),
    }),
  );
}
