import type { Cell } from '../../policy/access.ts';
import { DEFAULT_REQUEST_HEADERS, HIDDEN_RESPONSE_HEADERS, PASSTHROUGH_CREDENTIAL_HEADERS, WEBSOCKET_HEADERS } from '../../policy/headers.ts';
import type { Forwarding, Policy, Proxy, Upstream } from '../../policy/types.ts';
import { type CaddyToken, own, placeholder, word } from './quote.ts';
import { caseless, oneOf } from './regex.ts';
import { type Table, table } from './table.ts';
import { type Transport, transportOf } from './transport.ts';

/** What belongs to a `reverse_proxy`; shared by all cells that forward alike. */
export interface Forward extends Transport {
  /** Of its named matcher, and of the snippet with what both its variants have in common. */
  readonly name: CaddyToken;
  readonly snippet: CaddyToken;
  readonly cells: readonly CaddyToken[];
  readonly maxBody: CaddyToken | null;
  /** Where the upstream's own token goes. */
  readonly tokenHeader: CaddyToken | null;
  /** "yes" in `request.rare` where the client sent more than the usual headers. */
  readonly rare: Table;
  readonly extra: ClientHeaders;
  readonly hidden: readonly CaddyToken[];
  readonly locations: readonly Replacement[];
  readonly links: readonly Replacement[];
}

/** Headers that pass wherever something is forwarded: the usual ones, and those that few requests have. */
export interface SharedHeaders {
  readonly usual: ClientHeaders;
  readonly rare: ClientHeaders;
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
    const origin = proxy.publicUrl ?? 'http://{request.host}';
    const url = upstreamUrl(upstream);
    return {
      name: word(`forward${index + 1}`),
      snippet: word(`${proxy.id}-forward${index + 1}`),
      cells: ids.map(word),
      maxBody: forwarding.maxBody === undefined ? null : word(String(forwarding.maxBody)),
      tokenHeader: forwarding.auth === 'apiKey' ? word(upstream.tokenHeader) : null,
      ...rareHeaders(policy, forwarding),
      hidden: [...HIDDEN_RESPONSE_HEADERS, ...proxy.responseHeaders.map(({ name }) => name)].map((name) => word(canonical(name))),
      locations: [{ pattern: own(`^${url}([/?#]|$)`), by: own(`${origin}$1`) }],
      links: [{ pattern: own(`<${url}([/?#>])`), by: own(`<${origin}$1`) }],
      ...transportOf(upstream),
    };
  });
}

/** `request.host` for the replacement of a regular expression, where a dollar sign stands for itself if it is doubled. */
export function hostTable(): Table {
  const part = '([^$]*)';
  const withDollars = (count: number): [string, string] => {
    const groups = Array.from({ length: count + 1 }, (_, index) => `$${index + 1}`);
    return [`~^${Array(count + 1).fill(part).join('[$]')}$`, groups.join('$$$$')];
  };
  return table({ source: '{http.request.hostport}', destination: 'request.host', entries: [0, 1, 2, 3].map(withDollars), fallback: 'unknown' });
}

const USUAL = ['accept', 'accept-encoding', 'content-type', 'user-agent'];

export function sharedHeaders(policy: Policy): SharedHeaders {
  const usual = USUAL.filter((name) => !keyHeaders(policy).has(name));
  return { usual: clientHeaders(usual), rare: clientHeaders(sharedRare(policy)) };
}

function sharedRare(policy: Policy): string[] {
  return DEFAULT_REQUEST_HEADERS.filter((name) => !USUAL.includes(name) && !keyHeaders(policy).has(name));
}

/** Headers that hold a key on some proxy; none of them passes on any, which `routes` would not allow anyhow. */
function keyHeaders({ proxies, upstreams }: Policy): Set<string> {
  const names = [...proxies.map((proxy) => proxy.apiKeyHeader), ...upstreams.map((upstream) => upstream.tokenHeader)];
  return new Set(names.map((name) => name.toLowerCase()));
}

function rareHeaders(policy: Policy, { auth, headers, websocket }: Forwarding): Pick<Forward, 'rare' | 'extra'> {
  const added = auth === 'passthrough' ? [...headers, ...PASSTHROUGH_CREDENTIAL_HEADERS] : headers.filter((name) => !keyHeaders(policy).has(name));
  const names = [...new Set([...added, ...(websocket ? WEBSOCKET_HEADERS : [])])].filter((name) => !DEFAULT_REQUEST_HEADERS.includes(name));
  const { absent, headers: copied } = clientHeaders(names);
  const hops = websocket ? HOPS.map(([name, value]) => ({ name, value, table: upgradeTable(name) })) : [];
  const all = [...sharedRare(policy), ...names, ...(websocket ? ['upgrade'] : [])];
  return {
    rare: table({
      source: all.map((name) => `{http.request.header.${canonical(name)}}`).join(''),
      destination: 'request.rare',
      entries: [['', 'no']],
      fallback: 'yes',
    }),
    extra: {
      absent: [...absent, ...hops.map((hop) => hop.table)],
      headers: [...copied, ...hops.map(({ name, value, table: { destination } }) => ({ name: word(canonical(name)), value: word(value), absent: destination }))],
    },
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
    const test = table({ source: `{${source}}`, destination: absentName(name), entries: [['', canonical(name)]], fallback: NO_HEADER });
    absent.push(test);
    return { ...sent, absent: test.destination };
  });
  return { absent, headers };
}

/** Deletes nothing. Not "-", which as a value of a map means that there is none. */
const NO_HEADER = 'none';

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
    entries: [['~(?i)^websocket (?:.*,)?[ \\t]*upgrade[ \\t]*(?:,|$)', NO_HEADER]],
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
