import { type Endpoints, endpointsOf, type Junction } from '../../plan/endpoints.ts';
import { type Rule, rulesOf } from '../../policy/access.ts';
import type { Proxy } from '../../policy/types.ts';
import type { NginxDirective } from './liveConfig.ts';
import { patternName, variablePrefix } from './names.ts';
import { accessTo } from './proxy.ts';

/** The requests of the spec that a row of our routing tables serves, in the order of the proxy. */
interface RowRules {
  readonly rules: readonly Rule[];
  /** A path that comes to the row. */
  readonly path: string | undefined;
}

/** Nothing for rows of other tables. */
type RulesOf = (row: NginxDirective, table: NginxDirective | undefined) => RowRules | undefined;

/** `$api_path_3`: a table that leads from segment to segment, or one about what is at the end. */
const TABLE =
  /^\$(?<proxy>[a-z0-9]+(?:_{2,}[a-z0-9]+)*)_(?:(?<step>(?:path|parameter|typed_[a-z_]+|marked)_\d+(?:_else)?)|route(?:_any)?|head_route|allow)$/;
/** `GET /groups`: a method at a place; or a place alone. */
const ROW = /^(?:(?<method>[A-Z_-]+) )?(?<place>(?:\/.*)?)$/;

/** Whether a directive is such a row, or could be one: it may be somebody else's. */
export function isRoutingRow({ name, args, block }: NginxDirective, table: NginxDirective | undefined): boolean {
  return args.length === 1 && !block && ROW.test(name) && TABLE.test(table?.args[1] ?? '');
}

/** A step that is not ours is told by where it leads, because that is what it opens. */
export function ruleFinder(proxies: readonly Proxy[]): RulesOf {
  const byPrefix = new Map(proxies.map((proxy) => [variablePrefix(proxy.id), proxy]));
  const known = new Map<Proxy, Places>();
  return ({ name, args }, table) => {
    const { proxy: prefix = '', step } = TABLE.exec(table?.args[1] ?? '')?.groups ?? {};
    const row = ROW.exec(name)?.groups;
    const proxy = byPrefix.get(prefix);
    if (!proxy || !row) return undefined;
    const places = known.get(proxy) ?? placesOf(proxy);
    known.set(proxy, places);
    const { place = '', method } = row;
    const target = step === undefined || step.startsWith('parameter') ? place : (args[0] ?? '');
    const junction = places.byName.get(target);
    if (!junction) return undefined;
    if (step !== undefined) return { rules: inOrder(rulesBehind(junction, places), places), path: shown(junction) };
    const operations = junction.endpoint?.operations ?? [];
    const taking = operations.filter((operation) => method === undefined || operation.method === method);
    const rules = (taking.length > 0 ? taking : operations).flatMap((operation) => operation.rules);
    return { rules: inOrder(new Set(rules), places), path: undefined };
  };
}

interface Places {
  readonly byName: ReadonlyMap<string, Junction>;
  readonly byPattern: ReadonlyMap<string, Junction>;
  readonly order: ReadonlyMap<Rule, number>;
}

function placesOf(proxy: Proxy): Places {
  const { junctions }: Endpoints = endpointsOf(accessTo(proxy));
  return {
    byName: new Map(junctions.map((junction) => [patternName(junction.name), junction])),
    byPattern: new Map(junctions.map((junction) => [junction.name, junction])),
    order: new Map(rulesOf(proxy).map((rule, index) => [rule, index] as const)),
  };
}

/** The pattern itself, where the table has a short name for it. */
function shown({ name }: Junction): string | undefined {
  return patternName(name) === name ? undefined : name;
}

function inOrder(rules: Iterable<Rule>, { order }: Places): Rule[] {
  return [...rules].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
}

/** Near the root most of a proxy is behind a row, and a reader wants a line of the spec, not all of them. */
const MOST_PLACES = 1000;

function rulesBehind(start: Junction, { byPattern }: Places): ReadonlySet<Rule> {
  const seen = new Set([start]);
  const rules = new Set<Rule>();
  for (const { endpoint, literals, parameters } of seen) {
    for (const rule of endpoint?.operations.flatMap((operation) => operation.rules) ?? []) rules.add(rule);
    for (const name of seen.size < MOST_PLACES ? [...literals.values(), ...parameters.values()] : []) {
      const next = byPattern.get(name);
      if (next) seen.add(next);
    }
  }
  return rules;
}
