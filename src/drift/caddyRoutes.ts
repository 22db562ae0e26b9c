import { accessOf, type Rule } from '../policy/access.ts';
import type { Policy, Proxy } from '../policy/types.ts';
import type { JsonDifference } from './json.ts';

/** A difference in one of our tables of requests. */
export interface RouteDifference {
  /** Lines of the spec whose requests the two sides tell apart. */
  readonly rules: readonly Rule[];
  /** What the row leads to: the names of groups. */
  readonly outputs: readonly string[];
}

/** Nothing for differences elsewhere. */
export type RoutesOf = (difference: JsonDifference) => RouteDifference | undefined;

const ROW = /^(?<table>\/apps\/http\/servers\/(?<server>[^/]+)\/.*)\/mappings\/(?<row>\d+)(?:\/.*)?$/;

/** `wanted` is the configuration that the paths of differences lead into. */
export function routeFinder(policy: Policy, wanted: unknown): RoutesOf {
  return ({ path, ...difference }) => {
    const { table = '', server = '', row = '' } = ROW.exec(path)?.groups ?? {};
    const map = at(wanted, table.split('/').slice(1));
    const source = field(map, 'source');
    const proxy = policy.proxies.find(({ id }) => id === server);
    // What a request is looked up by: its target, and its method where that counts.
    if (!proxy || typeof source !== 'string' || !source.includes('{http.request.orig_uri}')) return undefined;
    const [left, right] = [expressionIn(difference.wanted), expressionIn(difference.found)];
    // A whole row that is not ours is counted among the rows of the other side.
    const entry = difference.wanted === undefined ? difference.found : at(map, ['mappings', row]);
    const outputs = [field(entry, 'outputs') ?? []].flat();
    return { rules: toldApart(proxy, source, [left, right]), outputs: outputs.map(String) };
  };
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce(field, value);
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

/** What a row looks for; a row that is not there finds nothing. */
function expressionIn(value: unknown): RegExp | undefined {
  const text = typeof value === 'string' ? value : field(value, 'input_regexp');
  if (typeof text !== 'string') return undefined;
  const [, ignoring] = /(\(\?i\))/.exec(text) ?? [];
  try {
    return new RegExp(text.replace('(?i)', ''), ignoring === undefined ? '' : 'i');
  } catch {
    return undefined;
  }
}

function toldApart(proxy: Proxy, source: string, [left, right]: readonly (RegExp | undefined)[]): Rule[] {
  const found = new Set<Rule>();
  for (const { state, cells } of accessOf(proxy)?.places ?? [])
    for (const method of cells.keys()) {
      const line = source
        .replace('{http.request.method}', method)
        .replace('{http.request.orig_uri}', state.example)
        .replace(/\{[^{}]*\}/g, 'ok');
      if (left?.test(line) === right?.test(line)) continue;
      for (const rule of state.accepts) if (rule.methods.includes(method)) found.add(rule);
    }
  const order = new Map([...proxy.routes, ...proxy.answers].map((rule, index) => [rule, index] as const));
  return [...found].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
}
