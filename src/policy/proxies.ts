import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import { headersOf } from './answerHeaders.ts';
import { addressWords, type CidrSet, intersect, isEmpty, isEverybody, sameAddresses, subtract } from './cidr.ts';
import { clientAddressOf } from './clientIp.ts';
import { policyCodes } from './codes.ts';
import { corsDifferences, corsOf, isOfCors } from './cors.ts';
import type { Difference, Effect, FieldTable } from './fields.ts';
import { hostDifferences, hostsOf } from './hosts.ts';
import { checkListen, listenDifferences, listenOf } from './listen.ts';
import { parsePattern } from './pattern.ts';
import type { RangeResolver } from './ranges.ts';
import { headerRefusal } from './refusedHeaders.ts';
import { parseRequest } from './routes.ts';
import type { Answer, ClientAddress, Health, Proxy, Route } from './types.ts';
import { lacksScheme, parseOrigin } from './upstreams.ts';

type ProxySpec = NonNullable<Spec['proxies']>[string];

/** Response headers that the engine or the policy writes, in lower case, so a spec must not. */
const RESERVED_RESPONSE_HEADERS = [
  ...['allow', 'connection', 'content-encoding', 'content-length', 'content-range', 'content-type', 'date'],
  ...['keep-alive', 'proxy-authenticate', 'proxy-authentication-info', 'proxy-connection', 'server', 'set-cookie'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'via'],
  ...headersOf('proxies', 'mapped').map((name) => name.toLowerCase()),
];

function isReserved(header: string): boolean {
  return RESERVED_RESPONSE_HEADERS.includes(header) || header.startsWith('x-accel-');
}

export interface ProxyContext {
  readonly spec: Spec;
  readonly ranges: RangeResolver;
  /** Returns the routes of groups, in canonical order. */
  readonly routesOf: (groups: readonly string[]) => readonly Route[];
  readonly problems: Diagnostic[];
}

function keyHeaderOf({ apiKeyHeader, apiKeyScheme }: ProxySpec): string {
  return apiKeyHeader ?? (apiKeyScheme === undefined ? 'PRIVATE-TOKEN' : 'Authorization');
}

function keyPlace(spec: ProxySpec, at: SpecPath, problems: Diagnostic[]): Pick<Proxy, 'apiKeyHeader' | 'apiKeyScheme'> {
  const { apiKeyScheme } = spec;
  const header = keyHeaderOf(spec);
  if (lacksScheme(header, apiKeyScheme))
    problems.push(policyCodes.report('no-scheme', [...at, 'apiKeyHeader'], { field: 'apiKeyScheme' }));
  const why = headerRefusal(header, 'key');
  const params = { header, what: 'keys', better: 'PRIVATE-TOKEN or X-Api-Key' };
  if (why !== undefined)
    problems.push(policyCodes.report('unusable-header', [...at, 'apiKeyHeader'], { ...params, why }));
  return { apiKeyHeader: header, ...(apiKeyScheme === undefined ? {} : { apiKeyScheme }) };
}

/** Refuses routes that forward the key header: the key would reach the upstream. */
function checkKeyStays({ apiKeyHeader, routes, origin }: Proxy, problems: Diagnostic[]): void {
  const header = apiKeyHeader.toLowerCase();
  const route = routes.find(({ forwarding }) => forwarding.headers.includes(header));
  if (!route) return;
  const related = [{ at: route.origin, message: 'forwarded here' }];
  const params = { header: apiKeyHeader, group: route.group };
  problems.push(policyCodes.report('forwarded-key', [...origin, 'apiKeyHeader'], params, { related }));
}

/** Statuses whose answers have no body in HTTP. */
const BODILESS: readonly number[] = [204, 205, 304];

function answersOf(spec: ProxySpec, at: SpecPath, problems: Diagnostic[]): Answer[] {
  return (spec.answer ?? []).flatMap((entry, index): Answer[] => {
    const origin: SpecPath = [...at, 'answer', index];
    const request = parseRequest(entry.request, [...origin, 'request'], problems, 'answered');
    const isBodiless = BODILESS.includes(entry.status);
    const body = entry.body ?? (isBodiless ? '' : JSON.stringify({ status: entry.status }));
    if (entry.body !== undefined && isBodiless)
      problems.push(policyCodes.report('bodiless-answer', [...origin, 'body'], { status: entry.status }));
    try {
      if (body !== '' || !isBodiless) JSON.parse(body);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      problems.push(policyCodes.report('bad-answer-body', [...origin, 'body'], { problem }));
    }
    return request ? [{ ...request, status: entry.status, body, auth: entry.auth ?? 'apiKey', origin }] : [];
  });
}

