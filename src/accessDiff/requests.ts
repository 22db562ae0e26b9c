import type { SpecPath } from '../diagnostics/diagnostic.ts';
import {
  type Endpoint,
  healthOf,
  methodsAt,
  type RouteClass,
  type Rule,
  routeClassOf,
  takes,
  unnamedMethod,
} from '../policy/access.ts';
import type { State } from '../policy/automaton.ts';
import { isEmpty } from '../policy/cidr.ts';
import { EVERY_METHOD } from '../policy/pattern.ts';
import { ANYBODY, type Caller } from './callers.ts';
import { type CallerEvent, compareClasses, type RequestFinding, type Verdict } from './classes.ts';
import { confirmed, type ProxyContext, questionOf, type Sample } from './context.ts';
import { type Pair, walkPairs } from './product.ts';
import type { Version } from './version.ts';

/** The first request for each event of each caller, and the first one that was forwarded. */
export type CallerSamples = ReadonlyMap<Caller, Readonly<Partial<Record<CallerEvent | 'forwarded', Sample>>>>;

type StatePair = Pair<Rule, Rule>;

type EndpointOf = (state: State<Rule> | undefined) => Endpoint | undefined;

/**
 * Compares every request that either version knows. It reports differences that depend on the request, by line of the
 * spec. It returns those that depend on the caller alone, because they are the same for all requests.
 * @returns `undefined` where the patterns overlap in too many ways
 */
export function diffRequests(context: ProxyContext): CallerSamples | undefined {
  const samples = new Map<Caller, Partial<Record<CallerEvent | 'forwarded', Sample>>>();
  const verdicts = verdictCache(context, (verdict, sample, classes) => {
    const injects = classes.every(
      (routeClass) => routeClass?.kind === 'forward' && routeClass.forwarding.auth === 'apiKey',
    );
    for (const [caller, event] of verdict.events) {
      const known = samples.get(caller) ?? {};
      known[event] ??= sample;
      if (event === 'both' && injects) known.forwarded ??= sample;
      samples.set(caller, known);
    }
  });
  const [endpointBefore, endpointAfter] = [placesOf(context.before), placesOf(context.after)];
  const status = statusProbe(context);
  const complete = walkPairs(automatonOf(context.before), automatonOf(context.after), (pair) => {
    const [before, after] = [endpointBefore(pair.before), endpointAfter(pair.after)];
    if (before && after) status(before, after, pair.path);
    for (const method of methodsOf(before, after)) {
      const sample = { method, path: pair.path };
      const verdict = verdicts(classAt(before, method), classAt(after, method), sample);
      for (const finding of verdict.requests) report(finding, pair, sample, context);
    }
  });
  return complete ? samples : undefined;
}

function automatonOf({ access, proxy }: Version) {
  return proxy && !isEmpty(proxy.ranges) ? access?.automaton : undefined;
}

function placesOf({ access }: Version): EndpointOf {
  const endpoints = new Map(access?.endpoints.map((endpoint) => [endpoint.state.id, endpoint]));
  return (state) => state && endpoints.get(state.id);
}

/**
 * Returns the route class of a method; `undefined` for health checks, which have their own addresses and are compared
 * as a setting.
 */
function classAt(endpoint: Endpoint | undefined, method: string): RouteClass | undefined {
  const routeClass = endpoint && routeClassOf(method, endpoint);
  return healthOf(routeClass) ? undefined : routeClass;
}

/** Returns the methods that either version names; HEAD only if it is not decided like GET. */
function methodsOf(before: Endpoint | undefined, after: Endpoint | undefined): string[] {
  const methods = methodsAt(before, after);
  const alike = (endpoint: Endpoint | undefined) => classAt(endpoint, 'HEAD') === classAt(endpoint, 'GET');
  if (methods.has('GET') && alike(before) && alike(after)) methods.delete('HEAD');
  return [...methods].sort();
}

type OnNew = (verdict: Verdict, sample: Sample, classes: readonly (RouteClass | undefined)[]) => void;

/** Returns a comparison that handles each pair of route classes once: there are many paths and few classes. */
function verdictCache(context: ProxyContext, onNew: OnNew) {
  const known = new Map<RouteClass | undefined, Map<RouteClass | undefined, Verdict>>();
  return (before: RouteClass | undefined, after: RouteClass | undefined, sample: Sample): Verdict => {
    const row = known.get(before) ?? new Map<RouteClass | undefined, Verdict>();
    known.set(before, row);
    const found = row.get(after);
    if (found) return found;
    const verdict = compareClasses(before, after, context);
    row.set(after, verdict);
    onNew(verdict, sample, [before, after]);
    return verdict;
  };
}

function report(finding: RequestFinding, pair: StatePair, sample: Sample, context: ProxyContext): void {
  const { kind, effect, detail, version, keys } = finding;
  const rule = ruleOf(finding, version === 'before' ? pair.before : pair.after, sample.method);
  const line: SpecPath = rule?.origin ?? [];
  context.collector.add({
    kind,
    effect,
    group: detail,
    message: (methods) => finding.message(`${methods} ${rule?.pattern.text}`),
    at: finding.place ?? { version, path: line },
    keys,
    method: rule?.methods.includes(EVERY_METHOD) ? EVERY_METHOD : sample.method,
    proxy: context.proxy,
    example: () => {
      const question = finding.ask(sample);
      return question && confirmed(question, context);
    },
  });
}

/** Returns the rule behind a finding: the first one that the finding's caller may use. */
function ruleOf({ caller, version }: RequestFinding, state: State<Rule> | undefined, method: string): Rule | undefined {
  const rules = state?.accepts.filter((rule) => takes(rule, method)) ?? [];
  const key = caller?.[version];
  return rules.find((rule) => !key || !('group' in rule) || key.groups.includes(rule.group)) ?? rules[0];
}

/** Returns a function that reports a change in the refusal of methods, with the first request that shows it. */
function statusProbe(context: ProxyContext) {
  const { before, after, collector } = context;
  const [left, right] = [before.proxy, after.proxy];
  let open = left && right && left.methodNotAllowed !== right.methodNotAllowed;
  const caller = [ANYBODY, ...context.callers].find((one) => {
    const authenticated = one.anybody ? !before.access?.usesKeys && !after.access?.usesKeys : one.before && one.after;
    return authenticated && !isEmpty(context.reach(one).common);
  });
  return (endpointBefore: Endpoint, endpointAfter: Endpoint, path: string): void => {
    if (!open || !left || !right || !caller || endpointBefore.others || endpointAfter.others) return;
    const method = unnamedMethod(endpointBefore, endpointAfter);
    open = false;
    collector.add({
      kind: 'status',
      effect: 'neutral',
      message: () =>
        `a method that is not allowed is refused with ${right.methodNotAllowed} (before: ${left.methodNotAllowed})`,
      at: { version: 'after', path: [...right.origin, 'methodNotAllowed'] },
      proxy: context.proxy,
      example: () => confirmed(questionOf({ method, path }, caller, context.reach(caller).common), context, true),
    });
  };
}
