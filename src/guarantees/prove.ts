import { walkPairs } from '../accessDiff/product.ts';
import type { SpecPath } from '../diagnostics/diagnostic.ts';
import {
  accessOf,
  type Endpoint,
  isOpen,
  isRoute,
  methodsAt,
  type RouteClass,
  routeClassOf,
  takes,
} from '../policy/access.ts';
import { keyAddresses, keysByGroup } from '../policy/apiKeys.ts';
import { type Automaton, buildAutomaton } from '../policy/automaton.ts';
import { type CidrSet, intersect, isEmpty, NOBODY, parseAddress, someAddress, subtract } from '../policy/cidr.ts';
import { type Decision, evaluatorOf } from '../policy/decide.ts';
import type { PathPattern } from '../policy/pattern.ts';
import type { ApiKey, Policy, Proxy } from '../policy/types.ts';
import type { Claim } from './claims.ts';

/** A request that shows that a guarantee does not hold, as the evaluator has confirmed. */
export interface Witness {
  readonly proxy: string;
  readonly method: string;
  readonly path: string;
  /** Id; absent: no key is sent. */
  readonly key?: string;
  readonly from: string;
  readonly decision: Decision;
  /** The line of the spec that grants the request; for an `always`, the one that refuses it. */
  readonly line: SpecPath;
}

export interface Proof {
  readonly claim: Claim;
  /** Absent: the guarantee holds for all requests. */
  readonly witness?: Witness;
  /** Why the guarantee says nothing: no request that it is about is possible. */
  readonly vacuous?: string;
  readonly looked: Looked;
}

/** How much was looked at. Every path belongs to one kind, and the paths of a kind are decided alike. */
export interface Looked {
  /** Kinds of path that the claim is about. */
  readonly kinds: number;
  /** All kinds of path that proxies and claims tell apart. */
  readonly of: number;
}

interface Item {
  readonly claim: Claim;
  readonly pattern: PathPattern;
}

type ForwardClass = Extract<RouteClass, { kind: 'forward' }>;

/** Who breaks a claim, and from which addresses. */
interface Breach {
  readonly key?: ApiKey;
  readonly from: CidrSet;
}

type Breaches = Map<Claim, Map<RouteClass, Breach | undefined>>;

/** What is known about the claims so far. */
interface Findings {
  readonly witnesses: Map<Claim, Witness>;
  /** Claims about requests that somebody may send. */
  readonly met: Set<Claim>;
  readonly kinds: Map<Claim, number>;
}

/**
 * Decides each claim for all requests: the automaton of each proxy and one of all claims are walked side by side, so
 * that every path belongs to exactly one pair of states.
 * @returns `undefined` where the patterns overlap in too many ways
 */
export function prove(claims: readonly Claim[], policy: Policy): Proof[] | undefined {
  const findings: Findings = { witnesses: new Map(), met: new Set(), kinds: new Map() };
  let of = 0;
  for (const proxy of policy.proxies) {
    const own = claims.filter((claim) => claim.proxy === undefined || claim.proxy === proxy.id);
    const items = own.flatMap((claim) => claim.patterns.map((pattern) => ({ claim, pattern })));
    if (items.length === 0) continue;
    const automaton = buildAutomaton(items);
    const kinds = automaton && proveAt(proxy, automaton, policy, findings);
    if (kinds === undefined) return undefined;
    of += kinds;
  }
  return claims.map((claim) => {
    const witness = findings.witnesses.get(claim);
    const vacuous = witness ? undefined : vacuity(claim, policy, findings.met.has(claim));
    const looked = { kinds: findings.kinds.get(claim) ?? 0, of };
    return { claim, looked, ...(witness && { witness }), ...(vacuous !== undefined && { vacuous }) };
  });
}

/** @returns the number of kinds of path; `undefined` where there are too many */
function proveAt(proxy: Proxy, claims: Automaton<Item>, policy: Policy, findings: Findings): number | undefined {
  const { witnesses, met, kinds } = findings;
  const access = accessOf(proxy);
  if (!access) return undefined;
  const endpoints = new Map(access.endpoints.map((endpoint) => [endpoint.state.id, endpoint]));
  const { decide } = evaluatorOf(policy, proxy);
  const asked: Asked = { policy, proxy, callers: callersAt(proxy, policy), breaches: new Map() };
  let count = 0;
  const isWhole = walkPairs(access.automaton, claims, ({ before, after, path }) => {
    count += 1;
    const concerned = new Set(after?.accepts.map(({ claim }) => claim));
    for (const claim of concerned) {
      kinds.set(claim, (kinds.get(claim) ?? 0) + 1);
      const endpoint = before && endpoints.get(before.id);
      for (const method of claim.kind === 'always' ? claim.methods : methodsOf(endpoint, claim)) {
        if (witnesses.has(claim)) break;
        const routeClass = endpoint && routeClassOf(method, endpoint);
        if (routeClass?.kind === 'forward') met.add(claim);
        const breach = breachOf(claim, routeClass, asked);
        if (breach) witnesses.set(claim, witnessOf({ claim, method, path, breach, endpoint }, proxy, decide));
      }
    }
  });
  return isWhole ? count : undefined;
}

/** The methods of an endpoint that a claim is about; HEAD comes with GET. */
function methodsOf(endpoint: Endpoint | undefined, claim: Claim): string[] {
  const all = methodsAt(endpoint);
  if (all.has('GET')) all.add('HEAD');
  return [...all].filter((method) => takes(claim, method));
}

interface Asked {
  readonly policy: Policy;
  readonly proxy: Proxy;
  /** Who gets through with requests of a route class, and the addresses from which they do. */
  readonly callers: (routeClass: ForwardClass) => readonly Breach[];
  readonly breaches: Breaches;
}

