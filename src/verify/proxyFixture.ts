import { accessOf, type Endpoint, healthOf, type RouteClass } from '../policy/access.ts';
import { type Address, type CidrSet, contains, formatAddress, parseAddress } from '../policy/cidr.ts';
import { type Evaluator, evaluatorOf } from '../policy/decide.ts';
import { proxyAsked } from '../policy/hosts.ts';
import type { ProxyRequest } from '../policy/request.ts';
import { type ShadowEvaluator, shadowEvaluatorOf } from '../policy/shadow.ts';
import type { ApiKey, Policy, Proxy } from '../policy/types.ts';
import { DIRECT_CLIENT, DIRECT_STRANGER } from './loopback.ts';
import type { Secrets } from './secrets.ts';

/** One proxy as the probes see it. */
export interface ProxyFixture {
  readonly policy: Policy;
  readonly proxy: Proxy;
  readonly evaluator: Evaluator;
  /** Decides what the log must say of the proxy's shadow; absent where there is none. */
  readonly shadow: ShadowEvaluator | undefined;
  readonly endpoints: readonly Endpoint[];
  /** The endpoints that probes are aimed at: those of the proxy and those of its shadow. */
  readonly aims: readonly Endpoint[];
  /** Addresses at and around the ends of every range of the proxy and of its callers. */
  readonly edges: readonly Address[];
  readonly callers: readonly ApiKey[];
  readonly secrets: Secrets;
  /** Fields that some route passes beside the standard ones. */
  readonly addedHeaders: readonly string[];
  /** Body limits of the routes, in bytes. */
  readonly bodyLimits: readonly number[];
  /** Addresses from which a caller, or anybody where `caller` is absent, is admitted to a route class. */
  admitted(caller?: ApiKey, routeClass?: RouteClass): readonly string[];
  /** The proxy that a request is for when it is sent to the socket of this one. */
  asked(request: Pick<ProxyRequest, 'target' | 'headers'>): ProxyFixture;
  /** Addresses that the proxy does not admit; empty where it admits everybody. */
  refused(): readonly string[];
  /** The callers whose key opens a route class at this moment from some address; sorted like `callers`. */
  openers(routeClass: RouteClass, now: number): readonly ApiKey[];
}

/** The most edges that are kept of one set, because a set may have 100,000 ranges. */
const MOST_EDGES = 400;
const MOST_ADDED = 50;

export function fixturesOf(policy: Policy, secrets: Secrets): ProxyFixture[] {
  const byProxy = new Map<Proxy, ProxyFixture>();
  return policy.proxies.map((proxy) => {
    const endpoints = accessOf(proxy)?.endpoints ?? [];
    const evaluator = evaluatorOf(policy, proxy);
    const shadow = shadowEvaluatorOf(policy, evaluator);
    const twins = shadow ? [proxy, shadow.evaluator.proxy] : [proxy];
    const callers = policy.apiKeys;
    const own = twins.flatMap(({ ranges, health }) => [ranges, ...(health ? [health.ranges] : [])]);
    const keyed = [callers, policy.shadow?.apiKeys ?? []].flatMap((keys) => keys.slice(0, 50));
    const sets = [...own, ...keyed.flatMap(({ ranges }) => (ranges ? [ranges] : []))];
    // Nobody connects from 255.255.255.255, and in the PROXY protocol nginx rejects it.
    const isTold = ({ family, value }: Address) =>
      family === 6 || value !== 0xffffffffn || proxy.clientIp.kind !== 'proxyProtocol';
    const edges = sets.flatMap(edgesOf).filter(isTold);
    const forwardings = twins.flatMap(({ routes }) => routes.map(({ forwarding }) => forwarding));
    const admitted = admittedOf(proxy, edges);
    const refused =
      proxy.clientIp.kind === 'direct'
        ? [DIRECT_STRANGER]
        : edges.filter((address) => !contains(proxy.ranges, address)).map(formatAddress);
    const fixture: ProxyFixture = {
      policy,
      proxy,
      evaluator,
      shadow,
      endpoints,
      aims: [...endpoints, ...(shadow?.evaluator.access.endpoints ?? [])],
      edges,
      callers,
      secrets,
      addedHeaders: forwardings.flatMap(({ headers }) => headers).slice(0, MOST_ADDED),
      bodyLimits: forwardings.flatMap(({ maxBody }) => maxBody ?? []),
      admitted,
      asked: (request) => byProxy.get(proxyAsked(policy.proxies, proxy, request)) ?? fixture,
      refused: () => refused,
      openers: openersOf(callers, admitted),
    };
    byProxy.set(proxy, fixture);
    return fixture;
  });
}

/** First and last address of each range, and their neighbours outside. */
function edgesOf({ ranges }: CidrSet): Address[] {
  const step = Math.ceil(ranges.length / (MOST_EDGES / 4));
  return (
    ranges
      .filter((_, index) => index % step === 0)
      .flatMap(({ family, first, last }) => [first - 1n, first, last, last + 1n].map((value) => ({ family, value })))
      .filter(({ family, value }) => value >= 0n && value < 1n << (family === 4 ? 32n : 128n))
      // ::ffff:0:0/96 is IPv4, and parses as such.
      .filter((address) => parseAddress(formatAddress(address))?.family === address.family)
  );
}

/** Finds admitted addresses. Callers with the same set of ranges, or with none of their own, share one list. */
function admittedOf({ clientIp, ranges, health }: Proxy, edges: readonly Address[]): ProxyFixture['admitted'] {
  const direct = parseAddress(DIRECT_CLIENT);
  const possible =
    clientIp.kind === 'direct' ? (direct ? [direct] : []) : edges.filter((address) => contains(ranges, address));
  const everybody = possible.map(formatAddress);
  const checking =
    clientIp.kind === 'direct' || !health
      ? everybody
      : edges.filter((address) => contains(health.ranges, address)).map(formatAddress);
  const bySet = new Map<CidrSet, readonly string[]>();
  return (caller, routeClass) => {
    if (healthOf(routeClass)) return checking;
    if (!caller?.ranges) return everybody;
    const { ranges: own } = caller;
    const known = bySet.get(own) ?? possible.filter((address) => contains(own, address)).map(formatAddress);
    bySet.set(own, known);
    return known;
  };
}

/** Finds the callers of a route class. A list is kept until a key in it expires. */
function openersOf(callers: readonly ApiKey[], admitted: ProxyFixture['admitted']): ProxyFixture['openers'] {
  const byClass = new Map<RouteClass, { readonly able: readonly ApiKey[]; readonly until: number }>();
  return (routeClass, now) => {
    const known = byClass.get(routeClass);
    if (known && now < known.until) return known.able;
    const able = callers.filter(
      (caller) =>
        (caller.expires === undefined || caller.expires > now) &&
        (routeClass.kind === 'answer' || caller.groups.some((group) => routeClass.groups.includes(group))) &&
        admitted(caller).length > 0,
    );
    const until = able.reduce((first, { expires = Number.POSITIVE_INFINITY }) => Math.min(first, expires), Infinity);
    byClass.set(routeClass, { able, until });
    return able;
  };
}
