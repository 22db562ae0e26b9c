import { type Access, accessOf, type Cell } from '../../policy/access.ts';
import { type CidrSet, toCidrs } from '../../policy/cidr.ts';
import type { ApiKey, Forwarding, Proxy, Upstream } from '../../policy/types.ts';
import type { Areas } from './areas.ts';
import { clientOf } from './client.ts';
import { decisionMaps } from './decision.ts';
import type { Identity, Role } from './identity.ts';
import { answerLocations, ERROR_PAGES, forwardLocation } from './locations.ts';
import { logFormat } from './log.ts';
import { type AddressMapping, addressMapping, originMap } from './mapping.ts';
import { type MapList, mapList } from './maps.ts';
import type { ForwardLocation, ProxyModel } from './model.ts';
import { UNREADABLE } from './networks.ts';
import { type NginxToken, type Variable, value, variable, word } from './quote.ts';
import { routingMaps } from './routing.ts';

export interface ProxyInput {
  readonly proxy: Proxy;
  readonly access: Access;
  readonly prefix: string;
  readonly areas: Areas;
  readonly roles: ReadonlyMap<ApiKey, Role>;
  readonly identity: Identity | undefined;
  readonly limits: ForwardLocation['limits'];
  readonly caFile: string;
  /** Set where some proxy stands behind others: then each says who its client is. */
  readonly commonClient: boolean;
  readonly upstreamOf: (id: string) => { readonly upstream: Upstream; readonly name: string };
}

/** What a proxy reacts to; the policy layer has seen to it that the patterns are not too many. */
export function accessTo(proxy: Proxy): Access {
  const access = accessOf(proxy);
  if (!access) throw new Error(`the overlaps of ${proxy.id} were not checked`);
  return access;
}

export function proxyModel(input: ProxyInput): ProxyModel {
  const { proxy, access, prefix, areas, roles, identity } = input;
  const [clients, routes, decisions, mappings] = [mapList(), mapList(), mapList(), mapList()];
  const client = clientOf({ proxy, prefix, maps: clients });
  const routing = routingMaps(access, prefix, routes);
  const forwards = distinctForwardings(access);
  const locationOf = locationNames(access, forwards);
  const area = variable('area');
  const decision = decisionMaps({
    proxy,
    access,
    areas,
    area,
    routing,
    identity,
    roles,
    locationOf,
    prefix,
    maps: decisions,
  });
  const format = logFormat({ access, client: client.address, routing, identity, prefix, maps: mappings });
  const { clientIp } = proxy;
  return {
    file: `${proxy.id}.conf`,
    id: word(proxy.id),
    routing: routes.maps,
    decision: decisions.maps,
    listen: word(listenAddress(proxy)),
    trusted: clientIp.kind === 'proxyProtocol' ? trustedPeers(clientIp.trusted) : null,
    geos: client.geos,
    client: input.commonClient ? { maps: clients.maps, address: value(client.address) } : null,
    secureLink:
      identity && access.usesKeys ? { expected: value(...identity.expected), salted: value(...identity.salted) } : null,
    verdict: value('/%/', decision.verdict),
    errorPages: ERROR_PAGES,
    answers: answerLocations(proxy, access.cells, { allow: decision.allow, locationOf }),
    forwards: forwardLocations({ ...input, client: client.address }, forwards, mappings),
    mapping: mappings.maps,
    log: { name: word(`${prefix}log`), format },
  };
}

/** Nobody connects from the address that nginx cannot read. */
function trustedPeers(trusted: CidrSet): NginxToken[] {
  return toCidrs(trusted)
    .filter((cidr) => cidr !== UNREADABLE)
    .map(word);
}

function listenAddress({ listen: { address, port } }: Proxy): string {
  if (address === undefined) return String(port);
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Cells that differ only in who may use them are forwarded by one location. */
function distinctForwardings(access: Access): ReadonlyMap<string, { name: string; forwarding: Forwarding }> {
  const distinct = new Map<string, { name: string; forwarding: Forwarding }>();
  for (const cell of access.cells) {
    if (cell.kind !== 'forward') continue;
    const key = JSON.stringify(cell.forwarding);
    if (!distinct.has(key)) distinct.set(key, { name: `forward-${distinct.size + 1}`, forwarding: cell.forwarding });
  }
  return distinct;
}

function locationNames(access: Access, forwards: ReturnType<typeof distinctForwardings>): (cell: Cell) => string {
  return (cell) =>
    cell.kind === 'answer'
      ? `answer-${access.cells.indexOf(cell) + 1}`
      : (forwards.get(JSON.stringify(cell.forwarding))?.name ?? '404');
}

function forwardLocations(
  input: ProxyInput & { readonly client: Variable },
  forwards: ReturnType<typeof distinctForwardings>,
  maps: MapList,
): ForwardLocation[] {
  const { proxy, prefix, client, identity, limits, caFile, upstreamOf } = input;
  if (forwards.size === 0) return [];
  const origin = originMap(proxy, prefix, maps);
  const addresses = new Map<string, AddressMapping>();
  const mappingTo = (upstream: Upstream): AddressMapping => {
    const mapping =
      addresses.get(upstream.id) ?? addressMapping(upstream, origin, `${prefix}u${addresses.size + 1}_`, maps);
    addresses.set(upstream.id, mapping);
    return mapping;
  };
  return [...forwards.values()].map(({ name, forwarding }) => {
    const { upstream, name: upstreamName } = upstreamOf(forwarding.upstream);
    return forwardLocation({
      name,
      proxy,
      forwarding,
      upstream,
      upstreamName,
      client,
      identity,
      limits,
      caFile,
      mapping: mappingTo(upstream),
    });
  });
}
