import type { RouteClass } from '../policy/access.ts';
import { type CidrSet, someAddress } from '../policy/cidr.ts';
import type { ApiKey, Proxy } from '../policy/types.ts';
import { type Caller, endOf, idsOf, type Reach, reachOf } from './callers.ts';
import type { Collector } from './collector.ts';
import type { RequestExample } from './types.ts';
import { decisionWords, outcomeOf, type Question, type Version } from './version.ts';

/** Method and path of a request that stands for many. */
export interface Sample {
  readonly method: string;
  readonly path: string;
}

/** The context of comparing one proxy. */
export interface ProxyContext {
  readonly before: Version;
  readonly after: Version;
  /** Id of the proxy in reports: the new one if it was renamed. */
  readonly proxy: string;
  /** Classes of key holders. */
  readonly callers: readonly Caller[];
  readonly collector: Collector;
  /** Notes keys whose two versions have been compared by requests, so that `diffFacts` leaves them out. */
  mark(ids: readonly string[]): void;
  reach(caller: Caller): Reach;
  /** The ids of callers: the same array for the same callers. */
  ids(callers: readonly Caller[]): readonly string[];
}

/** The part of the context that the comparisons of all proxies share. */
export interface Shared {
  readonly callers: readonly Caller[];
  readonly collector: Collector;
  readonly lists: IdLists;
  readonly compared: Set<string>;
}

export function contextOf(
  versions: { readonly before: Version; readonly after: Version; readonly proxies: readonly [Proxy, Proxy] },
  { callers, collector, lists, compared }: Shared,
): ProxyContext {
  const { before, after, proxies } = versions;
  const known = new Map<Caller, Reach>();
  const reach = (caller: Caller): Reach => {
    const found = known.get(caller) ?? reachOf(caller, proxies[0], proxies[1]);
    known.set(caller, found);
    return found;
  };
  const mark = (ids: readonly string[]) => {
    for (const id of ids) compared.add(id);
  };
  return { before, after, proxy: proxies[1].id, callers, collector, mark, reach, ids: lists };
}

export type IdLists = (callers: readonly Caller[]) => readonly string[];

/**
 * Returns a function that gives equal lists of callers the same array of ids, so that the collector need not compare
 * long lists.
 */
export function idLists(all: readonly Caller[]): IdLists {
  const order = new Map(all.map((caller, index) => [caller, index]));
  const lists = new Map<string, readonly string[]>();
  return (callers) => {
    const key = callers.map((caller) => order.get(caller)).join();
    const list = lists.get(key) ?? idsOf(callers);
    lists.set(key, list);
    return list;
  };
}

/** Returns whether a key may use a route class that needs one. */
export function mayUse(routeClass: RouteClass, key: ApiKey | undefined): boolean {
  if (!key) return false;
  return routeClass.kind === 'answer' || routeClass.groups.some((group) => key.groups.includes(group));
}

/** Returns a moment at which none of these keys has expired. */
function momentBefore(...keys: readonly (ApiKey | undefined)[]): number {
  const end = Math.min(...keys.map(endOf));
  return Number.isFinite(end) ? end - 1 : 0;
}

/** Returns a request of one caller from some address of a set. */
export function questionOf({ method, path }: Sample, caller: Caller, from: CidrSet): Question {
  const address = someAddress(from);
  if (address === undefined) throw new Error('an example needs an address');
  const references = caller.pairs[0]?.references ?? [];
  return {
    method,
    target: path,
    headers: [],
    from: address,
    references,
    at: momentBefore(caller.before, caller.after),
  };
}

/** Asks both evaluators and returns the example. If they agree, the comparison was wrong, and this throws. */
export function confirmed(question: Question, context: ProxyContext, statusCounts = false): RequestExample {
  const { before, after, proxy } = context;
  const [left, right] = [before.decide(question), after.decide(question)];
  const words = [decisionWords(left), decisionWords(right)] as const;
  const differ = statusCounts ? words[0] !== words[1] : outcomeOf(left, before) !== outcomeOf(right, after);
  if (!differ) throw new Error(`${question.method} ${question.target} is decided alike: ${words.join(', ')}`);
  const { method, target, headers, from, references, at } = question;
  const keys = references.flatMap((text) => [after.keys.get(text) ?? [], before.keys.get(text) ?? []].flat());
  const [id] = keys.map((key) => key.id);
  const [reference, formerly] = references.toReversed();
  return {
    kind: 'request',
    proxy,
    method,
    target,
    headers,
    from,
    ...(id !== undefined && reference !== undefined
      ? { key: { id, reference, ...(formerly === undefined ? {} : { formerly }) } }
      : {}),
    ...(keys.some(({ expires }) => expires !== undefined) ? { at } : {}),
    before: words[0],
    after: words[1],
  };
}
