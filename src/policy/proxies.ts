import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import { policyCodes } from './codes.ts';
import { checkListen, listenOf } from './listen.ts';
import type { RangeResolver } from './ranges.ts';
import { headerRefusal } from './refusedHeaders.ts';
import { parseRequest } from './routes.ts';
import type { Answer, ClientAddress, Proxy, Route } from './types.ts';
import { parseOrigin } from './upstreams.ts';

type ProxySpec = NonNullable<Spec['proxies']>[string];

/** Response headers that the engine or the policy writes, so a spec must not. */
const RESERVED_RESPONSE_HEADERS = [
  ...['allow', 'connection', 'content-encoding', 'content-length', 'content-range', 'content-type', 'date'],
  ...[
    'keep-alive',
    'link',
    'location',
    'proxy-authenticate',
    'proxy-authentication-info',
    'proxy-connection',
    'server',
  ],
  ...['set-cookie', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'via', 'www-authenticate'],
];

function isReserved(header: string): boolean {
  return RESERVED_RESPONSE_HEADERS.includes(header) || header.startsWith('x-accel-');
}

export interface ProxyContext {
  readonly spec: Spec;
  readonly ranges: RangeResolver;
  readonly routes: readonly Route[];
  readonly problems: Diagnostic[];
}

function keyHeader(spec: ProxySpec, at: SpecPath, problems: Diagnostic[]): string {
  const header = spec.apiKeyHeader ?? 'PRIVATE-TOKEN';
  const why = headerRefusal(header, 'key');
  const params = { header, what: 'keys', better: 'PRIVATE-TOKEN or X-Api-Key' };
  if (why !== undefined)
    problems.push(policyCodes.report('unusable-header', [...at, 'apiKeyHeader'], { ...params, why }));
  return header;
}

/** A key would reach the upstream with the headers that a route forwards. */
function checkKeyStays({ apiKeyHeader, routes, origin }: Proxy, problems: Diagnostic[]): void {
  const header = apiKeyHeader.toLowerCase();
  const route = routes.find(({ forwarding }) => forwarding.headers.includes(header));
  if (!route) return;
  const related = [{ at: route.origin, message: 'forwarded here' }];
  const params = { header: apiKeyHeader, group: route.group };
  problems.push(policyCodes.report('forwarded-key', [...origin, 'apiKeyHeader'], params, { related }));
}

function checkAddressHeader(
  spec: ProxySpec,
  header: string | undefined,
  { at, problems }: { readonly at: SpecPath; readonly problems: Diagnostic[] },
): void {
  if (header === undefined) return;
  const isKey = header.toLowerCase() === (spec.apiKeyHeader ?? 'PRIVATE-TOKEN').toLowerCase();
  const why = isKey ? 'carries the keys' : headerRefusal(header, 'address');
  if (why === undefined) return;
  const params = { header, what: 'client addresses', why, better: 'X-Forwarded-For or X-Real-IP' };
  problems.push(policyCodes.report('unusable-header', [...at, 'clientIp', 'header'], params));
}

function clientAddress(spec: ProxySpec, at: SpecPath, { ranges, problems }: ProxyContext): ClientAddress {
  const { clientIp } = spec;
  if (clientIp === undefined || clientIp === 'direct') return { kind: 'direct' };
  const trusted = ranges.resolve(clientIp.trustedProxies, [...at, 'clientIp', 'trustedProxies']);
  checkAddressHeader(spec, clientIp.header, { at, problems });
  if (!clientIp.proxyProtocol) return { kind: 'header', trusted, header: clientIp.header ?? 'X-Forwarded-For' };
  if (clientIp.header !== undefined) {
    problems.push(policyCodes.report('two-address-sources', [...at, 'clientIp', 'header'], {}, { part: 'key' }));
  }
  return { kind: 'proxyProtocol', trusted };
}

function answersOf(spec: ProxySpec, at: SpecPath, problems: Diagnostic[]): Answer[] {
  return (spec.answer ?? []).flatMap((entry, index): Answer[] => {
    const origin: SpecPath = [...at, 'answer', index];
    const request = parseRequest(entry.request, [...origin, 'request'], problems);
    const body = entry.body ?? JSON.stringify({ status: entry.status });
    try {
      JSON.parse(body);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      problems.push(policyCodes.report('bad-answer-body', [...origin, 'body'], { problem }));
    }
    return request ? [{ ...request, status: entry.status, body, origin }] : [];
  });
}

function responseHeaders(spec: ProxySpec, at: SpecPath, problems: Diagnostic[]): Proxy['responseHeaders'] {
  const seen = new Set<string>();
  return Object.entries(spec.responseHeaders ?? {}).map(([name, value]) => {
    const where: SpecPath = [...at, 'responseHeaders', name];
    const header = name.toLowerCase();
    const twice = seen.has(header);
    seen.add(header);
    if (twice || isReserved(header)) {
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
  if (!('problem' in origin)) return { publicUrl: spec.publicUrl.replace(/\/$/, '').toLowerCase() };
  problems.push(policyCodes.report('bad-url', [...at, 'publicUrl'], { text: spec.publicUrl, ...origin }));
  return {};
}

function groupsOf(spec: ProxySpec, at: SpecPath, { spec: whole, problems }: ProxyContext): string[] {
  const known = Object.keys(whole.routes ?? {});
  for (const [index, name] of (spec.routes ?? []).entries()) {
    if (!known.includes(name))
      problems.push(
        policyCodes.report('unknown-reference', [...at, 'routes', index], { kind: 'route group', name, known }),
      );
  }
  return [...new Set(spec.routes ?? known)].sort();
}

function resolveOne(id: string, spec: ProxySpec, context: ProxyContext): Proxy {
  const origin: SpecPath = ['proxies', id];
  const { problems, ranges, routes } = context;
  const groups = groupsOf(spec, origin, context);
  return {
    id,
    listen: listenOf(spec.listen, [...origin, 'listen'], problems),
    ranges: ranges.resolve(spec.ipRanges, [...origin, 'ipRanges']),
    clientIp: clientAddress(spec, origin, context),
    apiKeyHeader: keyHeader(spec, origin, problems),
    ...publicUrl(spec, origin, problems),
    groups,
    routes: routes.filter((route) => groups.includes(route.group)),
    answers: answersOf(spec, origin, problems),
    methodNotAllowed: spec.methodNotAllowed ?? 405,
    responseHeaders: responseHeaders(spec, origin, problems),
    origin,
  };
}

/** Sorted by id. */
export function resolveProxies(context: ProxyContext): Proxy[] {
  const proxies = Object.entries(context.spec.proxies ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, spec]) => resolveOne(id, spec, context));
  checkListen(proxies, context.problems);
  for (const proxy of proxies) checkKeyStays(proxy, context.problems);
  return proxies;
}
