import type { ForwardPlan } from '../../plan/forwards.ts';
import { caseless } from '../../plan/regex.ts';
import { DEFAULT_REQUEST_HEADERS } from '../../policy/headers.ts';
import type { Policy } from '../../policy/types.ts';
import { bareWord, type CaddyToken, placeholder } from './quote.ts';
import { type Table, table } from './table.ts';

/** Headers of clients that every forward passes: the usual ones, and those that few requests have. */
export interface SharedHeaders {
  readonly usual: ClientHeaders;
  readonly rare: ClientHeaders;
  /** The header that is deleted after all others are set; see `clientHeaders`. */
  readonly absent: CaddyToken;
}

export interface ClientHeaders {
  /** Tables with the names under which the headers are set. */
  readonly names: readonly Table[];
  readonly headers: readonly SentHeader[];
}

/** Headers of clients that one forward passes beside the shared ones. */
export interface RareHeaders {
  /** Names of all headers but the usual ones: a request without any of them takes the shorter way. */
  readonly rare: readonly CaddyToken[];
  readonly extra: ClientHeaders;
}

interface SentHeader {
  readonly name: CaddyToken;
  readonly value: CaddyToken;
}

/** Name under which headers are set that the client did not send. */
const ABSENT = 'Postern-Absent';

const USUAL = ['accept', 'accept-encoding', 'content-type', 'user-agent'];

export function sharedHeaders(policy: Policy): SharedHeaders {
  const { usual, rare } = sharedNames(policy);
  return {
    usual: clientHeaders(usual),
    rare: clientHeaders(rare),
    absent: bareWord(ABSENT),
  };
}

interface SharedNames {
  readonly usual: readonly string[];
  readonly rare: readonly string[];
}

const known = new WeakMap<Policy, SharedNames>();

/** Headers that hold a key or a token anywhere are not shared, although they may pass elsewhere. */
function sharedNames(policy: Policy): SharedNames {
  const found = known.get(policy) ?? findSharedNames(policy);
  known.set(policy, found);
  return found;
}

function findSharedNames({ proxies, upstreams }: Policy): SharedNames {
  const names = [...proxies.map((proxy) => proxy.apiKeyHeader), ...upstreams.map((upstream) => upstream.tokenHeader)];
  const secret = new Set(names.map((name) => name.toLowerCase()));
  return {
    usual: USUAL.filter((name) => !secret.has(name)),
    rare: DEFAULT_REQUEST_HEADERS.filter((name) => !USUAL.includes(name) && !secret.has(name)),
  };
}

export function rareHeaders({ forwarding, passed }: ForwardPlan, policy: Policy): RareHeaders {
  const { websocket } = forwarding;
  const { usual, rare } = sharedNames(policy);
  const names = passed.filter((name) => !rare.includes(name) && !usual.includes(name));
  const { names: tables, headers: copied } = clientHeaders(names);
  const hops = websocket ? HOPS.map(([name, value]) => ({ table: upgradeTable(name), value })) : [];
  const all = [...rare, ...names, ...(websocket ? ['upgrade'] : [])];
  return {
    rare: all.map((name) => bareWord(canonical(name))),
    extra: {
      names: [...tables, ...hops.map(({ table }) => table)],
      headers: [...copied, ...hops.map(({ table, value }) => ({ name: table.destination, value: bareWord(value) }))],
    },
  };
}

/**
 * Returns the headers that pass as the client sent them. All headers of the client are deleted, and these are set
 * again. One that the client did not send is set under the name `Postern-Absent`, which is deleted at the end, because
 * it would otherwise go upstream as an empty header.
 */
function clientHeaders(names: readonly string[]): ClientHeaders {
  const tables: Table[] = [];
  const headers = names.toSorted().map((name): SentHeader => {
    const source = `http.request.header.${canonical(name)}`;
    const value = placeholder(source);
    // Go itself leaves out an empty User-Agent, and sends its own where the header is missing.
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

/** Returns the table that passes a header of the connection only where the client asks for a WebSocket in full. */
function upgradeTable(name: string): Table {
  return table({
    source: '{http.request.header.Upgrade} {http.request.header.Connection}',
    destination: nameOf(name),
    entries: [[`~^${caseless('websocket')} (?:.*,)?[ \\t]*${caseless('upgrade')}[ \\t]*(?:,|$)`, canonical(name)]],
    fallback: ABSENT,
  });
}

/** `content-type` → `Content-Type`. */
export function canonical(name: string): string {
  return name.toLowerCase().replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}
