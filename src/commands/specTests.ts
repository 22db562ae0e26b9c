import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { isRoute, lookupMethod } from '../policy/access.ts';
import { epochSeconds } from '../policy/apiKeys.ts';
import { run } from '../policy/automaton.ts';
import { splitTarget } from '../policy/decide.ts';
import { canonicalName, resolveName } from '../policy/names.ts';
import { pullHosts } from '../policy/pulls.ts';
import type { DomainRewrite, Policy, Route } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { testCodes } from './codes.ts';
import { reasonOf } from './reason.ts';
import type { Coverage, TestOutcome } from './report.ts';
import { type Decided, decider, type Problem } from './request.ts';

type SpecTest = NonNullable<Spec['tests']>[number];
type RequestTest = Extract<SpecTest, { request: string }>;

export interface TestRun {
  readonly outcomes: readonly TestOutcome[];
  readonly diagnostics: readonly Diagnostic[];
  readonly coverage: Coverage;
}

/** What really happens, and because of what. */
interface Observation {
  readonly actual: string;
  readonly why: string;
  readonly origin?: SpecPath;
  /** Routes that match the request. */
  readonly touched?: readonly Route[];
}

type Decide = (test: RequestTest) => Decided | Problem;

/** Runs `tests:` against the reference evaluator. */
export function runTests(policy: Policy, spec: Spec): TestRun {
  const ask = decider(policy);
  const decide: Decide = ({ request, apiKey, from, headers, proxy, at }) => {
    const [method = '', target = '', ...rest] = request.split(' ');
    if (rest.length > 0 || target === '')
      return { problem: `"${request}" is not a request`, hint: 'write METHOD and target' };
    // Without a day the request is asked before any key expires: no clock decides whether a spec passes its tests.
    const moment = at === undefined ? 0 : epochSeconds(at);
    if (moment === undefined)
      return { problem: `"${at}" is not a date of the calendar`, hint: 'write a UTC date such as 2027-06-30' };
    return ask({ method, target, apiKey, from, proxy, headers: Object.entries(headers ?? {}), at: moment });
  };
  const results = (spec.tests ?? []).map((test, index) => runTest(test, ['tests', index], { policy, decide }));
  return {
    outcomes: results.map((result) => result.outcome),
    diagnostics: results.flatMap((result) => result.diagnostics),
    coverage: coverageOf(policy, new Set(results.flatMap((result) => result.touched))),
  };
}

interface TestResult {
  readonly outcome: TestOutcome;
  readonly diagnostics: readonly Diagnostic[];
  readonly touched: readonly Route[];
}

function runTest(test: SpecTest, at: SpecPath, context: { policy: Policy; decide: Decide }): TestResult {
  const subject = subjectOf(test);
  const expected = expectedOf(test);
  const observed = observe(test, context);
  if ('problem' in observed) {
    const outcome = { subject, passed: false, expected, actual: 'nothing' };
    return { outcome, diagnostics: [testCodes.report('impossible', at, observed)], touched: [] };
  }
  const { actual, why, origin, touched = [] } = observed;
  const passed = actual === expected;
  const outcome = { subject, passed, expected, actual };
  const related = origin ? { related: [{ at: origin, message: 'decided here' }] } : {};
  const failure = () => testCodes.report('failed', [...at, 'expect'], { subject, expected, actual, why }, related);
  return { outcome, diagnostics: passed ? [] : [failure()], touched };
}

/** Without the query, in which people paste credentials. */
function subjectOf(test: SpecTest): string {
  if ('resolve' in test) return `look-up of ${test.resolve}`;
  if ('pull' in test) return `pull of ${test.pull}`;
  return test.request.replace(/\?.*/s, '?…');
}

function expectedOf(test: SpecTest): string {
  return 'resolve' in test ? canonicalName(test.expect) : String(test.expect);
}

function observe(test: SpecTest, { policy, decide }: { policy: Policy; decide: Decide }): Observation | Problem {
  if ('resolve' in test) {
    const { name, rewrite } = resolveName(policy, test.resolve);
    return { actual: name, ...becauseOf(rewrite) };
  }
  if ('pull' in test) {
    const [node] = pullHosts(policy, test.pull);
    return { actual: node?.host ?? '', ...becauseOf(node?.rewrite) };
  }
  const decided = decide(test);
  if ('problem' in decided) return decided;
  const { decision } = decided;
  const actual = decision.kind === 'forward' ? 'allow' : String(decision.status);
  return { actual, why: reasonOf(decided), origin: decision.at, touched: routesOf(decided) };
}

function becauseOf(rewrite: DomainRewrite | undefined): Pick<Observation, 'why' | 'origin'> {
  return rewrite ? { why: `rewritten to ${rewrite.to}`, origin: rewrite.origin } : { why: 'no rewrite applies' };
}

/** Every route that has a say in a request, whoever sent it. */
function routesOf({ request, evaluator }: Decided): Route[] {
  const state = run(evaluator.access.automaton, splitTarget(request.target)[0] ?? '');
  const routes = state?.accepts.filter(isRoute) ?? [];
  const methods = new Map(routes.flatMap((route) => route.methods.map((method) => [method, true] as const)));
  const method = lookupMethod(request.method, methods);
  return routes.filter((route) => route.methods.includes(method));
}

/** An entry of `allow` counts once, however many methods or proxies it has. */
function coverageOf(policy: Policy, touched: ReadonlySet<Route>): Coverage {
  const key = (route: Route) => JSON.stringify(route.origin);
  const tested = new Set([...touched].map(key));
  const untested = policy.routes
    .filter((route) => !tested.has(key(route)))
    .map((route) => ({ route: `${route.methods.join(',')} ${route.pattern.text}`, at: route.origin }));
  return { routes: policy.routes.length, tested: policy.routes.length - untested.length, untested };
}
