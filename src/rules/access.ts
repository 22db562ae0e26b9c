import type { Composition } from '../compose/compose.ts';
import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import { accessOf, type Endpoint, isRoute } from '../policy/access.ts';
import { CLASS_EXAMPLES } from '../policy/automaton.ts';
import { ANY_ADDRESS, addressWords, subtract } from '../policy/cidr.ts';
import { policyCodes } from '../policy/codes.ts';
import { dateOf, epochSeconds } from '../policy/dates.ts';
import { isLoopback } from '../policy/origin.ts';
import { EVERY_METHOD, type PatternSegment } from '../policy/pattern.ts';
import type { Policy, Proxy, Route } from '../policy/types.ts';
import type { Spec } from '../spec/schema.ts';
import { suggest } from '../spec/suggest.ts';
import { ruleCodes } from './codes.ts';

const READING = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Reports what lets more through than most authors mean: `PUT /a/{rest*}`, passthrough routes that are open to any
 * address.
 */
export function wide(policy: Policy): Diagnostic[] {
  const writes = policy.routes.flatMap((route) => {
    const methods = route.methods.filter((method) => !READING.includes(method));
    const open = route.pattern.segments.some(({ kind }) => kind === 'rest');
    if (!open || methods.length === 0) return [];
    return ruleCodes.report('wide-write', route.origin, { methods: methods.join(','), path: route.pattern.text });
  });
  const open = policy.proxies.flatMap((proxy) => {
    if (subtract(ANY_ADDRESS, proxy.ranges).ranges.length > 0) return [];
    const groups = new Set(
      proxy.routes.filter((route) => route.forwarding.auth === 'passthrough').map((route) => route.group),
    );
    return [...groups].map((group) =>
      ruleCodes.report('open-to-all', [...proxy.origin, 'ipRanges'], { proxy: proxy.id, group }),
    );
  });
  const pages = policy.proxies
    .filter(({ cors }) => cors?.origins === 'any')
    .map(({ id, origin }) => ruleCodes.report('any-page', [...origin, 'cors', 'origins'], { proxy: id }));
  const insecure = policy.upstreams
    .filter((upstream) => upstream.tls?.insecureSkipVerify)
    .map((upstream) =>
      ruleCodes.report('insecure-tls', [...upstream.origin, 'tls', 'insecureSkipVerify'], { upstream: upstream.id }),
    );
  return [...insecure, ...writes, ...open, ...pages];
}

/** Reports routes with `encodedText`, which lets through what a server that decodes twice takes for another path. */
export function decodedTwice({ routes }: Policy): Diagnostic[] {
  return routes.flatMap(({ pattern, forwarding: { upstream }, origin }) => {
    const isText = (segment: PatternSegment) => 'type' in segment && segment.type === 'encodedText';
    if (!pattern.segments.some(isText)) return [];
    const parts = pattern.segments.map((segment) => (isText(segment) ? 'x%252F..%252Fy' : exampleOf(segment)));
    const request = `/${parts.join('/')}`;
    const meaning = decodeURIComponent(decodeURIComponent(request));
    return [ruleCodes.report('decoded-twice', origin, { path: pattern.text, request, meaning, upstream })];
  });
}

function exampleOf(segment: PatternSegment): string {
  switch (segment.kind) {
    case 'literal':
      return segment.text;
    case 'choice':
      return segment.values[0] ?? '';
    case 'parameter':
    case 'rest':
      return CLASS_EXAMPLES[segment.type];
  }
}

/** Returns whether the wide route has all methods of the narrow one, for the same callers. */
function covers(wide: Route, narrow: Route): boolean {
  return wide.group === narrow.group && narrow.methods.every((method) => wide.methods.includes(method));
}

/** Returns for each route the others that match all of its paths, for the same callers and methods. */
function companions(endpoints: readonly Endpoint[]): Map<Route, Set<Route>> {
  const together = new Map<Route, Set<Route>>();
  for (const { state } of endpoints) {
    const routes = state.accepts.filter(isRoute);
    for (const route of routes) {
      const known = together.get(route);
      const here = routes.filter(
        (other) => other !== route && (known === undefined || known.has(other)) && covers(other, route),
      );
      together.set(route, new Set(here));
    }
  }
  return together;
}

