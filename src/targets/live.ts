import { createHash, createHmac } from 'node:crypto';
import { defineCodes, error, warning } from '../diagnostics/codes.ts';
import { type Diagnostic, failed, ok, type Result, type SpecPath } from '../diagnostics/diagnostic.ts';
import { toCidrs } from '../policy/cidr.ts';
import type { Policy } from '../policy/types.ts';
import type { Expected } from './target.ts';

export const driftCodes = defineCodes('drift', {
  'unreadable-live': error('what is live of {target} cannot be compared: {problem}').hint('{hint}'),
  missing: error('{where} lacks {what}').hint('deploy the generated files, or take the line out of the spec'),
  changed: error('{where} has {live} in place of {expected}').hint(
    'deploy the generated files, or bring the change into the spec',
  ),
  added: error('{where} has {what}, which the spec does not make').hint(
    'deploy the generated files, or bring the change into the spec',
  ),
  reordered: error('{where} has {what} at another place, and here order decides').hint('deploy the generated files'),
  shadowed: error('{what} is never reached: {by} comes first').hint('move or remove the other rule'),
  'no-keys': warning('{where} has no keys, so that everybody who needs one is refused').hint(
    'run "postern secrets render" where it runs',
  ),
  foreign: warning('{where} also has {what}, which is not ours and was not compared'),
});

/** Reports why nothing could be compared. This is never the same as "no drift". */
export function unreadable({ target, at }: Expected, problem: string, hint: string): Result<never> {
  return failed([driftCodes.report('unreadable-live', at, { target, problem, hint })]);
}

/** Returns drift of secrets with what mends it: to deploy generated files would leave the secrets as they are. */
export function renderAgain(drift: Diagnostic): Diagnostic {
  const hint = 'run "postern secrets render" where it runs, take other files out of its secrets/, and reload it';
  return { ...drift, hint };
}

/**
 * Reports ids with more or fewer keys than in the spec: a key that was revoked may still work. Each map is one place
 * where keys are looked up, and has the number of keys by id. The keys themselves are never compared.
 */
export function keyDrift(
  { apiKeys }: Policy,
  places: readonly ReadonlyMap<string, number>[],
  where: string,
): Result<Diagnostic[]> {
  if (apiKeys.length > 0 && places.length > 0 && places.every((counts) => counts.size === 0))
    return ok([], [driftCodes.report('no-keys', ['apiKeys'], { where })]);
  const wanted = new Map(apiKeys.map((key) => [key.id, key]));
  const found = places.flatMap((counts) => {
    const strangers = [...counts.keys()].filter((id) => !wanted.has(id));
    return [
      ...apiKeys.flatMap(({ id, keys, origin }): Diagnostic[] => {
        const [expected, live] = [keys.length, counts.get(id) ?? 0];
        if (live === expected) return [];
        if (live === 0) return [driftCodes.report('missing', origin, { what: `a key for "${id}"`, where })];
        const words = `${live} ${live === 1 ? 'key' : 'keys'} for "${id}"`;
        return [driftCodes.report('changed', origin, { where, expected: String(expected), live: words })];
      }),
      ...strangers.map((id) => driftCodes.report('added', ['apiKeys'], { what: `a key for "${id}"`, where })),
    ];
  });
  // Several proxies have the same keys, so messages are deduplicated.
  return ok([...new Map(found.map((one) => [one.message, renderAgain(one)])).values()]);
}

/** Returns a name for a value that may be a secret. Equal values have equal names, and the name tells nothing else. */
export type Fingerprint = (value: string) => string;

/**
 * Returns a fingerprint that is keyed by the whole live text, which readers of the output do not have. So a short
 * secret cannot be found by trying, neither its length nor a part of it shows, and equal input has equal output.
 */
export function fingerprintFor(live: string): Fingerprint {
  const key = createHash('sha256').update('postern live').update(live).digest();
  return (value) => `<hidden:${createHmac('sha256', key).update(value).digest('hex').slice(0, 8)}>`;
}

/** Returns the place in the spec that a part of an engine's configuration comes from, found by the names in it. */
type OriginOf = (words: readonly string[]) => SpecPath | undefined;

/** Names are ranked from the least to the most specific; of several, the most specific one decides. */
export function originFinder(policy: Policy): OriginOf {
  const known = new Map<string, { readonly path: SpecPath; readonly rank: number }>();
  const enter = (rank: number, name: string, path: SpecPath) => {
    if ((known.get(name)?.rank ?? 0) <= rank) known.set(name, { path, rank });
  };
  for (const key of policy.apiKeys) {
    for (const cidr of key.ranges ? toCidrs(key.ranges) : [])
      for (const form of cidrForms(cidr)) enter(4, form, [...key.origin, 'ipRanges']);
  }
  for (const proxy of policy.proxies) {
    enter(1, proxy.id, proxy.origin);
    enter(1, String(proxy.listen.port), [...proxy.origin, 'listen']);
    for (const cidr of toCidrs(proxy.ranges))
      for (const form of cidrForms(cidr)) enter(4, form, [...proxy.origin, 'ipRanges']);
  }
  for (const upstream of policy.upstreams) {
    enter(2, upstream.id, upstream.origin);
    for (const { host } of [upstream, ...upstream.servers]) enter(3, host, upstream.origin);
  }
  for (const { group } of policy.routes) enter(2, group, ['routes', group]);
  for (const key of policy.apiKeys) enter(5, key.id, key.origin);
  for (const rewrite of [...policy.rewrites, ...policy.registries])
    for (const name of [rewrite.to, rewrite.from]) enter(6, name, rewrite.origin);
  for (const route of policy.routes) enter(7, route.pattern.text, route.origin);
  return (words) => {
    const found = words.flatMap(partsOf).flatMap((part) => known.get(part) ?? []);
    return found.toSorted((a, b) => b.rank - a.rank)[0]?.path;
  };
}

function cidrForms(cidr: string): string[] {
  return [cidr, cidr.replace(/\/(?:32|128)$/, '')];
}

/** Returns a word and the names in it: `https://git.example.com:443` holds `git.example.com`. */
function partsOf(word: string): string[] {
  const plain = word.replace(/^[.*]+|\.$/g, '');
  return [word, plain, ...plain.split(/[^A-Za-z0-9._-]+/), ...plain.split(/[^A-Za-z0-9-]+/)];
}
