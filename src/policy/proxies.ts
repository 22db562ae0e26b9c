import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import { policyCodes } from './codes.ts';
import type { RangeResolver } from './ranges.ts';
import { parseRequest } from './routes.ts';
import type { Answer, ClientAddress, Proxy, Route } from './types.ts';
import { parseHostPort, parseOrigin } from './upstreams.ts';

type ProxySpec = NonNullable<Spec['proxies']>[string];

/** Response headers that the engine or the policy writes, so a spec must not. */
const RESERVED_RESPONSE_HEADERS = [
  'allow',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'link',
  'location',
  'server',
  'set-cookie',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

export interface ProxyContext {
  readonly spec: Spec;
  readonly ranges: RangeResolver;
  readonly routes: readonly Route[];
  readonly problems: Diagnostic[];
}

function listenOf(spec: ProxySpec, at: SpecPath, problems: Diagnostic[]): Proxy['listen'] {
  if (typeof spec.listen === 'number') return { port: spec.listen };
  if (/^[1-9][0-9]{0,4}$/.test(spec.listen) && Number(spec.listen) <= 65_535) return { port: Number(spec.listen) };
  const target = parseHostPort(spec.listen);
  if (target && /^[0-9a-f:.]+$/.test(target.host) && /[.:]/.test(target.host))
    return { address: target.host, port: target.port };
  problems.push(
    policyCodes.report('bad-host-port', [...at, 'listen'], {
      text: spec.listen,
      hint: 'a port such as 8080, or address:port such as 127.0.0.1:8080 or [::1]:8080',
    }),
  );
  return { port: 1 };
}

function clientAddress(spec: ProxySpec, at: SpecPath, { ranges, problems }: ProxyContext): ClientAddress {
  const { clientIp } = spec;
  if (clientIp === undefined || clientIp === 'direct') return { kind: 'direct' };
  const trusted = ranges.resolve(clientIp.trustedProxies, [...at, 'clientIp', 'trustedProxies']);
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
  return Object.entries(spec.responseHeaders ?? {}).map(([name, value]) => {
    const where: SpecPath = [...at, 'responseHeaders', name];
    if (RESERVED_RESPONSE_HEADERS.includes(name.toLowerCase())) {
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
  problems.push(policyCodes.report('bad-url', [...at, 'publicUrl'], { text: spec.publicUrl, problem: origin.problem }));
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
    listen: listenOf(spec, origin, problems),
    ranges: ranges.resolve(spec.ipRanges, [...origin, 'ipRanges']),
    clientIp: clientAddress(spec, origin, context),
    apiKeyHeader: spec.apiKeyHeader ?? 'PRIVATE-TOKEN',
    ...publicUrl(spec, origin, problems),
    groups,
    routes: routes.filter((route) => groups.includes(route.group)),
    answers: answersOf(spec, origin, problems),
    methodNotAllowed: spec.methodNotAllowed ?? 405,
    responseHeaders: responseHeaders(spec, origin, problems),
    origin,
  };
}

function checkListen(proxies: readonly Proxy[], problems: Diagnostic[]): void {
  for (const [index, proxy] of proxies.entries()) {
    const other = proxies.slice(0, index).find(({ listen }) => {
      const sameAddress =
        listen.address === proxy.listen.address || listen.address === undefined || proxy.listen.address === undefined;
      return listen.port === proxy.listen.port && sameAddress;
    });
    if (!other) continue;
    const related = [{ at: [...other.origin, 'listen'], message: 'listens here already' }];
    const listen = `${proxy.listen.address ?? '*'}:${proxy.listen.port}`;
    problems.push(
      policyCodes.report('duplicate-listen', [...proxy.origin, 'listen'], { listen, other: other.id }, { related }),
    );
  }
}

/** Sorted by id. */
export function resolveProxies(context: ProxyContext): Proxy[] {
  const proxies = Object.entries(context.spec.proxies ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, spec]) => resolveOne(id, spec, context));
  checkListen(proxies, context.problems);
  return proxies;
}
