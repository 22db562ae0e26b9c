import type { Cell } from '../../policy/access.ts';
import { DEFAULT_REQUEST_HEADERS, HIDDEN_RESPONSE_HEADERS, PASSTHROUGH_CREDENTIAL_HEADERS, WEBSOCKET_HEADERS } from '../../policy/headers.ts';
import type { Forwarding, Policy, Proxy, Upstream } from '../../policy/types.ts';
import { type CaddyToken, own, placeholder, word } from './quote.ts';
import { caseless, oneOf } from './regex.ts';
import { type Table, table } from './table.ts';
import { type Transport, transportOf } from './transport.ts';

/** One `reverse_proxy` and what belongs to it; shared by all cells that forward alike. */
export interface Forward extends Transport, ClientHeaders {
  /** Its named matcher. */
  readonly name: CaddyToken;
  readonly cells: readonly CaddyToken[];
  readonly maxBody: CaddyToken | null;
  readonly hidden: readonly CaddyToken[];
  readonly locations: readonly Replacement[];
  readonly links: readonly Replacement[];
}

export interface ClientHeaders {
  readonly absent: readonly Table[];
  readonly headers: readonly SentHeader[];
}

interface SentHeader {
  readonly name: CaddyToken;
  readonly value: CaddyToken;
  /** Placeholder for the name where the client did not send it. */
  readonly absent: CaddyToken | null;
}

interface Replacement {
  readonly pattern: CaddyToken;
  readonly by: CaddyToken;
}

export function forwardsOf(policy: Policy, proxy: Proxy, cells: readonly Cell[]): Forward[] {
  const common = new Set(commonHeaders(policy).headers.map(({ name }) => name.text.toLowerCase()));
  const alike = new Map<string, { forwarding: Forwarding; ids: string[] }>();
  for (const cell of cells) {
    if (cell.kind !== 'forward') continue;
    const { contentTypes: _, ...rest } = cell.forwarding;
    const key = JSON.stringify(rest);
    const known = alike.get(key) ?? { forwarding: cell.forwarding, ids: [] };
    alike.set(key, known);
    known.ids.push(cell.id);
  }
  return [...alike.values()].map(({ forwarding, ids }, index) => {
    const upstream = policy.upstreams.find(({ id }) => id === forwarding.upstream);
    if (!upstream) throw new Error(`no upstream ${forwarding.upstream}`);
    const origin = proxy.publicUrl ?? '{http.request.scheme}://{http.request.hostport}';
    const url = upstreamUrl(upstream);
    return {
      name: word(`forward${index + 1}`),
      cells: ids.map(word),
      maxBody: forwarding.maxBody === undefined ? null : word(String(forwarding.maxBody)),
      ...extraHeaders(proxy, forwarding, upstream, common),
      hidden: [...HIDDEN_RESPONSE_HEADERS, ...proxy.responseHeaders.map(({ name }) => name)].map((name) => word(canonical(name))),
      locations: [{ pattern: own(`^${url}([/?#]|$)`), by: own(`${origin}$1`) }],
      links: [{ pattern: own(`<${url}([/?#>])`), by: own(`<${origin}$1`) }],
      ...transportOf(upstream),
    };
  });
}

/** Headers that pass wherever something is forwarded. */
export function commonHeaders({ proxies, upstreams }: Policy): ClientHeaders {
  const own = new Set([...proxies.map((proxy) => proxy.apiKeyHeader), ...upstreams.map((upstream) => upstream.tokenHeader)].map((name) => name.toLowerCase()));
  return clientHeaders(DEFAULT_REQUEST_HEADERS.filter((name) => !own.has(name)));
}

function extraHeaders(proxy: Proxy, forwarding: Forwarding, upstream: Upstream, common: ReadonlySet<string>): ClientHeaders {
  const open = forwarding.auth === 'passthrough';
  const names = new Set([
    ...DEFAULT_REQUEST_HEADERS,
    ...forwarding.headers,
    ...(open ? PASSTHROUGH_CREDENTIAL_HEADERS : []),
    ...(forwarding.websocket ? WEBSOCKET_HEADERS : []),
  ]);
  if (!open) for (const name of [proxy.apiKeyHeader, upstream.tokenHeader]) names.delete(name.toLowerCase());
  const { absent, headers } = clientHeaders([...names].filter((name) => !common.has(name)));
  const hops = forwarding.websocket ? HOPS.map(([name, value]) => ({ name, value, table: upgradeTable(name) })) : [];
  return {
    absent: [...absent, ...hops.map(({ table }) => table)],
    headers: [
      ...(open ? [] : [{ name: word(upstream.tokenHeader), value: placeholder('http.vars.token'), absent: null }]),
      ...headers,
      ...hops.map(({ name, value, table }) => ({ name: word(canonical(name)), value: word(value), absent: table.destination })),
    ],
  };
}

/**
 * Headers that pass as the client sent them. All are deleted and these set again. One that the client did not
 * send is set too, to nothing, and then deleted by a name that is its own only in this case.
 */
function clientHeaders(names: readonly string[]): ClientHeaders {
  const absent: Table[] = [];
  const headers = names.toSorted().map((name): SentHeader => {
    const source = `http.request.header.${canonical(name)}`;
    const sent = { name: word(canonical(name)), value: placeholder(source) };
    // Go leaves out an empty User-Agent by itself, and puts its own where there is none.
    if (name === 'user-agent') return { ...sent, absent: null };
    const test = table({ source: `{${source}}`, destination: absentName(name), entries: [['', canonical(name)]], fallback: '-' });
    absent.push(test);
    return { ...sent, absent: test.destination };
  });
  return { absent, headers };
}

function absentName(name: string): string {
  return `absent.${name.replaceAll('-', '_')}`;
}

const HOPS = [
  ['connection', 'Upgrade'],
  ['upgrade', 'websocket'],
] as const;

/** Headers of the hop are the client's business only where it asks for a WebSocket in full. */
function upgradeTable(name: string): Table {
  return table({
    source: '{http.request.header.Upgrade} {http.request.header.Connection}',
    destination: absentName(name),
    entries: [['~(?i)^websocket (?:.*,)?[ \\t]*upgrade[ \\t]*(?:,|$)', '-']],
    fallback: canonical(name),
  });
}

/** An absolute URL of the upstream up to its path, as it may stand in a header of an answer. */
function upstreamUrl({ scheme, host, port }: Upstream): string {
  const name = caseless(host.includes(':') ? `[${host}]` : host);
  const origins = [`[Hh][Tt][Tt][Pp]://${name}(?::80)?`, `[Hh][Tt][Tt][Pp][Ss]://${name}(?::443)?`];
  const usual = port === (scheme === 'https' ? 443 : 80);
  return oneOf(usual ? origins : [...origins, `[Hh][Tt][Tt][Pp][Ss]?://${name}:${port}`]);
}

/** `content-type` → `Content-Type`. */
export function canonical(name: string): string {
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
