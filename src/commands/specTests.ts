import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { pullHops } from '../plan/pulls.ts';
import { isRoute, takes } from '../policy/access.ts';
import { run } from '../policy/automaton.ts';
import { epochSeconds } from '../policy/dates.ts';
import { splitTarget } from '../policy/decide.ts';
import { canonicalName, resolveName } from '../policy/names.ts';
import type { DomainRewrite, Policy, Route } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { type Nodes, nodeNames, nodesOf } from '../targets/clients.ts';
import type { ReadFile } from '../targets/target.ts';
import { testCodes } from './codes.ts';
import { reasonOf } from './reason.ts';
import type { Coverage, TestOutcome } from './report.ts';
import { type Decided, decider, type Problem } from './request.ts';

type SpecTest = NonNullable<Spec['tests']>[number];
type PullTest = Extract<SpecTest, { pull: string }>;
type RequestTest = Extract<SpecTest, { request: string }>;

export interface TestRun {
  readonly outcomes: readonly TestOutcome[];
  readonly diagnostics: readonly Diagnostic[];
  readonly coverage: Coverage;
}

/** The actual outcome of a test, and its reason. */
interface Observation {
  readonly actual: string;
  readonly why: string;
  readonly origin?: SpecPath;
  /** Routes that match the request. */
  readonly touched?: readonly Route[];
}

type Decide = (test: RequestTest) => Decided | Problem;

/** A valid spec, and access to the files beside it. */
interface Tested {
  readonly policy: Policy;
  readonly spec: Spec;
  readonly read: ReadFile;
}

interface Context {
  readonly policy: Policy;
  readonly decide: Decide;
  readonly nodes: readonly Nodes[];
}

/** Runs the `tests:` of a spec with the reference evaluator. */
export function runTests({ policy, spec, read }: Tested): TestRun {
  const ask = decider(policy);
  const decide: Decide = ({ request, apiKey, from, headers, proxy, at }) => {
    const [method = '', target = '', ...rest] = request.split(' ');
    if (rest.length > 0 || target === '')
      return { problem: `"${request}" is not a request`, hint: 'write METHOD and target' };
    // Without `at`, the request is asked at 1970, before any key expires, so that results do not depend on the clock.
    const moment = at === undefined ? 0 : epochSeconds(at);
    if (moment === undefined)
      return { problem: `"${at}" is not a date of the calendar`, hint: 'write a UTC date such as 2027-06-30' };
    return ask({ method, target, apiKey, from, proxy, headers: Object.entries(headers ?? {}), at: moment });
  };
  const pulls = (spec.tests ?? []).some((test) => 'pull' in test);
  const context = { policy, decide, nodes: pulls ? nodesOf(policy, spec, read) : [] };
  const results = (spec.tests ?? []).map((test, index) => runTest(test, ['tests', index], context));
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

function runTest(test: SpecTest, at: SpecPath, context: Context): TestResult {
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

/** Returns the name of a test. Queries are left out, because people paste credentials into them. */
function subjectOf(test: SpecTest): string {
  if ('resolve' in test) return `look-up of ${test.resolve}`;
  if ('pull' in test) return `pull of ${test.pull}`;
  return test.request.replace(/\?.*/s, '?…');
}

function expectedOf(test: SpecTest): string {
  return 'resolve' in test ? canonicalName(test.expect) : String(test.expect);
}

function observe(test: SpecTest, { policy, decide, nodes }: Context): Observation | Problem {
  if ('resolve' in test) {
    const { name, rewrite } = resolveName(policy, test.resolve);
    return { actual: name, ...becauseOf(rewrite) };
  }
  if ('pull' in test) {
    return observePull(test, policy, nodes);
  }
  const decided = decide(test);
  if ('problem' in decided) return decided;
  const { decision } = decided;
  const actual = decision.kind === 'forward' ? 'allow' : String(decision.status);
  return { actual, why: reasonOf(decided), origin: decision.at, touched: routesOf(decided) };
}

/** Returns the host that nodes contact first. If kinds of nodes differ, it is a list that equals no expected host. */
function observePull(
  { pull: image, node: kind }: PullTest,
  policy: Policy,
  nodes: readonly Nodes[],
): Observation | Problem {
  const meant = kind === undefined ? nodes : nodes.filter(({ target }) => target === kind);
  if (kind !== undefined && meant.length === 0) {
    return {
      problem: `the spec has no target for nodes named "${kind}"`,
      hint: 'name one of its targets, such as containerd',
    };
  }
  const told = meant.length > 0 ? meant : [undefined];
  const first = told.flatMap((node) =>
    pullHops(policy, image, node)
      .slice(0, 1)
      .map((hop) => ({ hop, node })),
  );
  const hosts = [...new Set(first.map(({ hop }) => hop.host))];
  const nodesAt = (host: string) => first.flatMap(({ hop, node }) => (node && hop.host === host ? [node] : []));
  const differ = hosts.map((host) => `${host} on ${nodeNames(nodesAt(host), meant).join(', ')}`).join(', ');
  const at = first.find(({ hop }) => hop.at !== undefined)?.hop.at;
  return {
    actual: hosts.length === 1 ? hosts.join() : differ,
    why: at ? 'a mirror is for it' : 'no mirror is for it',
    ...(at && { origin: at }),
  };
}

function becauseOf(rewrite: DomainRewrite | undefined): Pick<Observation, 'why' | 'origin'> {
  return rewrite ? { why: `rewritten to ${rewrite.to}`, origin: rewrite.origin } : { why: 'no rewrite applies' };
}

/** Returns all routes that match a request, whatever its key. */
function routesOf({ request, evaluator }: Decided): Route[] {
  const state = run(evaluator.access.automaton, splitTarget(request.target)[0] ?? '');
  return state?.accepts.filter(isRoute).filter((route) => takes(route, request.method)) ?? [];
}

/** Returns the coverage. An entry of `allow` counts once, with all its methods and proxies. */
function coverageOf(policy: Policy, touched: ReadonlySet<Route>): Coverage {
  const key = (route: Route) => JSON.stringify(route.origin);
  const tested = new Set([...touched].map(key));
  const untested = policy.routes
    .filter((route) => !tested.has(key(route)))
    .map((route) => ({ route: `${route.methods.join(',')} ${route.pattern.text}`, at: route.origin }));
  return { routes: policy.routes.length, tested: policy.routes.length - untested.length, untested };
}