function healthOf(
  { health }: ProxySpec,
  at: SpecPath,
  { ranges, problems }: ProxyContext,
): { readonly health?: Health } {
  if (health === undefined) return {};
  const origin: SpecPath = [...at, 'health'];
  const { path, from = 'any' } = typeof health === 'string' ? { path: health } : health;
  const pattern = parsePattern(path);
  const problem =
    'problem' in pattern
      ? pattern.problem
      : pattern.segments.some(({ kind }) => kind !== 'literal')
        ? 'holds a parameter'
        : undefined;
  const asked = typeof health === 'string' ? origin : [...origin, 'path'];
  if (problem !== undefined) problems.push(policyCodes.report('health-path', asked, { path, problem }));
  if ('problem' in pattern || problem !== undefined) return {};
  const answer = { status: 200, body: JSON.stringify({ status: 200 }), auth: 'none' } as const;
  return {
    health: { methods: ['GET'], pattern, ...answer, ranges: ranges.resolve(from, [...origin, 'from']), origin },
  };
}

function responseHeaders(spec: ProxySpec, at: SpecPath, problems: Diagnostic[]): Proxy['responseHeaders'] {
  const seen = new Set<string>();
  return Object.entries(spec.responseHeaders ?? {}).map(([name, value]) => {
    const where: SpecPath = [...at, 'responseHeaders', name];
    const header = name.toLowerCase();
    const twice = seen.has(header);
    seen.add(header);
    if (twice || isReserved(header) || (spec.cors && isOfCors(header))) {
      problems.push(policyCodes.report('reserved-header', where, { header: name }, { part: 'key' }));
    }
    if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value)) {
      problems.push(
        policyCodes.report('bad-header-value', where, {
          header: name,
          problem: 'is empty or not plain printable text',
        }),
      );
    }
    return { name, value };
  });
}

function publicUrl(spec: ProxySpec, at: SpecPath, problems: Diagnostic[]): { publicUrl?: string } {
  if (spec.publicUrl === undefined) return {};
  const origin = parseOrigin(spec.publicUrl);
  if (!('problem' in origin)) {
    const url = spec.publicUrl.replace(/\/$/, '').toLowerCase();
    if (spec.tls && origin.scheme === 'http')
      problems.push(policyCodes.report('plain-public-url', [...at, 'publicUrl'], { url }));
    return { publicUrl: url };
  }
  problems.push(policyCodes.report('bad-url', [...at, 'publicUrl'], { text: spec.publicUrl, ...origin }));
  return {};
}

function groupsOf(spec: ProxySpec, at: SpecPath, { spec: whole, problems }: ProxyContext): string[] {
  const known = Object.keys(whole.routes ?? {});
  for (const [index, name] of (spec.routes ?? []).entries()) {
    if (!Object.hasOwn(whole.routes ?? {}, name))
      problems.push(
        policyCodes.report('unknown-reference', [...at, 'routes', index], { kind: 'route group', name, known }),
      );
  }
  return [...new Set(spec.routes ?? known)].sort();
}

/**
 * Returns a function that gives equal lists of groups the same array of routes, so that `accessOf` runs once for all
 * their proxies.
 */
function routeLists(routes: readonly Route[]): (groups: readonly string[]) => readonly Route[] {
  const byGroup = new Map<string, Route[]>();
  for (const route of routes) {
    const list = byGroup.get(route.group);
    if (list) list.push(route);
    else byGroup.set(route.group, [route]);
  }
  const lists = new Map<string, readonly Route[]>();
  return (groups) => {
    const key = groups.join();
    const list = lists.get(key) ?? groups.flatMap((group) => byGroup.get(group) ?? []);
    lists.set(key, list);
    return list;
  };
}

