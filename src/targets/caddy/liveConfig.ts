import { isRecord, memberOf } from '../../source/value.ts';

export interface JsonDifference {
  /** Path as in the admin API: `/apps/http/servers/srv0/listen`. */
  readonly path: string;
  readonly wanted?: unknown;
  readonly found?: unknown;
}

interface JsonComparison {
  readonly differences: readonly JsonDifference[];
  /** Parts that only the running configuration has, and that cannot affect our traffic. */
  readonly foreign: readonly string[];
}

type JsonRecord = Readonly<Record<string, unknown>>;

/** Lists whose order has no effect, and differs between versions of Caddy. */
const SETS = new Set(['sni', 'host', 'method', 'ranges', 'listen', 'protocols', 'logger_names']);
/** Objects that may hold entries of others. The function returns whether an entry leaves ours alone. */
const SHARED: Readonly<Record<string, (entry: Entry, ours: JsonRecord) => boolean>> = {
  '/apps': leavesTls,
  '/apps/http/servers': ({ value }, ours) => !Object.values(ours).some((server) => meets(server, value)),
  '/logging/logs': logsElsewhere,
};

interface Entry {
  readonly name: string;
  readonly value: unknown;
}

/**
 * Compares two configurations as Caddy understands them: the order of keys never counts, that of lists where it
 * decides.
 */
export function compareJson(wanted: unknown, found: unknown): JsonComparison {
  const differences: JsonDifference[] = [];
  const foreign: string[] = [];
  const walk = (left: unknown, right: unknown, path: string): void => {
    const key = path.slice(path.lastIndexOf('/') + 1);
    if (canonical(left, key) === canonical(right, key)) return;
    if (Array.isArray(left) && Array.isArray(right)) walkLists(left, right, path);
    else if (isRecord(left) && isRecord(right)) walkRecords(left, right, path);
    else differences.push({ path, wanted: left, found: right });
  };
  const walkRecords = (left: JsonRecord, right: JsonRecord, path: string): void => {
    const names = path === '/apps/http/servers' ? serverNames(left, right) : new Map<string, string>();
    const used = new Set<string>();
    for (const [key, value] of Object.entries(left)) {
      const other = names.get(key) ?? key;
      used.add(other);
      walk(value, right[other], `${path}/${other}`);
    }
    for (const [key, value] of Object.entries(right)) {
      if (used.has(key)) continue;
      if (SHARED[path]?.({ name: key, value }, left)) foreign.push(`${path}/${key}`);
      else differences.push({ path: `${path}/${key}`, found: value });
    }
  };
  const walkLists = (left: readonly unknown[], right: readonly unknown[], path: string): void => {
    const gone = without(left, right);
    const extra = without(right, left);
    // The same elements in another order are one difference of the whole list.
    if (gone.length === 0 && extra.length === 0) differences.push({ path, wanted: left, found: right });
    // Rows of a table are the same row if they have the same input.
    const partnerOf = (value: unknown, index: number) =>
      path.endsWith('/mappings') ? extra.findIndex((row) => input(row) === input(value)) : index;
    const partners = gone.map(partnerOf);
    for (const [index, value] of gone.entries())
      walk(value, extra[partners[index] ?? -1], `${path}/${left.indexOf(value)}`);
    for (const [index, value] of extra.entries())
      if (!partners.includes(index)) differences.push({ path: `${path}/${right.indexOf(value)}`, found: value });
  };
  const input = (row: unknown) => memberOf(row, 'input_regexp') ?? memberOf(row, 'input');
  walk(wanted, found, '');
  return { differences, foreign };
}

/** Returns the elements of a list that another list has not, or not as often. */
function without(list: readonly unknown[], other: readonly unknown[]): unknown[] {
  const counts = new Map<string | undefined, number>();
  for (const value of other) counts.set(canonical(value), (counts.get(canonical(value)) ?? 0) + 1);
  return list.filter((value) => {
    const count = counts.get(canonical(value)) ?? 0;
    counts.set(canonical(value), count - 1);
    return count <= 0;
  });
}