function inProxy(proxy: Proxy): Diagnostic[] {
  const access = accessOf(proxy);
  if (!access) return [];
  const removed = new Set<Route>();
  return [...companions(access.endpoints)].flatMap(([route, others]) => {
    // Only one of two routes that allow the same is reported.
    const other = [...others].find((candidate) => !removed.has(candidate));
    if (!other) return [];
    removed.add(route);
    const words = (one: Route) => `${one.methods.join(',')} ${one.pattern.text}`;
    const related = [{ at: other.origin, message: 'allowed here' }];
    return ruleCodes.report('redundant', route.origin, { request: words(route), other: words(other) }, { related });
  });
}

/** Reports entries that allow nothing beyond what another entry of their group allows. */
export function redundant(policy: Policy): Diagnostic[] {
  const found = new Map(policy.proxies.flatMap(inProxy).map((diagnostic) => [diagnostic.at.join('/'), diagnostic]));
  return [...found.values()];
}

/** Methods that are suggested for a mistyped one. */
const USUAL = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
/** Methods of the IANA registry, and those of caches (PURGE) and Vault (LIST). */
const OTHERS = [
  ...['ACL', 'BASELINE-CONTROL', 'BIND', 'CHECKIN', 'CHECKOUT', 'COPY', 'LABEL', 'LINK', 'LIST', 'LOCK', 'MERGE'],
  ...['MKACTIVITY', 'MKCALENDAR', 'MKCOL', 'MKREDIRECTREF', 'MKWORKSPACE', 'MOVE', 'ORDERPATCH', 'PROPFIND'],
  ...['PROPPATCH', 'PURGE', 'QUERY', 'REBIND', 'REPORT', 'SEARCH', 'UNBIND', 'UNCHECKOUT', 'UNLINK', 'UNLOCK'],
  ...['UPDATE', 'UPDATEREDIRECTREF', 'VERSION-CONTROL'],
];

/** Segments of OData, which package registries use. Their dollar is part of the name and begins no parameter. */
const ODATA = ['$batch', '$count', '$entity', '$metadata', '$ref', '$value'];

/** Reports request lines that are well formed and match nothing that a client sends. */
export function requests({ routes, proxies }: Policy): Diagnostic[] {
  return [...routes, ...proxies.flatMap((proxy) => proxy.answers)].flatMap(({ methods, pattern, origin }) => [
    ...methods
      .filter((method) => method !== EVERY_METHOD && !USUAL.includes(method) && !OTHERS.includes(method))
      .map((method) => ruleCodes.report('odd-method', origin, { method, meant: suggest(method, USUAL) })),
    ...pattern.segments.flatMap((segment) => {
      const name = segment.kind === 'literal' ? foreignParameter(segment.text) : undefined;
      if (segment.kind !== 'literal' || name === undefined) return [];
      return ruleCodes.report('odd-literal', origin, { text: segment.text, parameter: name });
    }),
  ]);
}

/**
 * Returns the name of a parameter in the notation of other tools: `:id`, `$id`, `(id)`, `%7Bid%7D`. `<id>` is not among
 * them, because it is an error anyway.
 */
function foreignParameter(text: string): string | undefined {
  if (ODATA.includes(text)) return undefined;
  const [, name, braced] = /^(?:[:$]([A-Za-z_]\w*)|%7B([A-Za-z_]\w*)%7D)$/i.exec(text) ?? [];
  return name ?? braced ?? (/^\(.+\)$|^\.\+$/.test(text) ? 'name' : undefined);
}

/** Reports risks to an injected token that routes do not show: a `sudo` field in a form, an unencrypted upstream. */
export function credentials(policy: Policy, spec: Spec): Diagnostic[] {
  return [...clearText(policy), ...forms(spec)];
}

function clearText({ upstreams, routes }: Policy): Diagnostic[] {
  const keyed = new Set(routes.filter((one) => one.forwarding.auth === 'apiKey').map((one) => one.forwarding.upstream));
  return upstreams
    .filter(
      ({ id, scheme, servers }) => keyed.has(id) && scheme === 'http' && !servers.every(({ host }) => isLoopback(host)),
    )
    .map(({ id, origin }) => ruleCodes.report('clear-text', [...origin, 'url'], { upstream: id }));
}

const FORMS = ['application/x-www-form-urlencoded', 'multipart/form-data'];

/** Reports each list of content types that admits forms. */
function forms({ routes = {} }: Spec): Diagnostic[] {
  return Object.entries(routes).flatMap(([name, { auth = 'apiKey', contentTypes, allow }]) => {
    if (auth !== 'apiKey') return [];
    const origin = ['routes', name];
    const own = allow.map((entry) => (typeof entry === 'string' ? undefined : entry.contentTypes));
    const inherited = own.some((types) => types === undefined) ? contentTypes : undefined;
    return [
      ...formsIn(inherited, [...origin, 'contentTypes']),
      ...own.flatMap((types, index) => formsIn(types, [...origin, 'allow', index, 'contentTypes'])),
    ];
  });
}