function resolveOne(id: string, spec: ProxySpec, context: ProxyContext): Proxy {
  const origin: SpecPath = ['proxies', id];
  const { problems, ranges, routesOf } = context;
  const groups = groupsOf(spec, origin, context);
  return {
    id,
    listen: listenOf(spec.listen, [...origin, 'listen'], problems),
    hosts: hostsOf(spec.hosts, [...origin, 'hosts'], problems),
    ...(spec.tls === undefined ? {} : { tls: spec.tls }),
    ranges: ranges.resolve(spec.ipRanges, [...origin, 'ipRanges']),
    clientIp: clientAddressOf(spec.clientIp, [...origin, 'clientIp'], { ...context, keyHeader: keyHeaderOf(spec) }),
    ...keyPlace(spec, origin, problems),
    ...publicUrl(spec, origin, problems),
    groups,
    routes: routesOf(groups),
    answers: answersOf(spec, origin, problems),
    ...healthOf(spec, origin, context),
    ...corsOf(spec.cors, keyHeaderOf(spec), { at: [...origin, 'cors'], problems }),
    methodNotAllowed: spec.methodNotAllowed ?? 405,
    maxRequestHead: Number.parseInt(spec.maxRequestHead ?? '16kB', 10) * 1024,
    responseHeaders: responseHeaders(spec, origin, problems),
    origin,
  };
}

/** Returns the proxies, sorted by id. */
export function resolveProxies({
  routes,
  ...input
}: Omit<ProxyContext, 'routesOf'> & { readonly routes: readonly Route[] }): Proxy[] {
  const context = { ...input, routesOf: routeLists(routes) };
  const proxies = Object.entries(context.spec.proxies ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, spec]) => resolveOne(id, spec, context));
  checkListen(proxies, context.problems);
  for (const proxy of proxies) checkKeyStays(proxy, context.problems);
  return proxies;
}

/** How each field of a proxy affects whom it listens to, what it trusts and what it answers. */
export const PROXY: FieldTable<Proxy> = {
  id: { words: 'id', compare: 'identity' },
  listen: {
    words: 'listen',
    kind: 'listen',
    compare: listenDifferences,
    normal: ({ listen }) => ({ address: '0.0.0.0', ...listen }),
  },
  hosts: { words: 'hosts', kind: 'hosts', compare: hostDifferences },
  tls: { words: 'tls', kind: 'tls', compare: tlsDifferences },
  ranges: { words: 'ipRanges', compare: 'decided' },
  clientIp: { words: 'clientIp', kind: 'client-address', compare: clientDifferences },
  apiKeyHeader: {
    words: 'apiKeyHeader',
    kind: 'key-header',
    compare: keyHeaderDifferences,
    normal: ({ apiKeyHeader }) => apiKeyHeader.toLowerCase(),
  },
  apiKeyScheme: { words: 'apiKeyScheme', kind: 'key-header', compare: keySchemeDifferences },
  publicUrl: { words: 'publicUrl', kind: 'public-url', compare: publicUrlDifferences },
  groups: { words: 'routes', compare: 'decided' },
  routes: { words: 'routes', compare: 'decided' },
  answers: { words: 'answer', compare: 'decided' },
  health: { words: 'health', kind: 'health', compare: healthDifferences },
  cors: { words: 'cors', kind: 'cors', compare: corsDifferences },
  methodNotAllowed: { words: 'methodNotAllowed', compare: 'decided' },
  maxRequestHead: { words: 'maxRequestHead', kind: 'request-head', compare: headDifferences },
  responseHeaders: { words: 'responseHeaders', kind: 'response-headers', compare: responseHeaderDifferences },
  origin: { words: 'line', compare: { cannotLoosen: 'it says where the proxy is written' } },
};

/**
 * Returns the differences of tls. Another certificate is `unclear`: the spec does not say who holds its key and could
 * pretend to be the proxy.
 */
function tlsDifferences({ tls: before }: Proxy, { tls: after }: Proxy): Difference[] {
  if (!before) return [{ effect: 'narrowing', words: 'speaks TLS now' }];
  const words = after ? `shows ${after.certFile} (before: ${before.certFile})` : 'speaks plain HTTP now';
  return [{ effect: after ? 'unclear' : 'widening', words }];
}

