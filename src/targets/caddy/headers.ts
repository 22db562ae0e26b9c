import { DEFAULT_REQUEST_HEADERS, PASSTHROUGH_CREDENTIAL_HEADERS, WEBSOCKET_HEADERS } from '../../policy/headers.ts';
import type { Forwarding, Policy, Proxy, Upstream } from '../../policy/types.ts';
import { type CaddyToken, placeholder, word } from './quote.ts';
import { type Table, table } from './table.ts';

/** Headers that pass wherever something is forwarded: the usual ones, and those that few requests have. */
export interface SharedHeaders {
  readonly usual: ClientHeaders;
  readonly rare: ClientHeaders;
}

export interface ClientHeaders {
  readonly absent: readonly Table[];
  readonly headers: readonly SentHeader[];
}

/** What one way of forwarding takes beside the shared headers. */
export interface RareHeaders {
  /** "yes" in `request.rare` where the client sent more than the usual headers. */
  readonly rare: Table;
  readonly extra: ClientHeaders;
}

interface SentHeader {
  readonly name: CaddyToken;
  readonly value: CaddyToken;
  /** Placeholder for the name where the client did not send it. */
  readonly absent: CaddyToken | null;
}

const USUAL = ['accept', 'accept-encoding', 'content-type', 'user-agent'];

export function sharedHeaders(policy: Policy): SharedHeaders {
  return { usual: clientHeaders(sharedUsual(policy)), rare: clientHeaders(sharedRare(policy)) };
}

function sharedUsual(policy: Policy): string[] {
  return USUAL.filter((name) => !keyHeaders(policy).has(name));
}

function sharedRare(policy: Policy): string[] {
  return DEFAULT_REQUEST_HEADERS.filter((name) => !USUAL.includes(name) && !keyHeaders(policy).has(name));
}

/** Headers that hold a key somewhere: not for all to share, although they may pass elsewhere. */
function keyHeaders({ proxies, upstreams }: Policy): Set<string> {
  const names = [...proxies.map((proxy) => proxy.apiKeyHeader), ...upstreams.map((upstream) => upstream.tokenHeader)];
  return new Set(names.map((name) => name.toLowerCase()));
}

/** Where a request goes through. */
export interface Way {
  readonly policy: Policy;
  readonly proxy: Proxy;
  readonly upstream: Upstream;
}

export function rareHeaders({ policy, proxy, upstream }: Way, { auth, headers, websocket }: Forwarding): RareHeaders {
  const open = auth === 'passthrough';
  const passing = new Set([
    ...DEFAULT_REQUEST_HEADERS,
    ...headers,
    ...(open ? PASSTHROUGH_CREDENTIAL_HEADERS : []),
    ...(websocket ? WEBSOCKET_HEADERS : []),
  ]);
  if (!open) for (const name of [proxy.apiKeyHeader, upstream.tokenHeader]) passing.delete(name.toLowerCase());
  const shared = sharedRare(policy);
  const names = [...passing].filter((name) => !shared.includes(name) && !sharedUsual(policy).includes(name));
  const { absent, headers: copied } = clientHeaders(names);
  const hops = websocket ? HOPS.map(([name, value]) => ({ name, value, table: upgradeTable(name) })) : [];
  const all = [...shared, ...names, ...(websocket ? ['upgrade'] : [])];
  return {
    rare: table({
      source: all.map((name) => `{http.request.header.${canonical(name)}}`).join(''),
      destination: 'request.rare',
      entries: [['', 'no']],
      fallback: 'yes',
    }),
    extra: {
      absent: [...absent, ...hops.map((hop) => hop.table)],
      headers: [
        ...copied,
        ...hops.map(({ name, value, table: { destination } }) => ({
          name: word(canonical(name)),
          value: word(value),
          absent: destination,
        })),
      ],
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
    const test = table({
      source: `{${source}}`,
      destination: absentName(name),
      entries: [['', canonical(name)]],
      fallback: NO_HEADER,
    });
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

/** `content-type` → `Content-Type`. */
export function canonical(name: string): string {
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
