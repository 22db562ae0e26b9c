import type { Diagnostic, SpecPath } from '../diagnostics/diagnostic.ts';
import type { Spec } from '../spec/schema.ts';
import { parseAddress } from './cidr.ts';
import { policyCodes } from './codes.ts';
import { endsInNumber, type NameProblem, nameProblem } from './domains.ts';
import { type Difference, type Effect, type FieldTable, identityOf } from './fields.ts';
import { authorityOf, DEFAULT_PORT, hostAndPort } from './origin.ts';
import { headerRefusal } from './refusedHeaders.ts';
import type { HostPort, Upstream } from './types.ts';

type UpstreamSpec = NonNullable<Spec['upstreams']>[string];

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Returns `5s` as 5000. The schema has checked the form. */
export function milliseconds(text: string): number {
  const [, digits = '0', unit = 'ms'] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  return Number(digits) * (UNITS[unit] ?? 1);
}

/** Returns what is wrong with a host name or a bare address (IPv6 without brackets). */
function hostProblem(text: string): NameProblem | undefined {
  const address = parseAddress(text);
  if (address)
    return address.value === 0n
      ? { problem: 'is the address of no machine', hint: 'write 127.0.0.1 or [::1] for this one' }
      : undefined;
  if (text.endsWith('.')) return { problem: 'ends in a dot', hint: 'write the name without the dot' };
  // Resolvers read a name such as `127.1` as an address, each in its own way.
  if (endsInNumber(text)) return { problem: 'is no whole IPv4 address', hint: 'write all four parts, as in 127.0.0.1' };
  return nameProblem(text);
}

/** Reads `host:port`, with IPv6 in brackets. The port may be missing if there is a default. The host is not checked. */
export function parseHostPort(text: string, defaultPort?: number): HostPort | undefined {
  const [, bracketed, plain, portText] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([0-9]{1,5}))?$/.exec(text) ?? [];
  const host = (bracketed ?? plain ?? '').toLowerCase();
  const port = portText === undefined ? defaultPort : Number(portText);
  if (port === undefined || port < 1 || port > 65_535 || host === '') return undefined;
  return (bracketed !== undefined) === host.includes(':') ? { host, port } : undefined;
}