function clientDifferences({ clientIp: before }: Proxy, { clientIp: after, ranges }: Proxy): Difference[] {
  if (before.kind === 'direct' || after.kind === 'direct' || sourceWords(before) !== sourceWords(after)) {
    return [
      { effect: 'unclear', words: `the client address is ${sourceWords(after)} (before: ${sourceWords(before)})` },
    ];
  }
  const words = `trusted proxies are ${addressWords(after.trusted)} (before: ${addressWords(before.trusted)})`;
  return [{ effect: trustEffect(before.trusted, after.trusted, ranges), words }];
}

/**
 * Returns the effect of other trusted proxies. A trusted proxy can claim to be any client, so more of them widen. A
 * proxy that is no longer trusted counts as the client itself: if 10.0.0.9 is a client address, everybody behind the
 * balancer 10.0.0.9 gets in.
 */
function trustEffect(before: CidrSet, after: CidrSet, clients: CidrSet): Effect {
  if (!sameAddresses(intersect(before, after), after)) return 'widening';
  return isEmpty(intersect(subtract(before, after), clients)) ? 'narrowing' : 'unclear';
}

function sourceWords(source: ClientAddress): string {
  if (source.kind === 'direct') return 'the one that connects';
  return source.kind === 'header' ? `read from ${source.header.toLowerCase()}` : 'what the PROXY protocol says';
}

/** Returns the differences of health checks. An answer to more addresses, or at another path, is widening. */
function healthDifferences({ health: before }: Proxy, { health: after }: Proxy): Difference[] {
  const whom = ({ ranges }: Health) => (isEverybody(ranges) ? 'anybody' : addressWords(ranges));
  const text = (health: Health) => `${health.pattern.text} to ${whom(health)}`;
  if (!before || !after)
    return after
      ? [{ effect: 'widening', words: `answers health checks at ${text(after)} now` }]
      : [{ effect: 'narrowing', words: 'answers health checks no longer' }];
  const isNarrower = sameAddresses(intersect(before.ranges, after.ranges), after.ranges);
  const effect = before.pattern.text === after.pattern.text && isNarrower ? 'narrowing' : 'widening';
  if (text(before) === text(after) && sameAddresses(before.ranges, after.ranges)) return [];
  return [{ effect, words: `answers health checks at ${text(after)} (before: ${text(before)})` }];
}

/**
 * Returns a difference that is `unclear`: a balancer in front of the proxy may write the new header for every client.
 */
function keyHeaderDifferences({ apiKeyHeader: before }: Proxy, { apiKeyHeader: after }: Proxy): Difference[] {
  return [{ effect: 'unclear', words: `keys are read from ${after} (before: ${before})` }];
}

function keySchemeDifferences({ apiKeyScheme: before }: Proxy, { apiKeyScheme: after }: Proxy): Difference[] {
  const words = (scheme: string | undefined) => (scheme === undefined ? 'alone' : `after "${scheme}"`);
  return [{ effect: 'unclear', words: `keys stand ${words(after)} (before: ${words(before)})` }];
}

/**
 * Returns the difference of publicUrl, from which links, redirections and the X-Forwarded headers to the upstream are
 * made.
 */
function publicUrlDifferences({ publicUrl: before }: Proxy, { publicUrl: after }: Proxy): Difference[] {
  const own = "each request's own Host";
  return [{ effect: 'unclear', words: `clients are told ${after ?? own} as its origin (before: ${before ?? own})` }];
}

function headDifferences({ maxRequestHead: before }: Proxy, { maxRequestHead: after }: Proxy): Difference[] {
  const words = `takes heads of up to ${after} bytes (before: ${before})`;
  return [{ effect: after > before ? 'widening' : 'narrowing', words }];
}

/**
 * Returns a difference that is `unclear`, because such headers tell browsers what pages of other origins may do. Values
 * may be secrets and are not shown.
 */
function responseHeaderDifferences(left: Proxy, right: Proxy): Difference[] {
  const lines = ({ responseHeaders }: Proxy) => responseHeaders.map(({ name, value }) => `${name}: ${value}`);
  const [before, after] = [lines(left), lines(right)];
  const changed = [
    ...after.filter((line) => !before.includes(line)),
    ...before.filter((line) => !after.includes(line)),
  ].map((line) => line.replace(/:.*/s, ''));
  if (changed.length === 0) return [];
  return [{ effect: 'unclear', words: `answers come with other headers: ${[...new Set(changed)].sort().join(', ')}` }];
}
