import { posix } from 'node:path';
import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { SecretScheme } from '../spec/scalars.ts';
import type { Spec } from '../spec/schema.ts';
import { type CidrSet, intersect } from './cidr.ts';
import { policyCodes } from './codes.ts';
import { epochSeconds } from './dates.ts';
import type { Difference, FieldTable } from './fields.ts';
import type { RangeResolver } from './ranges.ts';
import type { ApiKey, Policy, Proxy, SecretReference, Upstream } from './types.ts';

type KeySpec = NonNullable<Spec['apiKeys']>[string];

/** Returns the addresses from which a key gets through to a proxy: those in both lists if the key has its own. */
export function keyAddresses({ ranges }: Pick<ApiKey, 'ranges'>, proxy: Pick<Proxy, 'ranges'>): CidrSet {
  return ranges ? intersect(proxy.ranges, ranges) : proxy.ranges;
}

/** Returns the keys that may use each group. There may be thousands of both. */
export function keysByGroup(keys: readonly ApiKey[]): ReadonlyMap<string, readonly ApiKey[]> {
  const found = new Map<string, ApiKey[]>();
  for (const key of keys) {
    for (const group of key.groups) {
      const others = found.get(group);
      if (others) others.push(key);
      else found.set(group, [key]);
    }
  }
  return found;
}

/** Returns all references of a policy, each once. */
export function referencesOf({ apiKeys }: Pick<Policy, 'apiKeys'>): SecretReference[] {
  return eachOnce(apiKeys.flatMap(({ keys, token }) => [...keys, token]));
}

/** Returns the references of callers' keys, each once. */
export function keyReferencesOf({ apiKeys }: Pick<Policy, 'apiKeys'>): SecretReference[] {
  return eachOnce(apiKeys.flatMap(({ keys }) => keys));
}

export function eachOnce(references: readonly SecretReference[]): SecretReference[] {
  return [...new Map(references.map((reference) => [reference.text, reference])).values()];
}

function secretReference(text: string, origin: SpecPath): SecretReference {
  // The schema accepts no other scheme.
  return { scheme: text.slice(0, text.indexOf(':')) as SecretScheme, text, origin };
}

