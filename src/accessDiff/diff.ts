import { failed, ok, type Result } from '../diagnostics/diagnostic.ts';
import { healthOf, methodsAt, routeClassOf } from '../policy/access.ts';
import { isEmpty } from '../policy/cidr.ts';
import { policyCodes } from '../policy/codes.ts';
import { differencesOf } from '../policy/fields.ts';
import { socketOf } from '../policy/hosts.ts';
import { coveringProxy } from '../policy/listen.ts';
import { hostAndPort } from '../policy/origin.ts';
import { PROXY } from '../policy/proxies.ts';
import type { Policy, Proxy } from '../policy/types.ts';
import { diffExpiry, diffLostEnds, type TwoLists } from './addressSets.ts';
import { ANYBODY, type Caller, callersOf, keyPairs } from './callers.ts';
import { type Collector, createCollector } from './collector.ts';
import { confirmed, contextOf, idLists, mayUse, type ProxyContext, questionOf } from './context.ts';
import { diffFacts } from './facts.ts';
import { diffCallers } from './keys.ts';
import { MAX_PAIRS } from './product.ts';
import { diffRequests } from './requests.ts';
import { diffRegistries, diffRewrites } from './rewrites.ts';
import type { AccessChange } from './types.ts';
import { isOpen, versionOf } from './version.ts';

/**
 * Returns the differences of access between two policies, sorted by effect, the gravest first. They are computed from
 * the automata of both, so that a spec that is written differently and decides the same has no change. A change that a
 * request can show comes with such a request, which both evaluators have decided.
 */
export function diffAccess(before: Policy, after: Policy): Result<readonly AccessChange[]> {
  const callers = callersOf(keyPairs(before, after));
  const collector = createCollector();
  const compared = new Set<string>();
  const shared = { callers, collector, lists: idLists([ANYBODY, ...callers]), compared };
  for (const pair of proxyPairs(before.proxies, after.proxies)) {
    const versions = { before: versionOf(before, pair.before), after: versionOf(after, pair.after) };
    const context = contextOf({ ...versions, proxies: bothOf(pair) }, shared);
    if (!pair.before || !pair.after) {
      diffWholeProxy(context, pair.after !== undefined);
      if (pair.before) tellUncovered(pair.before, after.proxies, collector);
      continue;
    }
    diffSettings(pair.before, pair.after, collector);
    for (const lists of listsOf(pair.before, pair.after)) diffLostEnds(lists, before, after, collector);
    const samples = diffRequests(context);
    if (!samples)
      return failed([policyCodes.report('too-many-overlaps', [...pair.after.origin, 'routes'], { states: MAX_PAIRS })]);
    diffCallers(samples, context);
  }
  diffFacts(before, after, compared, collector);
  diffExpiry(before, after, collector);
  diffRewrites(before, after, collector);
  diffRegistries(before, after, collector);
  return ok(collector.changes());
}

/**
 * Returns both proxies of a pair. If one version lacks the proxy, that of the other stands in for it, for its
 * addresses; no request gets through.
 */
function bothOf({ before, after }: ProxyPair): readonly [Proxy, Proxy] {
  const proxy = after ?? before;
  if (!proxy) throw new Error('a pair without a proxy');
  return [before ?? proxy, after ?? proxy];
}

/** Whom both versions of a proxy let in, and who may ask both whether it is alive. */
function listsOf(before: Proxy, after: Proxy): TwoLists[] {
  const proxy = { what: `proxy "${after.id}"`, at: [...after.origin, 'ipRanges'] };
  const health = { what: `the health check of ${proxy.what}`, at: [...after.origin, 'health', 'from'] };
  return [
    { ...proxy, before: before.ranges, after: after.ranges },
    ...(before.health && after.health ? [{ ...health, before: before.health.ranges, after: after.health.ranges }] : []),
  ];
}

interface ProxyPair {
  readonly before: Proxy | undefined;
  readonly after: Proxy | undefined;
}