/** Reads an origin: scheme, host and port, and nothing else. */
export function parseOrigin(
  text: string,
): { scheme: 'http' | 'https'; host: string; port: number } | { problem: string; hint?: string } {
  const [, scheme, authority = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/i.exec(text) ?? [];
  if (scheme === undefined) {
    const isHost = parseHostPort(text, DEFAULT_PORT.https) !== undefined;
    return {
      problem: 'is not an origin',
      ...(isHost && { hint: `write https://${text}, or http:// where it must be` }),
    };
  }
  const lower = scheme.toLowerCase();
  if (lower !== 'http' && lower !== 'https') return { problem: `has the scheme "${scheme}"; http and https are known` };
  if (authority.includes('@')) return { problem: 'holds user information' };
  if (rest !== '' && rest !== '/')
    return {
      problem: `holds more than an origin: "${rest}"`,
      hint: `write ${lower}://${authority}; paths stand in the requests under routes`,
    };
  const target = parseHostPort(authority, DEFAULT_PORT[lower]);
  if (!target) return { problem: 'has no valid host and port' };
  const wrong = hostProblem(target.host);
  return wrong ? { problem: `has a host that ${wrong.problem}`, hint: wrong.hint } : { scheme: lower, ...target };
}

const SERVER_FORMS = 'such as 10.0.0.1:443, git.example.com:443 or [2001:db8::1]:443';

type TokenPlace = Pick<Upstream, 'tokenHeader' | 'tokenScheme'>;

function tokenPlace({ tokenHeader, tokenScheme }: UpstreamSpec, at: SpecPath, problems: Diagnostic[]): TokenPlace {
  const header = tokenHeader ?? (tokenScheme === undefined ? 'PRIVATE-TOKEN' : 'Authorization');
  if (lacksScheme(header, tokenScheme))
    problems.push(policyCodes.report('no-scheme', [...at, 'tokenHeader'], { field: 'tokenScheme' }));
  const why = headerRefusal(header, 'key');
  const params = { header, what: 'tokens', better: 'PRIVATE-TOKEN' };
  if (why !== undefined)
    problems.push(policyCodes.report('unusable-header', [...at, 'tokenHeader'], { ...params, why }));
  return { tokenHeader: header, ...(tokenScheme === undefined ? {} : { tokenScheme }) };
}

/** Returns whether a token would be sent in Authorization without a scheme, which this header needs. */
export function lacksScheme(header: string, scheme: string | undefined): boolean {
  return header.toLowerCase() === 'authorization' && scheme === undefined;
}

function resolveOne(id: string, spec: UpstreamSpec, problems: Diagnostic[]): Upstream | undefined {
  const origin: SpecPath = ['upstreams', id];
  const parsed = parseOrigin(spec.url);
  if ('problem' in parsed) {
    problems.push(policyCodes.report('bad-url', [...origin, 'url'], { text: spec.url, ...parsed }));
    return undefined;
  }
  const servers: HostPort[] = [];
  for (const [index, text] of (spec.servers ?? []).entries()) {
    const server = parseHostPort(text, parsed.port);
    const wrong = server ? hostProblem(server.host) : { hint: SERVER_FORMS };
    if (server && !wrong) servers.push(server);
    else
      problems.push(
        policyCodes.report('bad-host-port', [...origin, 'servers', index], { text, hint: wrong?.hint ?? SERVER_FORMS }),
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
  if (hostProblem(serverName)) {
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
    ...tokenPlace(spec, origin, problems),
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

/** Returns the upstreams, sorted by id. */
export function resolveUpstreams(spec: Spec, problems: Diagnostic[]): Upstream[] {
  return Object.entries(spec.upstreams ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, upstream]) => resolveOne(id, upstream, problems) ?? []);
}

/** How each field of an upstream affects where requests go. */
export const UPSTREAM: FieldTable<Upstream> = {
  id: { words: 'id', compare: 'identity' },
  scheme: { words: 'url', kind: 'upstream', compare: urlDifferences },
  host: { words: 'url', kind: 'upstream', compare: urlDifferences },
  port: { words: 'url', kind: 'upstream', compare: urlDifferences },
  servers: { words: 'servers', kind: 'upstream', compare: serverDifferences, normal: serversOf },
  tokenHeader: { words: 'tokenHeader', kind: 'upstream', compare: tokenPlaceDifferences },
  tokenScheme: { words: 'tokenScheme', kind: 'upstream', compare: tokenPlaceDifferences },
  tls: { words: 'tls', kind: 'upstream', compare: trustDifferences },
  timeouts: { words: 'timeouts', compare: { cannotLoosen: 'a longer wait lets no other request through' } },
  origin: { words: 'line', compare: { cannotLoosen: 'it says where the upstream is written' } },
};

/** Returns a text with all that decides where the requests of an upstream go and who could read them. */
export function destinationOf(upstream: Upstream | undefined): string {
  if (!upstream) return '';
  const text =
    destinations.get(upstream) ?? identityOf(UPSTREAM, upstream, ({ compare }) => typeof compare === 'function');
  destinations.set(upstream, text);
  return text;
}

const destinations = new WeakMap<Upstream, string>();

export function urlOf(upstream: Upstream): string {
  return `${upstream.scheme}://${authorityOf(upstream)}`;
}

function serversOf({ servers }: Upstream): string[] {
  return servers.map(hostAndPort).sort();
}

function arrow(what: string, from: string, to: string): string {
  return `${what} ${from} → ${to}`;
}

function urlDifferences(before: Upstream, after: Upstream): Difference[] {
  return [{ effect: 'unclear', words: arrow('url', urlOf(before), urlOf(after)) }];
}

function serverDifferences(before: Upstream, after: Upstream): Difference[] {
  const [left, right] = [serversOf(before), serversOf(after)];
  // Without a pool, the only server is that of the url, whose change is reported by `urlDifferences`.
  if (urlOf(before) !== urlOf(after) && left.length + right.length <= 2) return [];
  const effect: Effect = right.some((server) => !left.includes(server)) ? 'unclear' : 'narrowing';
  return [{ effect, words: arrow('servers', left.join(', '), right.join(', ')) }];
}

function tokenPlaceDifferences(before: Upstream, after: Upstream): Difference[] {
  const place = ({ tokenHeader, tokenScheme }: Upstream) =>
    tokenScheme === undefined ? tokenHeader : `${tokenHeader}: ${tokenScheme}`;
  return [{ effect: 'unclear', words: arrow('token header', place(before), place(after)) }];
}

function trustDifferences(left: Upstream, right: Upstream): Difference[] {
  const [before, after] = [left.tls, right.tls];
  // If one side is plain http, the change of the url reports it.
  if (!before || !after) return [];
  if (!before.insecureSkipVerify && after.insecureSkipVerify) {
    return [{ effect: 'widening', words: 'its certificate is no longer verified' }];
  }
  const found: Difference[] = [];
  if (before.insecureSkipVerify && !after.insecureSkipVerify) {
    found.push({ effect: 'narrowing', words: 'its certificate is verified now' });
  }
  const bundle = ({ caFile }: { readonly caFile?: string }) => caFile ?? 'the system’s';
  if (bundle(before) !== bundle(after)) {
    found.push({ effect: 'unclear', words: arrow('trusted certificates', bundle(before), bundle(after)) });
  }
  // A server name that is the host of the url changes with the url, whose change is reported.
  const follows = before.serverName === left.host && after.serverName === right.host;
  if (before.serverName !== after.serverName && !follows) {
    found.push({ effect: 'unclear', words: arrow('certificate name', before.serverName, after.serverName) });
  }
  return found;
}