/** Returns one spelling for all ways to write a path: `file:./a/../key` is `file:key`, `vault:kv//k#f` is `vault:kv/k#f`. */
export function plainReference(text: string): string {
  return text
    .replace(/(?<=^(?:file|sops):)[^#]+/, (path) => posix.normalize(path))
    .replace(/(?<=^vault:)[^#]+/, (path) => posix.join('/', path).replace(/^\/|\/$/g, ''));
}

/**
 * Returns one name for all references that may lead to the same secret: `vault:kv/data/key#k` is `vault:kv/key#k`, as in
 * a store with versions. Where a store begins and whether it has versions is not known here, so `data` counts nowhere:
 * two secrets of a store without versions may have one name, but no secret has two.
 */
export function secretName(text: string): string {
  return plainReference(text).replace(
    /^(vault:[^/#]+)((?:\/[^/#]*)+)(#(?:data\/)*)?/,
    (_, first: string, rest: string, hash?: string) =>
      `${first}${rest.replace(/(?:\/data)+(?=\/)/g, '')}${hash === undefined ? '' : '#'}`,
  );
}

/** Reads `10/s burst 20`; the default burst is the requests of one second. */
function rateLimit(text: string): NonNullable<ApiKey['rateLimit']> {
  const [, requests = '1', per = 's', burst] = /^(\d+)\/([sm])(?: burst (\d+))?$/.exec(text) ?? [];
  const count = Number(requests);
  const perSecond = per === 's' ? count : Math.ceil(count / 60);
  return { requests: count, per: per === 's' ? 's' : 'm', burst: burst === undefined ? perSecond : Number(burst) };
}

function checkSecretsDiffer(id: string, spec: KeySpec, problems: Diagnostic[]): void {
  const keys = typeof spec.key === 'string' ? [spec.key] : spec.key;
  if (!keys.map(secretName).includes(secretName(spec.token))) return;
  problems.push(policyCodes.report('key-is-token', ['apiKeys', id, 'token'], { key: id }));
}

interface KeyContext {
  readonly spec: Spec;
  readonly ranges: RangeResolver;
  readonly problems: Diagnostic[];
  /** Groups with `auth: apiKey`, sorted. */
  readonly keyGroups: readonly string[];
  /** All groups. */
  readonly routeGroups: readonly string[];
}

function groupsOf(
  id: string,
  names: readonly string[] | undefined,
  { spec, problems, keyGroups, routeGroups }: KeyContext,
): readonly string[] {
  if (names === undefined) return keyGroups;
  for (const [index, group] of names.entries()) {
    const at: SpecPath = ['apiKeys', id, 'routes', index];
    if (!Object.hasOwn(spec.routes ?? {}, group))
      problems.push(
        policyCodes.report('unknown-reference', at, { kind: 'route group', name: group, known: routeGroups }),
      );
    else if (spec.routes?.[group]?.auth === 'passthrough')
      problems.push(policyCodes.report('unusable-group', at, { key: id, group }));
  }
  return names.length === 1 ? names : [...new Set(names)].sort();
}

function resolveOne(id: string, spec: KeySpec, context: KeyContext): ApiKey {
  const origin: SpecPath = ['apiKeys', id];
  const keys = typeof spec.key === 'string' ? [spec.key] : spec.key;
  const single = typeof spec.key === 'string';
  checkSecretsDiffer(id, spec, context.problems);
  const expires = spec.expires === undefined ? undefined : epochSeconds(spec.expires);
  if (spec.expires !== undefined && expires === undefined) {
    context.problems.push(policyCodes.report('bad-date', [...origin, 'expires'], { text: spec.expires }));
  }
  return {
    id,
    // Each place is written out, without `...at`: V8 gives a spread list room for 17 more items, and keys are many.
    keys: keys.map((text, index) =>
      secretReference(text, single ? ['apiKeys', id, 'key'] : ['apiKeys', id, 'key', index]),
    ),
    token: secretReference(spec.token, ['apiKeys', id, 'token']),
    groups: groupsOf(id, spec.routes, context),
    allGroups: spec.routes === undefined,
    ...(spec.ipRanges === undefined ? {} : { ranges: context.ranges.resolve(spec.ipRanges, [...origin, 'ipRanges']) }),
    ...(expires === undefined ? {} : { expires }),
    ...(spec.rateLimit === undefined ? {} : { rateLimit: rateLimit(spec.rateLimit) }),
    ...(spec.owner === undefined ? {} : { owner: spec.owner }),
    origin,
  };
}

/** Refuses a secret that two keys share: the proxy could not tell their callers apart. */
function checkUnique(keys: readonly ApiKey[], problems: Diagnostic[]): void {
  const seen = new Map<string, SecretReference>();
  for (const reference of keys.flatMap((key) => key.keys)) {
    const earlier = seen.get(secretName(reference.text));
    if (earlier) {
      const related = [{ at: earlier.origin, message: 'first used here' }];
      problems.push(policyCodes.report('shared-key', reference.origin, { reference: reference.text }, { related }));
    } else seen.set(secretName(reference.text), reference);
  }
}

/** Returns the keys, sorted by id. */
export function resolveApiKeys(input: Omit<KeyContext, 'routeGroups'>): ApiKey[] {
  const context = { ...input, routeGroups: Object.keys(input.spec.routes ?? {}) };
  const keys = Object.entries(context.spec.apiKeys ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, spec]) => resolveOne(id, spec, context));
  checkUnique(keys, context.problems);
  return keys;
}

/** The upstreams that get a token, by the form in which they take it. */
interface TokenUses {
  readonly basic: Upstream | undefined;
  readonly other: Upstream | undefined;
}

function upstreamsByGroup({ routes }: Pick<Policy, 'routes'>): ReadonlyMap<string, ReadonlySet<string>> {
  const byGroup = new Map<string, Set<string>>();
  for (const { group, forwarding } of routes) {
    const reached = byGroup.get(group);
    if (reached) reached.add(forwarding.upstream);
    else byGroup.set(group, new Set([forwarding.upstream]));
  }
  return byGroup;
}

/** Returns where each token is sent: origins such as `https://gitlab.example.com:443`, by reference. */
export function tokenReceivers(
  policy: Pick<Policy, 'apiKeys' | 'routes' | 'upstreams'>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const byGroup = upstreamsByGroup(policy);
  const origins = new Map(policy.upstreams.map(({ id, scheme, host, port }) => [id, `${scheme}://${host}:${port}`]));
  const receivers = new Map<string, Set<string>>();
  for (const { token, groups } of policy.apiKeys) {
    const known = receivers.get(token.text) ?? new Set();
    for (const group of groups)
      for (const upstream of byGroup.get(group) ?? []) known.add(origins.get(upstream) ?? upstream);
    receivers.set(token.text, known);
  }
  return receivers;
}

/** Returns the uses of a key's token. What its groups lead to is worked out before, since keys and routes are many. */
function tokenUses({ routes, upstreams }: Pick<Policy, 'routes' | 'upstreams'>): (key: ApiKey) => TokenUses {
  const byGroup = upstreamsByGroup({ routes });
  return ({ groups }) => {
    const of = (isBasic: boolean) =>
      upstreams.find(
        ({ id, tokenScheme }) =>
          (tokenScheme === 'Basic') === isBasic && groups.some((group) => byGroup.get(group)?.has(id)),
      );
    return { basic: of(true), other: of(false) };
  };
}

/** Returns the references whose secret is `user:password`, which Basic sends in base64. */
export function basicTokens(policy: Pick<Policy, 'apiKeys' | 'routes' | 'upstreams'>): ReadonlySet<string> {
  const usesOf = tokenUses(policy);
  return new Set(policy.apiKeys.filter((key) => usesOf(key).basic).map(({ token }) => token.text));
}

/** Refuses a reference that one upstream takes as user:password and another as a token: no one secret is both. */
export function checkTokenForms(
  policy: Pick<Policy, 'apiKeys' | 'routes' | 'upstreams'>,
  problems: Diagnostic[],
): void {
  const usesOf = tokenUses(policy);
  const basics = new Map<string, Upstream>();
  for (const key of policy.apiKeys) {
    const { basic } = usesOf(key);
    if (basic) basics.set(key.token.text, basic);
  }
  for (const key of policy.apiKeys) {
    const { other } = usesOf(key);
    const basic = basics.get(key.token.text);
    if (!basic || !other) continue;
    const params = { reference: key.token.text, basic: basic.id, other: other.id };
    const related = [{ at: [...basic.origin, 'tokenScheme'], message: 'as user:password' }];
    problems.push(policyCodes.report('two-forms', key.token.origin, params, { related }));
  }
}

/** How each field of a key affects what its caller may do. */
export const API_KEY: FieldTable<ApiKey> = {
  id: { words: 'id', compare: 'identity' },
  keys: { words: 'key', compare: 'identity' },
  token: {
    words: 'token',
    kind: 'token',
    compare: tokenDifferences,
    shownBy: 'forwarding',
    normal: ({ token }) => token.text,
  },
  groups: { words: 'routes', compare: 'decided' },
  allGroups: { words: 'routes', compare: { cannotLoosen: 'it says how the groups are written; groups says which' } },
  ranges: { words: 'ipRanges', compare: 'decided' },
  expires: { words: 'expires', compare: 'decided' },
  rateLimit: { words: 'rateLimit', kind: 'rate-limit', compare: rateDifferences },
  owner: { words: 'owner', compare: { cannotLoosen: 'it says whom to ask, and no decision reads it' } },
  origin: { words: 'line', compare: { cannotLoosen: 'it says where the key is written' } },
};

/** Returns the difference of tokens. It is `unclear`, because only the upstream knows what each token may do. */
function tokenDifferences({ token: before }: ApiKey, { token: after }: ApiKey): Difference[] {
  return [{ effect: 'unclear', words: `causes the token ${after.text} to be sent (before: ${before.text})` }];
}

function rateDifferences({ rateLimit: before }: ApiKey, { rateLimit: after }: ApiKey): Difference[] {
  type Limit = ApiKey['rateLimit'];
  const perMinute = (limit: Limit) => (limit ? limit.requests * (limit.per === 's' ? 60 : 1) : Infinity);
  const words = (limit: Limit) => (limit ? `${limit.requests}/${limit.per} burst ${limit.burst}` : 'unlimited');
  const more = perMinute(after) > perMinute(before) || (after?.burst ?? Infinity) > (before?.burst ?? Infinity);
  return [{ effect: more ? 'widening' : 'narrowing', words: `may send ${words(after)} (before: ${words(before)})` }];
}
