import type { RouteClass } from '../policy/access.ts';
import { isEmpty } from '../policy/cidr.ts';
import { type Difference, differencesOf, type Effect } from '../policy/fields.ts';
import { FORWARDING } from '../policy/routes.ts';
import type { Upstream } from '../policy/types.ts';
import { destinationOf, UPSTREAM } from '../policy/upstreams.ts';
import { ANYBODY, type Caller, forWhom } from './callers.ts';
import { mostSevere } from './collector.ts';
import { mayUse, type ProxyContext, questionOf, type Sample } from './context.ts';
import type { ChangeKind, ChangePlace } from './types.ts';
import { isOpen, type Question } from './version.ts';

/**
 * A difference that all requests of a pair of route classes share. The report names the line of the spec that causes
 * it.
 */
export interface RequestFinding {
  readonly kind: ChangeKind;
  readonly effect: Effect;
  /** Text that differs for two findings of one kind on the same line. */
  readonly detail: string;
  /** Version of the spec whose line is shown. */
  readonly version: 'before' | 'after';
  /** Place of the change, if it is not the line of a route but, for example, an upstream. */
  readonly place?: ChangePlace;
  /** Ids of the keys that the difference concerns; empty where it concerns everybody who may send the request. */
  readonly keys: readonly string[];
  /** A caller that the difference concerns; absent if it concerns every caller. */
  readonly caller?: Caller;
  readonly message: (request: string) => string;
  /** The request that shows the difference; `undefined` where no caller gets through in both versions. */
  readonly ask: (sample: Sample) => Question | undefined;
}

/**
 * The event of one caller in a pair of route classes: `both` if it gets through in both versions, else the change of
 * its key. `scope` is the list of groups that the key may use.
 */
export type CallerEvent = 'both' | 'key-gained' | 'key-lost' | 'scope-gained' | 'scope-lost';

export interface Verdict {
  readonly requests: readonly RequestFinding[];
  readonly events: readonly (readonly [Caller, CallerEvent])[];
}

/** Compares what two versions do with the same requests, for every caller. */
export function compareClasses(
  before: RouteClass | undefined,
  after: RouteClass | undefined,
  context: ProxyContext,
): Verdict {
  const openBefore = before && isOpen(before, context.before);
  const openAfter = after && isOpen(after, context.after);
  if (before && after && openBefore !== openAfter) {
    return { requests: [authFinding(after, openAfter === true, context)], events: [] };
  }
  const callers = (openBefore ?? openAfter) ? [ANYBODY] : context.callers;
  const gained: Caller[] = [];
  const lost: Caller[] = [];
  const events: (readonly [Caller, CallerEvent])[] = [];
  for (const caller of callers) {
    const { request, event } = fate(caller, before, after, context);
    if (request === 'gained') gained.push(caller);
    if (request === 'lost') lost.push(caller);
    if (event) events.push([caller, event]);
    for (const change of secretEvents(caller, before, after, context)) events.push([caller, change]);
  }
  const kept = events.find(([caller, event]) => event === 'both' && !isEmpty(context.reach(caller).common))?.[0];
  const told = before && after && (kept || anyUse(before, after, callers, context));
  const requests = [
    ...(gained.length > 0 ? [accessFinding('allowed', gained, context)] : []),
    ...(lost.length > 0 ? [accessFinding('denied', lost, context)] : []),
    ...(told ? changedFindings(before, after, kept, context) : []),
  ];
  return { requests, events };
}

/** Returns whether some caller got through before and some caller does now, perhaps another one. */
function anyUse(before: RouteClass, after: RouteClass, callers: readonly Caller[], context: ProxyContext): boolean {
  const could = callers.some((caller) => mayUse(before, caller.before) && !isEmpty(context.reach(caller).before));
  return could && callers.some((caller) => mayUse(after, caller.after) && !isEmpty(context.reach(caller).after));
}

/**
 * Returns the events of a caller that has to change over: the new secret gets through now, and the old one no longer
 * does.
 */
function secretEvents(
  caller: Caller,
  before: RouteClass | undefined,
  after: RouteClass | undefined,
  context: ProxyContext,
): CallerEvent[] {
  if (!caller.replaced) return [];
  const can = after !== undefined && mayUse(after, caller.after) && !isEmpty(context.reach(caller).after);
  const could = before !== undefined && mayUse(before, caller.before) && !isEmpty(context.reach(caller).before);
  return [...(can ? (['key-gained'] as const) : []), ...(could ? (['key-lost'] as const) : [])];
}

interface Fate {
  readonly request?: 'gained' | 'lost';
  readonly event?: CallerEvent;
}

