import { isIP } from 'node:net';
import { formatAddress, parseAddress } from '../policy/cidr.ts';
import { nothingElse } from '../policy/fields.ts';
import { credentialText } from '../policy/key.ts';
import type { Forwarding, Proxy, Upstream } from '../policy/types.ts';
import type { Expected, Problem } from './expect.ts';
import { type Fields, fieldOf } from './http1.ts';
import type { ProxyFixture } from './proxyFixture.ts';
import type { Recorded } from './recorder.ts';
import type { Secrets } from './secrets.ts';
import type { Arrival } from './upstreams.ts';

/** Fields that the engine writes itself. */
const WRITTEN = [
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
];

/** How the request that the upstream got differs from the one that it should have got. */
export function upstreamProblems(
  expected: Expected,
  { upstream: id, request: got }: Arrival,
  { policy, proxy, secrets }: ProxyFixture,
): Problem[] {
  const { decision, request } = expected;
  if (decision.kind !== 'forward') return [];
  const upstream = policy.upstreams.find((each) => each.id === decision.forwarding.upstream);
  if (!upstream || upstream.id !== id)
    return [{ kind: 'upstream', text: `forwarded to ${id} instead of ${decision.forwarding.upstream}` }];
  const token = decision.key && decision.forwarding.auth === 'apiKey' ? secrets.tokenOf(decision.key.id) : undefined;
  const problems: Problem[] = [];
  const differ = (kind: string, is: string, should: string) => {
    if (is !== should)
      problems.push({
        kind,
        text: `the upstream got ${kind} ${JSON.stringify(is)} instead of ${JSON.stringify(should)}`,
      });
  };
  differ('method', got.method, request.method);
  differ('target', got.target, request.target);
  differ('body', got.body.toString('latin1').slice(0, 5_000_000), request.body);
  differ('Host', got.field('host') ?? '', hostOf(upstream));
  // TLS sends no server name for an address.
  if (upstream.tls && isIP(upstream.tls.serverName) === 0)
    differ('TLS name', got.serverName ?? '', upstream.tls.serverName);
  if (got.trailers)
    problems.push({
      kind: 'trailers',
      text: `the upstream got the trailers ${got.trailers.map(([name]) => name).join(', ')}`,
    });
  if (
    token !== undefined &&
    fieldOf(got.fields, upstream.tokenHeader) !== credentialText(upstream.tokenScheme, token)
  ) {
    problems.push({
      kind: 'token',
      text: `the upstream got another ${upstream.tokenHeader} than the token of ${decision.key?.id}`,
    });
  }
  if (token !== undefined && keyLeaks(got, upstream, secrets))
    problems.push({ kind: 'key-leak', text: "the upstream got the client's key" });
  return [
    ...problems,
    ...outsideProblems(expected, got, proxy),
    ...fieldProblems(expected, got, token === undefined ? undefined : upstream.tokenHeader),
  ];
}

/** The Host that an upstream is sent: its own name, and the port where the scheme does not say it. */
export function hostOf({ scheme, host, port }: Upstream): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === (scheme === 'https' ? 443 : 80) ? name : `${name}:${port}`;
}

function keyLeaks(got: Recorded, upstream: Upstream, secrets: Secrets): boolean {
  const others = got.fields.filter(([name]) => name.toLowerCase() !== upstream.tokenHeader.toLowerCase());
  return secrets.leakIn(others.map(([, value]) => value).join('\n')) !== undefined;
}

/**
 * What is wrong with the X-Forwarded headers that the upstream got: they must say once who asks, and where the proxy
 * is: at its public URL, or else where this client found it.
 */
