import type { ForwardPlan } from '../../plan/forwards.ts';
import { DEFAULT_REQUEST_HEADERS } from '../../policy/headers.ts';
import type { Policy } from '../../policy/types.ts';
import { bareWord, type CaddyToken, placeholder } from './quote.ts';
import { type Table, table } from './table.ts';

/** Headers that pass wherever something is forwarded: the usual ones, and those that few requests have. */
export interface SharedHeaders {
  readonly usual: ClientHeaders;
  readonly rare: ClientHeaders;
  /** The header to delete in the end. */
  readonly absent: CaddyToken;
}

export interface ClientHeaders {
  /** The names under which the headers are set. */
  readonly names: readonly Table[];
  readonly headers: readonly SentHeader[];
}

/** What one way of forwarding takes beside the shared headers. */
export interface RareHeaders {
  /** Headers without which a request has only the usual ones. */
  readonly rare: readonly CaddyToken[];
  readonly extra: ClientHeaders;
}

interface SentHeader {
  readonly name: CaddyToken;
  readonly value: CaddyToken;
}

/** Where headers go that the client did not send. */
const ABSENT = 'Postern-Absent';

const USUAL = ['accept', 'accept-encoding', 'content-type', 'user-agent'];

export function sharedHeaders(policy: Policy): SharedHeaders {
  return {
    usual: clientHeaders(sharedUsual(policy)),
    rare: clientHeaders(sharedRare(policy)),
    absent: bareWord(ABSENT),
  };
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

export function rareHeaders({ forwarding, passed }: ForwardPlan, policy: Policy): RareHeaders {
  const { websocket } = forwarding;
  const shared = sharedRare(policy);
  const names = passed.filter((name) => !shared.includes(name) && !sharedUsual(policy).includes(name));
  const { names: tables, headers: copied } = clientHeaders(names);
  const hops = websocket ? HOPS.map(([name, value]) => ({ table: upgradeTable(name), value })) : [];
  const all = [...shared, ...names, ...(websocket ? ['upgrade'] : [])];
  return {
    rare: all.map((name) => bareWord(canonical(name))),
    extra: {
      names: [...tables, ...hops.map(({ table }) => table)],
      headers: [...copied, ...hops.map(({ table, value }) => ({ name: table.destination, value: bareWord(value) }))],
    },
  };
}

/**
 * Headers that pass as the client sent them. All are deleted and these set again; what the client did not send
 * is set under a name that is deleted in the end, because it would arrive as an empty header.
 */
function clientHeaders(names: readonly string[]): ClientHeaders {
  const tables: Table[] = [];
  const headers = names.toSorted().map((name): SentHeader => {
    const source = `http.request.header.${canonical(name)}`;
    const value = placeholder(source);
    // Go leaves out an empty User-Agent by itself, and puts its own where there is none.
    if (name === 'user-agent') return { name: bareWord(canonical(name)), value };
    const entries = [['', ABSENT]] as const;
    const named = table({ source: `{${source}}`, destination: nameOf(name), entries, fallback: canonical(name) });
    tables.push(named);
    return { name: named.destination, value };
  });
  return { names: tables, headers };
}

function nameOf(name: string): string {
  return `sent.${name.replaceAll('-', '_')}`;
}

const HOPS = [
  ['connection', 'Upgrade'],
  ['upgrade', 'websocket'],
] as const;

/** Headers of the hop are the client's business only where it asks for a WebSocket in full. */
function upgradeTable(name: string): Table {
  return table({
    source: '{http.request.header.Upgrade} {http.request.header.Connection}',
    destination: nameOf(name),
    entries: [['~(?i)^websocket (?:.*,)?[ \\t]*upgrade[ \\t]*(?:,|$)', canonical(name)]],
    fallback: ABSENT,
  });
}

/** `content-type` → `Content-Type`. */
export function canonical(name: string): string {
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
