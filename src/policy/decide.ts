import type { SpecPath } from '../diagnostics/diagnostic.ts';
import {
  type Access,
  accessOf,
  type Endpoint,
  healthOf,
  isOpen,
  isRoute,
  type RouteClass,
  routeClassOf,
  takes,
  toldMethods,
} from './access.ts';
import { run } from './automaton.ts';
import { contains } from './cidr.ts';
import { isPreflight } from './cors.ts';
import { isMisdirected } from './hosts.ts';
import { isAllowedQuery } from './query.ts';
import { headBytesOf, headerValues, type ProxyRequest, withoutBlanks } from './request.ts';
import type { ApiKey, Forwarding, Policy, Proxy } from './types.ts';

/**
 * Reasons why a request is refused, in the order of the checks, with their statuses. For `method`, a proxy may use 404
 * instead.
 */
export const DENIALS = {
  'head-size': 431,
  misdirected: 421,
  address: 403,
  'key-missing': 401,
  'key-malformed': 401,
  'key-unknown': 403,
  'key-expired': 403,
  'key-address': 403,
  path: 404,
  method: 405,
  'key-routes': 403,
  query: 400,
  'content-type': 415,
  'body-size': 413,
} as const;

export type Denial = keyof typeof DENIALS;

interface Common {
  /** Id of the request's route class; "" if it has none. */
  readonly route: string;
  /** Place in the spec that the decision comes from. */
  readonly at: SpecPath;
}

export type Decision =
  | (Common & { readonly kind: 'forward'; readonly forwarding: Forwarding; readonly key?: ApiKey })
  | (Common & {
      readonly kind: 'answer';
      readonly status: number;
      readonly body: string;
      readonly key?: ApiKey;
      /** Set for a preflight: the methods of the path. */
      readonly preflight?: readonly string[];
    })
  | (Common & {
      readonly kind: 'deny';
      readonly status: number;
      readonly reason: Denial;
      readonly allow?: readonly string[];
    });

/** Decides requests to one proxy. The time to build it grows with the number of routes; that of a decision does not. */
export interface Evaluator {
  readonly proxy: Proxy;
  readonly access: Access;
  decide(request: ProxyRequest): Decision;
}

interface Matched {
  readonly endpoint: Endpoint | undefined;
  readonly routeClass: RouteClass | undefined;
}

const NOWHERE: Matched = { endpoint: undefined, routeClass: undefined };

