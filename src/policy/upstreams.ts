import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import { parseAddress } from './cidr.ts';
import { policyCodes } from './codes.ts';
import { nameProblem } from './domains.ts';
import type { HostPort, Upstream } from './types.ts';

type UpstreamSpec = NonNullable<Spec['upstreams']>[string];

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `5s` → 5000; the form was checked by the schema. */
export function milliseconds(text: string): number {
  const [, digits = '0', unit = 'ms'] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  return Number(digits) * (UNITS[unit] ?? 1);
}

/** A host name or a bare address; IPv6 without brackets. Lower case. */
function isHost(text: string): boolean {
  return parseAddress(text) !== undefined || nameProblem(text) === undefined;
}

/** Reads `host:port` with IPv6 in brackets; the port may be left out where there is a default. */
export function parseHostPort(text: string, defaultPort?: number): HostPort | undefined {
  const [, bracketed, plain, portText] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  const host = (bracketed ?? plain ?? '').toLowerCase();
  const port = portText === undefined ? defaultPort : Number(portText);
  if (port === undefined || port < 1 || port > 65_535 || !isHost(host)) return undefined;
  return (bracketed !== undefined) === host.includes(':') ? { host, port } : undefined;
}

/** An origin: scheme, host and port, nothing else. */
export function parseOrigin(
  text: string,
): { scheme: 'http' | 'https'; host: string; port: number } | { problem: string } {
  const [, scheme, authority = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(text) ?? [];
  if (scheme === undefined) return { problem: 'is not an origin' };
  const lower = scheme.toLowerCase();
  if (lower !== 'http' && lower !== 'https') return { problem: `has the scheme "${scheme}"; http and https are known` };
  if (authority.includes('@')) return { problem: 'holds user information' };
  if (rest !== '' && rest !== '/') return { problem: `holds more than an origin: "${rest}"` };
  const target = parseHostPort(authority, lower === 'https' ? 443 : 80);
  return target ? { scheme: lower, ...target } : { problem: 'has no valid host and port' };
}

function resolveOne(id: string, spec: UpstreamSpec, problems: Diagnostic[]): Upstream | undefined {
  const origin: SpecPath = ['upstreams', id];
  const parsed = parseOrigin(spec.url);
  if ('problem' in parsed) {
    problems.push(policyCodes.report('bad-url', [...origin, 'url'], { text: spec.url, problem: parsed.problem }));
    return undefined;
  }
  const servers: HostPort[] = [];
  for (const [index, text] of (spec.servers ?? []).entries()) {
    const server = parseHostPort(text, parsed.port);
    if (server) servers.push(server);
    else
      problems.push(
        policyCodes.report('bad-host-port', [...origin, 'servers', index], {
          text,
          hint: 'such as 10.0.0.1:443, git.example.com:443 or [2001:db8::1]:443',
        }),
      );
  }
  if (spec.tls && parsed.scheme === 'http') {
    problems.push(
      policyCodes.report('bad-url', [...origin, 'url'], {
        text: spec.url,
        problem: 'is plain http, so tls says nothing',
      }),
    );
  }
  const serverName = spec.tls?.serverName?.toLowerCase() ?? parsed.host;
  if (!isHost(serverName)) {
    problems.push(
      policyCodes.report('bad-host-port', [...origin, 'tls', 'serverName'], {
        text: serverName,
        hint: 'a host name such as gitlab.example.com',
      }),
    );
  }
  const caFile = spec.tls?.caFile;
  return {
    id,
    ...parsed,
    servers: servers.length > 0 ? servers : [{ host: parsed.host, port: parsed.port }],
    tokenHeader: spec.tokenHeader ?? 'PRIVATE-TOKEN',
    ...(parsed.scheme === 'https'
      ? {
          tls: {
            serverName,
            ...(caFile === undefined ? {} : { caFile }),
            insecureSkipVerify: spec.tls?.insecureSkipVerify === true,
          },
        }
      : {}),
    timeouts: {
      connect: milliseconds(spec.timeouts?.connect ?? '5s'),
      read: milliseconds(spec.timeouts?.read ?? '60s'),
      send: milliseconds(spec.timeouts?.send ?? '60s'),
    },
    origin,
  };
}

/** Sorted by id. */
export function resolveUpstreams(spec: Spec, problems: Diagnostic[]): Upstream[] {
  return Object.entries(spec.upstreams ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, upstream]) => resolveOne(id, upstream, problems) ?? []);
}