function outsideProblems({ client, request }: Expected, got: Recorded, { publicUrl, listen, tls }: Proxy): Problem[] {
  const address = formatAddress(client);
  const asAddress = (text: string | undefined) => {
    const parsed = parseAddress(text ?? '');
    return parsed ? formatAddress(parsed) : text;
  };
  const told = (name: string) => got.field(`x-forwarded-${name}`);
  const outside = publicUrl === undefined ? undefined : new URL(publicUrl);
  const port = outside === undefined ? undefined : outside.port || DEFAULT_PORTS[outside.protocol];
  const isOwnPort = port === undefined && told('port') === String(listen.port);
  const host = outside?.host ?? fieldOf(request.fields, 'host');
  const all: readonly (readonly [name: string, is: string | undefined, should: string | undefined])[] = [
    ['X-Forwarded-For', asAddress(told('for')), address],
    ['X-Real-IP', asAddress(got.field('x-real-ip')), address],
    ['X-Forwarded-Proto', told('proto'), outside?.protocol.slice(0, -1) ?? (tls ? 'https' : 'http')],
    ['X-Forwarded-Port', isOwnPort ? undefined : told('port'), port],
    // A request of HTTP/1.0 may name no host.
    ...(host ? ([['X-Forwarded-Host', told('host'), host]] as const) : []),
  ];
  return all
    .filter(([, is, should]) => is !== should)
    .map(([name, is = 'nothing', should = 'nothing']) => ({
      kind: name,
      text: `the upstream got ${name} ${is} instead of ${should}`,
    }));
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/**
 * Headers that may pass, written out once more: a check that reads the list of the generator would agree with every
 * mistake in it, such as a "cookie" that was added there.
 */
const USUAL = [
  ...['accept', 'accept-encoding', 'accept-language', 'cache-control', 'content-encoding', 'content-type', 'range'],
  ...['if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'user-agent'],
];
const CREDENTIALS = ['authorization', 'deploy-token', 'job-token', 'private-token', 'runner-token'];
const WEBSOCKET = [
  ...['origin', 'upgrade', 'sec-websocket-extensions', 'sec-websocket-key', 'sec-websocket-protocol'],
  'sec-websocket-version',
];

function passing(forwarding: Forwarding): ReadonlySet<string> {
  const known = passingOf.get(forwarding) ?? listPassing(forwarding);
  passingOf.set(forwarding, known);
  return known;
}

const passingOf = new WeakMap<Forwarding, ReadonlySet<string>>();

function listPassing(forwarding: Forwarding): ReadonlySet<string> {
  // `problemsOf` compares where a request went and what its body was.
  const { auth, headers, websocket, upstream: _u, contentTypes: _c, maxBody: _m, ...rest } = forwarding;
  nothingElse(rest);
  const credentials = auth === 'passthrough' ? CREDENTIALS : [];
  return new Set([...USUAL, ...headers, ...credentials, ...(websocket ? WEBSOCKET : [])]);
}

/**
 * What is wrong with the fields that the upstream got: only those that may pass, with the values that the client sent.
 */
function fieldProblems({ decision, request }: Expected, got: Recorded, tokenHeader: string | undefined): Problem[] {
  if (decision.kind !== 'forward') return [];
  const allowed = passing(decision.forwarding);
  const token = tokenHeader?.toLowerCase();
  const written = new Set([...WRITTEN, ...(token === undefined ? [] : [token])]);
  const problems: Problem[] = [];
  for (const [name, value] of got.fields) {
    const lower = name.toLowerCase();
    if (lower === 'connection' && !isOwnConnection(value, decision.forwarding.websocket))
      problems.push({ kind: 'connection', text: `the upstream got Connection: ${value}` });
    if (!written.has(lower) && !allowed.has(lower) && !isAnnouncement(lower, request.fields))
      problems.push({ kind: `field ${lower}`, text: `the upstream got the field ${name}: ${value.slice(0, 100)}` });
  }
  const [allSent, allArrived] = [byName(request.fields), byName(got.fields)];
  for (const name of allowed) {
    if (written.has(name) || name === 'upgrade') continue;
    const [sent, arrived] = [allSent.get(name) ?? [], allArrived.get(name) ?? []];
    if (!isSame(sent, arrived))
      problems.push({
        kind: `value ${name}`,
        text: `the upstream got ${name} ${JSON.stringify(arrived)}, the client sent ${JSON.stringify(sent)}`,
      });
  }
  return problems;
}

/** Whether a field only announces trailers. Go repeats the client's and sends none; no configuration changes that. */
function isAnnouncement(name: string, sent: Fields): boolean {
  return name === 'trailer' && fieldOf(sent, 'trailer') !== undefined;
}

function isOwnConnection(value: string, websocket: boolean): boolean {
  return ['', 'close', 'keep-alive'].includes(value.toLowerCase()) || (websocket && value.toLowerCase() === 'upgrade');
}

/** The values of each field, by its name in small letters. */
function byName(fields: Fields): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, string[]>();
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    const values = all.get(lower);
    if (values) values.push(value);
    else all.set(lower, [value]);
  }
  return all;
}

/**
 * Whether the values of a field are those that were sent. A repeated field may arrive joined, or as its first value
 * alone, and an empty one may be missing. Blanks around a comma mean nothing, and engines differ in them where a value is
 * empty or continued on another line: `a` and an empty value may arrive as `a,`, and `a`, continued by a blank, as `a ,`.
 */
function isSame(sent: readonly string[], arrived: readonly string[]): boolean {
  const joined = arrived.join(', ');
  if (sent.length === 0) return arrived.length === 0;
  if (sent.length === 1) return joined === sent[0];
  const forms = [sent.join(','), sent.filter((value) => value !== '').join(','), sent[0] ?? ''];
  const plain = (value: string) => value.replace(/[ \t]*,[ \t]*/g, ',').replace(/[ \t]+$/, '');
  return forms.some((form) => plain(form) === plain(joined));
}
