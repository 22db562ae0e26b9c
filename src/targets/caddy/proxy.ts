import { isClientsOwn } from '../../plan/bounds.ts';
import { tellsPositions } from '../../plan/log.ts';
import type { RouteSet } from '../../plan/routeSets.ts';
import { type Access, accessOf } from '../../policy/access.ts';
import { isEverybody } from '../../policy/cidr.ts';
import { challengeOf } from '../../policy/key.ts';
import { schemeOf } from '../../policy/origin.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import { unquotable } from '../../render/token.ts';
import { type ClientModel, clientModel } from './addresses.ts';
import { callersOf } from './callers.ts';
import { type CorsModel, corsModel } from './cors.ts';
import { passTable, refusalTables } from './decision.ts';
import { type Forward, forwardModels, hostTable } from './forward.ts';
import { ENFORCED } from './names.ts';
import { type Bound, boundModel, type Health, healthModel, type Outside, outsideOf } from './outside.ts';
import { bareWord, type CaddyToken, escapedBraces, trustedText } from './quote.ts';
import { bodyTable, identityTables, keyTable, requestTables } from './request.ts';
import { allowTable, type RoutesModel, routesModel, routeTable } from './routes.ts';
import { bindOf } from './server.ts';
import { type ShadowModel, shadowModel } from './shadow.ts';
import type { Table } from './table.ts';

/** A proxy in Caddy's terms, in the order in which its handlers run. */
export interface ProxyModel {
  readonly name: CaddyToken;
  /** Its name as a value, which without quotes may be a number or a truth to Caddy, such as `inf` and `t`. */
  readonly value: CaddyToken;
  /** Its names, each also with the dot of the DNS root. */
  readonly hosts: readonly CaddyToken[];
  readonly responseHeaders: readonly { readonly name: CaddyToken; readonly value: CaddyToken }[];
  readonly client: ClientModel | null;
  /** The file with the table of its paths, and the table; `null` where other proxies share it. */
  readonly routesFile: CaddyToken;
  readonly routes: RoutesModel | null;
  /** Tables about every request. */
  readonly tables: readonly Table[];
  readonly key: Table | null;
  /** Whether some id has two keys, so that the log says which one was sent. */
  readonly positions: boolean;
  readonly callers: readonly Table[];
  /** Whether a connection belongs to one client, so that it is closed when its address is refused. */
  readonly ownConnections: boolean;
  /** The test for clients that are not admitted; `null` where all are. */
  readonly outside: Outside | null;
  /** The health path; `null` without one. */
  readonly health: Health | null;
  /** `null` where browsers are told nothing. */
  readonly cors: CorsModel | null;
  /** Address sets of callers. */
  readonly bound: readonly Bound[];
  /** Value of `WWW-Authenticate`; `null` without one. */
  readonly challenge: CaddyToken | null;
  /** Tables of the reason of a refusal and of its status. */
  readonly refusal: readonly Table[];
  readonly allow: Table;
  /** Status for a method that a path does not have. 404 hides that the path exists, so `tellsMethods` is false then. */
  readonly methodNotAllowed: Proxy['methodNotAllowed'];
  readonly tellsMethods: boolean;
  readonly answers: readonly {
    readonly name: CaddyToken;
    readonly routeClass: CaddyToken;
    readonly status: number;
    readonly body: CaddyToken | null;
  }[];
  readonly forwards: readonly Forward[];
  /** The shadow, which is decided but not enforced. */
  readonly shadow: ShadowModel | null;
}

/** A site of the Caddyfile: an address, and the proxies that share it. */
export interface ListenerModel {
  readonly address: CaddyToken;
  readonly bind: CaddyToken;
  /** Certificate and key of each proxy; none for plain HTTP. Clients that ask for an unknown name get the first. */
  readonly certificates: readonly (readonly CaddyToken[])[];
  /** The only proxy, if it has no names. */
  readonly alone: ProxyModel | null;
  readonly named: readonly ProxyModel[];
  /** At most one proxy, which gets the requests for all other names. */
  readonly nameless: readonly ProxyModel[];
}

/** The spec, and which of its proxies share a table of paths. */
export interface Serving {
  readonly policy: Policy;
  readonly sets: ReadonlyMap<Proxy, RouteSet>;
}