/**
 * The breach of a claim by requests of a route class. It is worked out once for each class, whose requests are alike.
 */
function breachOf(claim: Claim, routeClass: RouteClass | undefined, asked: Asked): Breach | undefined {
  if (!routeClass) return breach(claim, routeClass, asked);
  const known = asked.breaches.get(claim) ?? new Map<RouteClass, Breach | undefined>();
  asked.breaches.set(claim, known);
  if (!known.has(routeClass)) known.set(routeClass, breach(claim, routeClass, asked));
  return known.get(routeClass);
}

function breach(claim: Claim, routeClass: RouteClass | undefined, asked: Asked): Breach | undefined {
  const { keys, from } = claim;
  if (claim.kind === 'always') return missing(claim, routeClass, asked);
  if (routeClass?.kind !== 'forward') return undefined;
  // Most of thousands of keys have the very same addresses, those of the proxy.
  const forbidden = new Map<CidrSet, CidrSet>();
  for (const caller of asked.callers(routeClass)) {
    const listed = !keys || (caller.key !== undefined && keys.has(caller.key.id));
    // A holder of a listed key may also send requests that need no key.
    const concerned = claim.kind === 'never' ? listed || caller.key === undefined : true;
    if (!concerned) continue;
    if (claim.kind === 'only' && keys && !listed) {
      if (!isEmpty(caller.from)) return caller;
      continue;
    }
    const where = forbidden.get(caller.from) ?? addressesAgainst(claim.kind, caller.from, from);
    forbidden.set(caller.from, where);
    if (!isEmpty(where)) return { ...caller, from: where };
  }
  return undefined;
}

/** The addresses from which a caller breaks a `never`, or an `only` that names it: there, or anywhere else. */
function addressesAgainst(kind: 'never' | 'only', own: CidrSet, from: CidrSet | undefined): CidrSet {
  if (kind === 'never') return from ? intersect(own, from) : own;
  return from ? subtract(own, from) : NOBODY;
}

/** Callers by route class, worked out once for each class and for each key. */
function callersAt(proxy: Proxy, { apiKeys }: Policy): Asked['callers'] {
  const byGroup = keysByGroup(apiKeys);
  const byKey = new Map(apiKeys.map((key): [ApiKey, Breach] => [key, { key, from: keyAddresses(key, proxy) }]));
  const known = new Map<ForwardClass, readonly Breach[]>();
  const callersOf = (routeClass: ForwardClass): readonly Breach[] =>
    isOpen(routeClass)
      ? [{ from: proxy.ranges }]
      : [...new Set(routeClass.groups.flatMap((group) => byGroup.get(group) ?? []))].flatMap(
          (key) => byKey.get(key) ?? [],
        );
  return (routeClass) => {
    const found = known.get(routeClass) ?? callersOf(routeClass);
    known.set(routeClass, found);
    return found;
  };
}

/** A caller of an `always` who does not get through with a request of a route class. */
function missing(
  { keys, from }: Claim,
  routeClass: RouteClass | undefined,
  { policy, proxy, callers }: Asked,
): Breach | undefined {
  const wanted: (ApiKey | undefined)[] = keys ? policy.apiKeys.filter(({ id }) => keys.has(id)) : [undefined];
  const able = routeClass?.kind === 'forward' ? callers(routeClass) : [];
  for (const key of wanted) {
    const reach = able.find((caller) => caller.key === undefined || caller.key === key)?.from ?? { ranges: [] };
    const everywhere = from ?? (isEmpty(proxy.ranges) ? undefined : proxy.ranges);
    const lacking = from ? subtract(from, reach) : isEmpty(reach) ? everywhere : undefined;
    if (lacking && !isEmpty(lacking)) return { ...(key && { key }), from: lacking };
  }
  return undefined;
}

interface Found {
  readonly claim: Claim;
  readonly method: string;
  readonly path: string;
  readonly breach: Breach;
  readonly endpoint: Endpoint | undefined;
}

/** The breach as a request, put to the evaluator. Where it decides otherwise the proof was wrong, and this throws. */
function witnessOf(
  { claim, method, path, breach: { key, from }, endpoint }: Found,
  proxy: Proxy,
  decide: ReturnType<typeof evaluatorOf>['decide'],
): Witness {
  const address = someAddress(from);
  const client = address === undefined ? undefined : parseAddress(address);
  if (address === undefined || !client) throw new Error('a witness needs an address');
  const credential = key ? ({ kind: 'known', id: key.id } as const) : ({ kind: 'missing' } as const);
  const at = key?.expires === undefined ? 0 : key.expires - 1;
  const decision = decide({ method, target: path, headers: [], client, at, credential });
  if ((decision.kind === 'forward') === (claim.kind === 'always'))
    throw new Error(`${claim.subject}: ${method} ${path} is no witness`);
  const granting = endpoint?.state.accepts.find(
    (rule) => isRoute(rule) && takes(rule, method) && (!key || key.groups.includes(rule.group)),
  );
  const line = claim.kind === 'always' ? decision.at : (granting?.origin ?? decision.at);
  return { proxy: proxy.id, method, path, from: address, decision, line, ...(key && { key: key.id }) };
}

function vacuity({ kind, from, proxy }: Claim, { proxies }: Policy, met: boolean): string | undefined {
  const own = proxies.filter(({ id }) => proxy === undefined || id === proxy);
  if (own.length === 0) return 'the spec has no proxy';
  if (kind === 'only') return met ? undefined : 'nobody may send such a request at all';
  if (kind === 'never' && from && own.every(({ ranges }) => isEmpty(intersect(ranges, from))))
    return 'no proxy takes requests from these addresses';
  return undefined;
}
