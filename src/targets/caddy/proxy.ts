import { isClientsOwn } from '../../plan/bounds.ts';
import { tellsPositions } from '../../plan/log.ts';
import { accessOf } from '../../policy/access.ts';
import { isEverybody } from '../../policy/cidr.ts';
import { challengeOf } from '../../policy/key.ts';
import { schemeOf } from '../../policy/origin.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import { unquotable } from '../../render/token.ts';
import { type ClientModel, clientModel } from './addresses.ts';
import { callersOf } from './callers.ts';
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

/** One proxy in Caddy's words, in the order in which its handlers run. */
export interface ProxyModel {
  readonly name: CaddyToken;
  /** The names it is asked for, with the dot of the root and without. */
  readonly hosts: readonly CaddyToken[];
  readonly responseHeaders: readonly { readonly name: CaddyToken; readonly value: CaddyToken }[];
  readonly client: ClientModel | null;
  /** What is asked for, in a file of its own. */
  readonly routes: RoutesModel;
  /** What is found out about every request. */
  readonly tables: readonly Table[];
  readonly key: Table | null;
  /** Whether some id has two keys, so that the log says which one was sent. */
  readonly positions: boolean;
  readonly callers: readonly Table[];
  /** Whether a connection is one client's, so that it ends when its address is refused. */
  readonly ownConnections: boolean;
  /** Where some addresses are shut out. */
  readonly outside: Outside | null;
  /** What is asked from addresses of its own, and who may not ask. */
  readonly health: Health | null;
  /** Addresses that only these callers may come from. */
  readonly bound: readonly Bound[];
  /** What a missing key is asked for with. */
  readonly challenge: CaddyToken | null;
  /** Why a request is refused, and the status for it. */
  readonly refusal: readonly Table[];
  readonly allow: Table;
  /** The status for a method that a path does not take; 404, and no list of methods, where they are nobody's business. */
  readonly methodNotAllowed: Proxy['methodNotAllowed'];
  readonly tellsMethods: boolean;
  readonly answers: readonly {
    readonly name: CaddyToken;
    readonly routeClass: CaddyToken;
    readonly status: number;
    readonly body: CaddyToken | null;
  }[];
  readonly forwards: readonly Forward[];
  /** What is decided and not enforced. */
  readonly shadow: ShadowModel | null;
}

/** One site: a port, and who is asked there. */
export interface ListenerModel {
  readonly address: CaddyToken;
  readonly bind: CaddyToken;
  /** Certificate and key of each proxy; none for plain HTTP. The first is shown to whoever asks for another name. */
  readonly certificates: readonly (readonly CaddyToken[])[];
  /** The only one, if it takes any name. */
  readonly alone: ProxyModel | null;
  readonly named: readonly ProxyModel[];
  /** At most one, which gets whatever the others do not. */
  readonly nameless: readonly ProxyModel[];
}

export function listenerModel(policy: Policy, sharing: readonly [Proxy, ...Proxy[]]): ListenerModel {
  const [first] = sharing;
  const isNamed = ({ hosts }: Proxy) => hosts.length > 0;
  const modelOf = (proxy: Proxy) => proxyModel(policy, proxy);
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

/** User strings in it have been found quotable by `plan`. */
export function proxyModel(policy: Policy, proxy: Proxy): ProxyModel {
  const access = accessOf(proxy);
  if (!access) throw new Error('the policy was not checked for overlaps');
  const { classes, usesKeys } = access;
  const callers = usesKeys ? callersOf(policy, proxy, ENFORCED) : undefined;
  const bound = [...(callers?.addresses ?? [])];
  // The class is copied into a variable only where a check of addresses may clear it again.
  const caller = bound.length > 0 ? ENFORCED.bound : ENFORCED.caller;
  const [grants, expires] = [callers?.grants ?? new Map(), callers?.expires ?? false];
  const decision = { proxy, classes, usesKeys, caller, grants, expires, names: ENFORCED, token: '{http.vars.token}' };
  const outside = isEverybody(proxy.ranges) ? null : outsideOf(proxy, proxy.ranges, 'client.inside');
  const health = healthModel(proxy, classes, 'health.inside');
  const challenge = challengeOf(proxy);
  return {
    name: bareWord(proxy.id),
    hosts: proxy.hosts.flatMap((host) => [bareWord(host), bareWord(`${host}.`)]),
    responseHeaders: proxy.responseHeaders.map(({ name, value }) => ({ name: bareWord(name), value: userText(value) })),
    client: clientModel(proxy),
    routes: routesModel(access),
    tables: [
      ...requestTables(),
      routeTable(access, ENFORCED),
      bodyTable(classes, ENFORCED),
      passTable(decision),
      ...(proxy.publicUrl === undefined ? [hostTable()] : []),
      ...(outside?.table ? [outside.table] : []),
      ...(health?.outside?.table ? [health.outside.table] : []),
    ],
    key: usesKeys ? keyTable(proxy) : null,
    positions: usesKeys && tellsPositions(policy.apiKeys),
    callers: callers ? [...identityTables(tellsPositions(policy.apiKeys)), ...callers.tables] : [],
    ownConnections: isClientsOwn(proxy),
    outside,
    health,
    bound: bound.map(([name, set]) => boundModel(proxy, { name, set, destination: 'client.inside' })),
    challenge: challenge === undefined ? null : userText(challenge),
    refusal: refusalTables(decision),
    allow: allowTable(access),
    methodNotAllowed: proxy.methodNotAllowed,
    tellsMethods: proxy.methodNotAllowed === 405,
    answers: classes.flatMap((routeClass) => {
      if (routeClass.kind !== 'answer') return [];
      const { status, body } = routeClass.answer;
      const empty = status === 204 || status === 205 || status === 304;
      return [
        {
          name: bareWord(routeClass.id),
          routeClass: bareWord(routeClass.id),
          status,
          body: empty ? null : userText(body),
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