export function listenerModel(serving: Serving, sharing: readonly [Proxy, ...Proxy[]]): ListenerModel {
  const [first] = sharing;
  const isNamed = ({ hosts }: Proxy) => hosts.length > 0;
  const modelOf = (proxy: Proxy) => proxyModel(serving, proxy);
  const nameless = sharing.filter((proxy) => !isNamed(proxy)).map(modelOf);
  return {
    address: bareWord(`${schemeOf(first)}://:${first.listen.port}`),
    bind: bareWord(bindOf(first.listen)),
    certificates: sharing.flatMap(({ tls }) => (tls ? [[trustedText(tls.certFile), trustedText(tls.keyFile)]] : [])),
    alone: sharing.length === 1 ? (nameless[0] ?? null) : null,
    named: sharing.filter(isNamed).map(modelOf),
    nameless,
  };
}

export interface SharedRoutes {
  readonly file: string;
  readonly routes: RoutesModel;
}

export function sharedRoutesOf(set: RouteSet): SharedRoutes {
  return { file: sharedFile(set), routes: routesModel(accessTo(set.proxy)) };
}

function sharedFile({ name }: RouteSet): string {
  return `${name}.paths`;
}

function accessTo(proxy: Proxy): Access {
  const access = accessOf(proxy);
  if (!access) throw new Error('the policy was not checked for overlaps');
  return access;
}

/** Returns the model of a proxy, whose user texts `plan` has found to be quotable. */
export function proxyModel({ policy, sets }: Serving, proxy: Proxy): ProxyModel {
  const access = accessTo(proxy);
  const set = sets.get(proxy);
  const { classes, usesKeys } = access;
  const callers = usesKeys ? callersOf(policy, proxy, ENFORCED) : undefined;
  const bound = [...(callers?.addresses ?? [])];
  // The class is copied into a variable only where a check of addresses may clear it.
  const caller = bound.length > 0 ? ENFORCED.bound : ENFORCED.caller;
  const [grants, expires] = [callers?.grants ?? new Map(), callers?.expires ?? false];
  const decision = { proxy, classes, usesKeys, caller, grants, expires, names: ENFORCED, token: '{http.vars.token}' };
  const outside = isEverybody(proxy.ranges) ? null : outsideOf(proxy, proxy.ranges, 'client.inside');
  const health = healthModel(proxy, classes, 'health.inside');
  const challenge = challengeOf(proxy);
  const cors = corsModel(proxy);
  return {
    name: bareWord(proxy.id),
    value: trustedText(proxy.id),
    hosts: proxy.hosts.flatMap((host) => [bareWord(host), bareWord(`${host}.`)]),
    responseHeaders: proxy.responseHeaders.map(({ name, value }) => ({ name: bareWord(name), value: userText(value) })),
    client: clientModel(proxy),
    routesFile: bareWord(set ? sharedFile(set) : `${proxy.id}.routes`),
    routes: set ? null : routesModel(access),
    tables: [
      ...requestTables(),
      routeTable(access, ENFORCED),
      bodyTable(classes, ENFORCED),
      passTable(decision),
      ...(proxy.publicUrl === undefined ? [hostTable()] : []),
      ...(outside?.table ? [outside.table] : []),
      ...(health?.outside?.table ? [health.outside.table] : []),
      ...(cors?.tables ?? []),
    ],
    key: usesKeys ? keyTable(proxy) : null,
    positions: usesKeys && tellsPositions(policy.apiKeys),
    callers: callers ? [...identityTables(tellsPositions(policy.apiKeys)), ...callers.tables] : [],
    ownConnections: isClientsOwn(proxy),
    outside,
    health,
    cors,
    bound: bound.map(([name, set]) => boundModel(proxy, { name, set, destination: 'client.inside' })),
    challenge: challenge === undefined ? null : userText(challenge),
    refusal: refusalTables(decision),
    allow: allowTable(access),
    methodNotAllowed: proxy.methodNotAllowed,
    tellsMethods: proxy.methodNotAllowed === 405,
    answers: classes.flatMap((routeClass) => {
      if (routeClass.kind !== 'answer') return [];
      const { status, body } = routeClass.answer;
      return [
        {
          name: bareWord(routeClass.id),
          routeClass: bareWord(routeClass.id),
          status,
          body: body === '' ? null : userText(body),
        },
      ];
    }),
    forwards: forwardModels(policy, proxy, access),
    shadow: shadowModel(policy, proxy),
  };
}

function userText(text: string): CaddyToken {
  const made = escapedBraces(text);
  if (!made) throw unquotable('plan let pass what cannot be quoted', text);
  return made;
}