function formsIn(types: 'any' | readonly string[] | undefined, at: SpecPath): Diagnostic[] {
  if (types === 'any') return [ruleCodes.report('form-body', at, { type: 'any type' })];
  const found = (types ?? []).filter((type) => FORMS.includes(type));
  return found.length === 0 ? [] : [ruleCodes.report('form-body', at, { type: found.join(' and ') })];
}

/**
 * Reports definitions that nothing refers to. They are often one half of a change whose other half was forgotten.
 * @param sets names of the address sets that something refers to
 */
export function unused(policy: Policy, spec: Spec, sets: ReadonlySet<string>): Diagnostic[] {
  const upstreams = new Set([
    ...policy.routes.map((route) => route.forwarding.upstream),
    ...policy.rewrites.map((rewrite) => rewrite.upstream),
  ]);
  const groups = new Set(policy.proxies.flatMap((proxy) => proxy.groups));
  const served = new Set(
    policy.proxies.flatMap((proxy) =>
      proxy.routes.filter((route) => route.forwarding.auth === 'apiKey').map((route) => route.group),
    ),
  );
  const report = (kind: string, section: string, name: string) =>
    ruleCodes.report('unused', [section, name], { kind, name }, { part: 'key' });
  return [
    ...Object.keys(spec.ipRanges ?? {})
      .filter((name) => !sets.has(name))
      .map((name) => report('address set', 'ipRanges', name)),
    ...policy.upstreams.filter(({ id }) => !upstreams.has(id)).map(({ id }) => report('upstream', 'upstreams', id)),
    ...Object.keys(spec.routes ?? {})
      .filter((name) => !groups.has(name))
      .map((name) => report('route group', 'routes', name)),
    ...policy.apiKeys
      .filter((key) => !key.groups.some((group) => served.has(group)))
      .map(({ id }) => report('key', 'apiKeys', id)),
  ];
}

const FOURTEEN_DAYS = 14 * 24 * 3600;

/**
 * Reports keys and addresses that have expired, and those that will within 14 days.
 * @param now seconds since 1970
 */
export function expiry(policy: Policy, { members }: Pick<Composition, 'members'>, now: number): Diagnostic[] {
  const keys = policy.apiKeys.flatMap((key) => {
    if (key.expires === undefined || key.expires > now + FOURTEEN_DAYS) return [];
    const expires = dateOf(key.expires);
    return ruleCodes.report(key.expires <= now ? 'expired-key' : 'expiring-key', [...key.origin, 'expires'], {
      key: key.id,
      expires,
    });
  });
  const addresses = policy.addressSets.flatMap(({ id, notes }) =>
    notes.flatMap(({ range, expires, origin }) => {
      if (expires === undefined || expires > now + FOURTEEN_DAYS) return [];
      const code = expires <= now ? 'expired-range' : 'expiring-range';
      const params = { set: id, cidr: addressWords({ ranges: [range] }), expires: dateOf(expires) };
      return ruleCodes.report(code, [...origin, 'expires'], params);
    }),
  );
  return [
    ...keys,
    ...addresses,
    ...members.flatMap((member) => [...includeExpiry(member, now), ...acceptedDates(member)]),
  ];
}

function acceptedDates({ value }: Composition['members'][number]): Diagnostic[] {
  return (value.accepted ?? []).flatMap(({ expires }, index) =>
    epochSeconds(expires) === undefined
      ? [policyCodes.report('bad-date', ['accepted', index, 'expires'], { text: expires })]
      : [],
  );
}

function includeExpiry({ value, document }: Composition['members'][number], now: number): Diagnostic[] {
  return (value.include ?? []).flatMap((include, index) => {
    if (typeof include !== 'object' || !('expires' in include) || include.expires === undefined) return [];
    const at: SpecPath = ['include', index, 'expires'];
    const place = document.locate(at);
    const end = epochSeconds(include.expires);
    if (end === undefined) return policyCodes.report('bad-date', at, { text: include.expires }, { place });
    if (end > now + FOURTEEN_DAYS) return [];
    const code = end <= now ? 'expired-include' : 'expiring-include';
    return ruleCodes.report(code, at, { expires: dateOf(end) }, { place });
  });
}