function fate(
  caller: Caller,
  before: RouteClass | undefined,
  after: RouteClass | undefined,
  context: ProxyContext,
): Fate {
  const could = before !== undefined && (caller.anybody || mayUse(before, caller.before));
  const can = after !== undefined && (caller.anybody || mayUse(after, caller.after));
  if (could && can) return { event: 'both' };
  if (can && !isEmpty(context.reach(caller).after)) {
    if (caller.anybody) return { request: 'gained' };
    if (!caller.before) return before ? { event: 'key-gained' } : { request: 'gained', event: 'key-gained' };
    return before && mayUse(before, caller.after) ? { event: 'scope-gained' } : { request: 'gained' };
  }
  if (could && !isEmpty(context.reach(caller).before)) {
    if (caller.anybody) return { request: 'lost' };
    if (!caller.after) return after ? { event: 'key-lost' } : { request: 'lost', event: 'key-lost' };
    return after && mayUse(after, caller.before) ? { event: 'scope-lost' } : { request: 'lost' };
  }
  return {};
}

const EFFECTS = {
  allowed: { effect: 'widening', version: 'after' },
  denied: { effect: 'narrowing', version: 'before' },
} as const;

/** Returns the finding that some callers may send a request in only one of the two versions. */
function accessFinding(kind: keyof typeof EFFECTS, callers: readonly Caller[], context: ProxyContext): RequestFinding {
  const { effect, version } = EFFECTS[kind];
  const [first = ANYBODY] = callers;
  const keys = first.anybody ? [] : context.ids(callers);
  const whom = forWhom(keys, first.anybody);
  return {
    kind,
    effect,
    detail: '',
    version,
    keys,
    caller: first,
    message: (request) => `newly ${kind}: ${request}${whom}`,
    ask: (sample) => questionOf(sample, first, context.reach(first)[version]),
  };
}

function authFinding(after: RouteClass, open: boolean, context: ProxyContext): RequestFinding {
  const reach = context.reach(ANYBODY);
  // In a change from `passthrough` to `apiKey`, callers sent their own credentials before, and now the proxy sends a
  // token for their keys.
  const injects = after.kind === 'forward' && context.callers.some((caller) => mayUse(after, caller.after));
  return {
    kind: 'auth',
    effect: open ? 'widening' : injects ? 'unclear' : 'narrowing',
    detail: String(open),
    version: 'after',
    keys: [],
    message: (request) => `${request} ${open ? 'needs no key any more' : 'needs a key now'}`,
    ask: (sample) => questionOf(sample, ANYBODY, open ? reach.after : reach.before),
  };
}

function changedFindings(
  before: RouteClass,
  after: RouteClass,
  caller: Caller | undefined,
  context: ProxyContext,
): RequestFinding[] {
  const ask = (sample: Sample) => caller && questionOf(sample, caller, context.reach(caller).common);
  const finding = ({ kind, effect, words, headers = [] }: Difference & { kind: ChangeKind }): RequestFinding => ({
    kind,
    effect,
    detail: words,
    version: 'after',
    keys: [],
    message: (request) => `${request} ${words}`,
    ask: (sample) => {
      const question = ask(sample);
      return question && { ...question, headers };
    },
  });
  if (before.kind === 'forward' && after.kind === 'forward') {
    const elsewhere = upstreamFinding(before.forwarding.upstream, after.forwarding.upstream, context);
    const fields = differencesOf(FORWARDING, before.forwarding, after.forwarding).map(finding);
    return elsewhere ? [{ ...elsewhere, ask }, ...fields] : fields;
  }
  if (before.kind === 'answer' && after.kind === 'answer') {
    const same = before.answer.status === after.answer.status && before.answer.body === after.answer.body;
    const words = `is answered with ${after.answer.status} (before: ${before.answer.status}), by the proxy itself`;
    return same ? [] : [finding({ kind: 'answer', effect: 'neutral', words })];
  }
  const forwarded = after.kind === 'forward';
  const words = forwarded ? 'is forwarded now, not answered here' : 'is answered here now, not forwarded';
  return [finding({ kind: forwarded ? 'allowed' : 'denied', effect: forwarded ? 'widening' : 'narrowing', words })];
}

function upstreamFinding(
  from: string,
  to: string,
  { before, after }: ProxyContext,
): Omit<RequestFinding, 'ask'> | undefined {
  const [left, right] = [before.upstreams.get(from), after.upstreams.get(to)];
  if (!left || !right || destinationOf(left) === destinationOf(right)) return undefined;
  return { ...redirection(left, right), version: 'after', keys: [] };
}

/** Returns the reported change of an upstream. Its words are the same whether a request, a site or neither shows it. */
export function redirection(before: Upstream, after: Upstream) {
  const differences = differencesOf(UPSTREAM, before, after);
  const words = differences.map((difference) => difference.words).join('; ');
  const name = before.id === after.id ? `upstream "${after.id}"` : `upstream "${after.id}" in place of "${before.id}"`;
  return {
    kind: 'upstream' as const,
    effect: mostSevere(differences.map((difference) => difference.effect)),
    detail: `${destinationOf(before)} ${destinationOf(after)}`,
    place: { version: 'after', path: after.origin } as const,
    message: () => `${name}: ${words}`,
  };
}