/** Pairs proxies by id; a renamed one by its listening socket. */
function proxyPairs(before: readonly Proxy[], after: readonly Proxy[]): ProxyPair[] {
  const socket = (proxy: Proxy) => `${socketOf(proxy)} ${proxy.hosts.join()}`;
  const renamed = (proxy: Proxy, others: readonly Proxy[], same: readonly Proxy[]) =>
    others.find((other) => socket(other) === socket(proxy) && !same.some(({ id }) => id === other.id));
  const pairs = after.map((proxy): ProxyPair => {
    const same = before.find(({ id }) => id === proxy.id);
    return { before: same ?? renamed(proxy, before, after), after: proxy };
  });
  const gone = before.filter((proxy) => !pairs.some((pair) => pair.before === proxy));
  return [...pairs, ...gone.map((proxy) => ({ before: proxy, after: undefined }))];
}

/** Reports a proxy that only one version has, with a request that gets through it, else its health check. */
function diffWholeProxy(context: ProxyContext, added: boolean): void {
  const { proxy } = added ? context.after : context.before;
  if (!proxy || tellOpening(context, added)) return;
  const { health: _, ...silent } = proxy;
  diffSettings(added ? silent : proxy, added ? proxy : silent, context.collector);
}

/** Reports connections that reach another proxy, where the one that is gone took them from it: nobody compared these two. */
function tellUncovered(gone: Proxy, proxies: readonly Proxy[], collector: Collector): void {
  const isTaken = proxies.some((proxy) => socketOf(proxy) === socketOf(gone));
  const cover = isTaken ? undefined : coveringProxy(proxies, gone);
  if (!cover) return;
  const { address = '', port } = gone.listen;
  const place = hostAndPort({ host: address, port });
  const message = () => `what connects to ${place} reaches proxy "${cover.id}" now (before: "${gone.id}")`;
  const at = { version: 'after', path: [...cover.origin, 'listen'] } as const;
  collector.add({ kind: 'listen', effect: 'unclear', group: gone.id, message, at, proxy: cover.id });
}

/** Reports a whole proxy by a request that gets through it. Returns false if none does. */
function tellOpening(context: ProxyContext, added: boolean): boolean {
  const { access, proxy } = added ? context.after : context.before;
  if (!access || !proxy || isEmpty(proxy.ranges)) return false;
  const version = added ? 'after' : 'before';
  for (const endpoint of access.endpoints) {
    const { state } = endpoint;
    for (const method of methodsAt(endpoint)) {
      const routeClass = routeClassOf(method, endpoint);
      if (!routeClass || healthOf(routeClass)) continue;
      const open = isOpen(routeClass, added ? context.after : context.before);
      const may = (caller: Caller) => mayUse(routeClass, caller[version]) && !isEmpty(context.reach(caller)[version]);
      const caller = open ? ANYBODY : context.callers.find(may);
      if (!caller) continue;
      context.collector.add({
        kind: added ? 'proxy-added' : 'proxy-removed',
        effect: added ? 'widening' : 'narrowing',
        message: () => `proxy "${proxy.id}" ${added ? 'added' : 'removed'}: ${proxy.routes.length} routes`,
        at: { version, path: proxy.origin },
        proxy: proxy.id,
        example: () =>
          confirmed(questionOf({ method, path: state.example }, caller, context.reach(caller)[version]), context),
      });
      return true;
    }
  }
  return false;
}

/**
 * Reports changes of the proxy's settings. They act before a request is read or after the answer, so they have no
 * example.
 */
function diffSettings(before: Proxy, after: Proxy, collector: Collector): void {
  for (const { kind, effect, words, field } of differencesOf(PROXY, before, after)) {
    const at = { version: 'after', path: [...after.origin, field.name] } as const;
    collector.add({ kind, effect, message: () => words, at, proxy: after.id });
  }
}
