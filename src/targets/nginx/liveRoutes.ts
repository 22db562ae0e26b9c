import { type Endpoints, endpointsOf, type Junction } from '../../plan/endpoints.ts';
import { distinctSets, routeSets } from '../../plan/routeSets.ts';
import { type Rule, rulesOf } from '../../policy/access.ts';
import type { Policy, Proxy } from '../../policy/types.ts';
import type { NginxDirective } from './liveConfig.ts';
import { patternName, sharedPrefix, variablePrefix } from './names.ts';
import { accessTo } from './proxy.ts';

/** The requests of the spec that a row of our routing tables serves, in the order of the proxy. */
interface RowRules {
  readonly rules: readonly Rule[];
  /** A path that reaches the row. */
  readonly path: string | undefined;
}

/** Returns `undefined` for rows of other tables. */
type RulesOf = (row: NginxDirective, table: NginxDirective | undefined) => RowRules | undefined;

/**
 * Variable of a routing table of a proxy or a route set: one about a segment, `$api_path_3`, or one about endpoints,
 * `$api_route`.
 */
const TABLE =
  /^\$(?<owner>(?:shared_[a-z0-9]+(?:_{2,}[a-z0-9]+|_and_[a-z0-9]+)*(?:_with_[0-9a-f]{12})?|[a-z0-9]+(?:_{2,}[a-z0-9]+)*))_(?:(?<step>(?:path|parameter|typed_[a-z_]+|marked)_\d+(?:_else)?|(?:path_)?longer)|route(?:_any)?|head_route|allow)$/;
/** Key of a row: a method and a path, `GET /groups`, a path alone, or the expression of a longer path. */
const ROW = /^(?:(?<method>[A-Z_-]+) )?(?<place>(?:~?\^?\/.*)?)$/;

/** Returns whether a directive has the form of a row of a routing table. It need not be one of ours. */
export function isRoutingRow({ name, args, block }: NginxDirective, table: NginxDirective | undefined): boolean {
  return args.length === 1 && !block && ROW.test(name) && TABLE.test(table?.args[1] ?? '');
}

/**
 * Returns a function that finds the rules behind a row. A row of a table about a segment stands for all that lies
 * behind the junction that it leads to, because that is what it opens.
 */
export function ruleFinder(policy: Pick<Policy, 'proxies' | 'routes'>): RulesOf {
  const byPrefix = new Map([
    ...policy.proxies.map((proxy) => [variablePrefix(proxy.id), proxy] as const),
    ...distinctSets(routeSets(policy)).map(({ name, proxy }) => [sharedPrefix(name), proxy] as const),
  ]);
  const known = new Map<Proxy, Junctions>();
  return ({ name, args }, table) => {
    const { owner = '', step } = TABLE.exec(table?.args[1] ?? '')?.groups ?? {};
    const row = ROW.exec(name)?.groups;
    const proxy = byPrefix.get(owner);
    if (!proxy || !row) return undefined;
    const junctions = known.get(proxy) ?? junctionsOf(proxy);
    known.set(proxy, junctions);
    const { place = '', method } = row;
    const target = step === undefined || step.startsWith('parameter') ? place : (args[0] ?? '');
    const junction = junctions.byName.get(target);
    if (!junction) return undefined;
    if (step !== undefined)
      return { rules: inOrder(rulesBehind(junction, junctions), junctions), path: shown(junction) };
    const operations = junction.endpoint?.operations ?? [];
    const taking = operations.filter((operation) => method === undefined || operation.method === method);
    const rules = (taking.length > 0 ? taking : operations).flatMap((operation) => operation.rules);
    return { rules: inOrder(new Set(rules), junctions), path: undefined };
  };
}

interface Junctions {
  readonly byName: ReadonlyMap<string, Junction>;
  readonly byPattern: ReadonlyMap<string, Junction>;
  readonly order: ReadonlyMap<Rule, number>;
}

function junctionsOf(proxy: Proxy): Junctions {
  const { junctions }: Endpoints = endpointsOf(accessTo(proxy));
  return {
    byName: new Map(junctions.map((junction) => [patternName(junction.name), junction])),
    byPattern: new Map(junctions.map((junction) => [junction.name, junction])),
    order: new Map(rulesOf(proxy).map((rule, index) => [rule, index] as const)),
  };
}

/** Returns the pattern of a junction, where tables have a short name for it. */
function shown({ name }: Junction): string | undefined {
  return patternName(name) === name ? undefined : name;
}

function inOrder(rules: Iterable<Rule>, { order }: Junctions): Rule[] {
  return [...rules].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
}

/**
 * Most junctions that are searched. Most rules of a proxy lie behind a row near the root, and a reader needs only a few
 * of them.
 */
const MOST_JUNCTIONS = 1000;

function rulesBehind(start: Junction, { byPattern }: Junctions): ReadonlySet<Rule> {
  const seen = new Set([start]);
  const rules = new Set<Rule>();
  for (const { endpoint, literals, parameters } of seen) {
    for (const rule of endpoint?.operations.flatMap((operation) => operation.rules) ?? []) rules.add(rule);
    for (const name of seen.size < MOST_JUNCTIONS ? [...literals.values(), ...parameters.values()] : []) {
      const next = byPattern.get(name);
      if (next) seen.add(next);
    }
  }
  return rules;
}