/** Returns the reference evaluator: a pure function of address, credential, method, target, headers and time. */
export function evaluatorOf(policy: Policy, proxy: Proxy): Evaluator {
  const access = accessOf(proxy);
  if (!access) throw new Error('the policy was not checked for overlaps');
  const endpoints = new Map(access.endpoints.map((endpoint) => [endpoint.state.id, endpoint]));
  const keys = new Map(policy.apiKeys.map((key) => [key.id, key]));

  const match = (method: string, path: string): Matched => {
    const state = run(access.automaton, path);
    const endpoint = state && endpoints.get(state.id);
    return { endpoint, routeClass: endpoint && routeClassOf(method, endpoint) };
  };

  const deny = (reason: Denial, { endpoint, routeClass }: Matched, at: SpecPath): Decision => {
    const status = reason === 'method' ? proxy.methodNotAllowed : DENIALS[reason];
    const allow = reason === 'method' && status === 405 && endpoint ? { allow: toldMethods(endpoint) } : {};
    return { kind: 'deny', status, reason, route: routeClass?.id ?? '', at, ...allow };
  };

  const authenticate = (request: ProxyRequest, matched: Matched): ApiKey | Decision => {
    const { credential } = request;
    if (credential.kind === 'missing') return deny('key-missing', matched, [...proxy.origin]);
    if (credential.kind === 'malformed') return deny('key-malformed', matched, [...proxy.origin]);
    const key = credential.kind === 'known' ? keys.get(credential.id) : undefined;
    if (!key) return deny('key-unknown', matched, ['apiKeys']);
    if (key.expires !== undefined && request.at >= key.expires)
      return deny('key-expired', matched, [...key.origin, 'expires']);
    if (key.ranges && !contains(key.ranges, request.client))
      return deny('key-address', matched, [...key.origin, 'ipRanges']);
    return key;
  };

  const decide = (request: ProxyRequest): Decision => {
    const [path = '', query = ''] = splitTarget(request.target);
    const matched = match(request.method, path);
    const { endpoint, routeClass: found } = matched;
    if (headBytesOf(request) > proxy.maxRequestHead)
      return deny('head-size', matched, [...proxy.origin, 'maxRequestHead']);
    if (isMisdirected(proxy, request)) return deny('misdirected', NOWHERE, [...proxy.origin, 'hosts']);
    const health = healthOf(found);
    if (!contains(health?.ranges ?? proxy.ranges, request.client))
      return deny('address', matched, health?.origin ?? [...proxy.origin, 'ipRanges']);
    const told = preflightTold(proxy, request, matched);
    if (told) return told;
    const key = (found && isOpen(found)) || !access.usesKeys ? undefined : authenticate(request, matched);
    if (key && 'kind' in key) return key;
    if (!endpoint) return deny('path', matched, [...proxy.origin, 'routes']);
    if (!found) return deny('method', matched, endpoint.state.accepts[0]?.origin ?? proxy.origin);
    const at = originOf(endpoint, found, request.method, key);
    if (key && found.kind === 'forward' && !found.groups.some((group) => key.groups.includes(group))) {
      return deny('key-routes', matched, [...key.origin, 'routes']);
    }
    if (!isAllowedQuery(query)) return deny('query', matched, at);
    const caller = key ? { key } : {};
    if (found.kind === 'answer')
      return { kind: 'answer', status: found.answer.status, body: found.answer.body, route: found.id, at, ...caller };
    const body = bodyProblem(request, found.forwarding);
    if (body) return deny(body, matched, at);
    return { kind: 'forward', forwarding: found.forwarding, route: found.id, at, ...caller };
  };
  return { proxy, access, decide };
}

/** Returns the answer to a preflight; `undefined` for any other request. */
function preflightTold(
  { cors, origin }: Proxy,
  { method, headers }: ProxyRequest,
  { endpoint, routeClass }: Matched,
): Decision | undefined {
  if (!endpoint || !cors || !isPreflight(cors, method, headers)) return undefined;
  const told = { status: 204, body: '', preflight: toldMethods(endpoint) };
  return { kind: 'answer', ...told, route: routeClass?.id ?? '', at: [...origin, 'cors'] };
}

/** Returns path and query; a target without "?" has an empty query. */
export function splitTarget(target: string): readonly [path: string, query: string] {
  const mark = target.indexOf('?');
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)];
}

/** Returns the entry of the spec that allowed the request: the first one with the method that the key may use. */
function originOf(endpoint: Endpoint, routeClass: RouteClass, method: string, key: ApiKey | undefined): SpecPath {
  if (routeClass.kind === 'answer') return routeClass.answer.origin;
  const routes = endpoint.state.accepts.filter(isRoute).filter((route) => takes(route, method));
  const usable = routes.find((route) => !key || key.groups.includes(route.group));
  return (usable ?? routes[0])?.origin ?? [];
}

function bodyProblem({ headers }: ProxyRequest, { contentTypes, maxBody }: Forwarding): Denial | undefined {
  const length = headerValues(headers, 'content-length')[0] ?? '';
  const chunked = headerValues(headers, 'transfer-encoding').length > 0;
  if (!chunked && /^0*$/.test(length)) return undefined;
  const type = (headerValues(headers, 'content-type')[0] ?? '').split(/[;,]/, 1)[0] ?? '';
  if (contentTypes !== 'any' && !contentTypes.includes(withoutBlanks(type).toLowerCase())) return 'content-type';
  if (maxBody !== undefined && !chunked && Number(length) > maxBody) return 'body-size';
  return undefined;
}