/** Pairs servers by their addresses, because Caddy numbers them; by name where several have the same address. */
function serverNames(left: JsonRecord, right: JsonRecord): Map<string, string> {
  const listens = (server: unknown) => canonical(memberOf(server, 'listen'), 'listen');
  const names = new Map<string, string>();
  for (const [name, server] of Object.entries(left)) {
    const alike = Object.keys(right).filter((other) => listens(right[other]) === listens(server));
    const other = alike.includes(name) ? name : alike[0];
    if (other !== undefined) names.set(name, other);
  }
  return names;
}

/** Returns whether a connection to one of two servers could reach the other. */
function meets(server: unknown, other: unknown): boolean {
  const [left, right] = [addressesOf(server), addressesOf(other)];
  return !left || !right || left.some((one) => right.some((two) => overlap(one, two)));
}

interface Address {
  /** Empty for every address of the machine. */
  readonly host: string;
  /** First and last port; for a Unix socket, its path. */
  readonly ports: readonly [first: number, last: number] | string;
}

/** Returns the addresses of a server; `undefined` where one of them is not understood. */
function addressesOf(server: unknown): readonly Address[] | undefined {
  const listen = memberOf(server, 'listen');
  const addresses = Array.isArray(listen) ? listen.map(addressOf) : [undefined];
  return addresses.every((address) => address !== undefined) ? addresses : undefined;
}

function addressOf(listen: unknown): Address | undefined {
  const text = typeof listen === 'string' ? listen : '';
  const socket = /^unix[a-z+]*\/([^|{}]+)/.exec(text)?.[1];
  if (socket !== undefined) return { host: '', ports: socket };
  const [, host = '', first, last = first] =
    /^(?:(?:tcp|udp)[46]?\/)?(\[[0-9a-f:]*\]|[0-9.]*):(\d{1,5})(?:-(\d{1,5}))?$/i.exec(text) ?? [];
  if (first === undefined) return undefined;
  return { host: /^(?:0\.0\.0\.0|\[::\])$/.test(host) ? '' : host, ports: [Number(first), Number(last)] };
}

function overlap(one: Address, two: Address): boolean {
  if (typeof one.ports === 'string' || typeof two.ports === 'string') return one.ports === two.ports;
  const [first, last] = one.ports;
  const apart = last < two.ports[0] || two.ports[1] < first;
  // IPv6 addresses are not compared, because one address has several spellings.
  const others = isPlain(one.host) && isPlain(two.host) && one.host !== two.host;
  return !apart && !others;
}

function isPlain(host: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host);
}

/** Returns whether an entry concerns TLS only, and no server of ours speaks TLS. */
function leavesTls({ name }: Entry, ours: JsonRecord): boolean {
  const servers = memberOf(ours['http'], 'servers');
  const speaksTls = (server: unknown) => memberOf(server, 'tls_connection_policies') !== undefined;
  return (name === 'tls' || name === 'pki') && isRecord(servers) && !Object.values(servers).some(speaksTls);
}

/** Returns whether a log leaves out lines of requests, which could hold keys. */
function logsElsewhere({ value }: Entry): boolean {
  const include = memberOf(value, 'include');
  const isOther = (logger: unknown) => typeof logger === 'string' && logger !== '' && !/^http(?:$|[.])/.test(logger);
  return Array.isArray(include) && include.length > 0 && include.every(isOther);
}

/** Returns a text that is equal for values with the same meaning. */
function canonical(value: unknown, key = ''): string | undefined {
  if (Array.isArray(value)) {
    const items = value.map((item) => canonical(item) ?? 'null');
    return `[${(SETS.has(key) ? items.sort() : items).join()}]`;
  }
  if (!isRecord(value)) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item, name)}`).join()}}`;
}
