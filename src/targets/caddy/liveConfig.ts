import { isRecord, memberOf } from '../../source/value.ts';

export interface JsonDifference {
  /** As in the admin API: `/apps/http/servers/srv0/listen`. */
  readonly path: string;
  readonly wanted?: unknown;
  readonly found?: unknown;
}

interface JsonComparison {
  readonly differences: readonly JsonDifference[];
  /** Whole apps and servers that only the other side has: somebody else's, beside ours. */
  readonly foreign: readonly string[];
}

type JsonRecord = Readonly<Record<string, unknown>>;

/** Lists whose order means nothing to Caddy, and changes between its versions. */
const SETS = new Set(['sni', 'host', 'method', 'ranges', 'listen', 'protocols', 'logger_names']);
/** Objects in which others may keep entries of their own. */
const SHARED = [/^$/, /^\/apps$/, /^\/apps\/http\/servers$/, /^\/logging\/logs$/];

/** Compares two values as Caddy understands them: order of keys never counts, order of lists where it decides. */
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
      if (SHARED.some((shared) => shared.test(path))) foreign.push(`${path}/${key}`);
      else differences.push({ path: `${path}/${key}`, found: value });
    }
  };
  const walkLists = (left: readonly unknown[], right: readonly unknown[], path: string): void => {
    const gone = without(left, right);
    const extra = without(right, left);
    // Same elements in another order: say so about the whole list.
    if (gone.length === 0 && extra.length === 0) differences.push({ path, wanted: left, found: right });
    // A row of a table is the same row where it looks for the same.
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

/** The elements of a list that another has not, or not so often. */
function without(list: readonly unknown[], other: readonly unknown[]): unknown[] {
  const counts = new Map<string | undefined, number>();
  for (const value of other) counts.set(canonical(value), (counts.get(canonical(value)) ?? 0) + 1);
  return list.filter((value) => {
    const count = counts.get(canonical(value)) ?? 0;
    counts.set(canonical(value), count - 1);
    return count <= 0;
  });
}

/** Caddy numbers the servers of a Caddyfile, so a server is known by what it listens on. */
function serverNames(left: JsonRecord, right: JsonRecord): Map<string, string> {
  const listens = (server: unknown) => (isRecord(server) ? canonical(server['listen'], 'listen') : undefined);
  const byListen = new Map(Object.entries(right).map(([name, server]) => [listens(server), name]));
  return new Map(
    Object.entries(left).flatMap(([name, server]) => {
      const other = byListen.get(listens(server));
      return other === undefined ? [] : [[name, other]];
    }),
  );
}

/** Equal for values that mean the same. */
function canonical(value: unknown, key = ''): string | undefined {
  if (Array.isArray(value)) {
    const items = value.map((item) => canonical(item) ?? 'null');
    return `[${(SETS.has(key) ? items.sort() : items).join()}]`;
  }
  if (!isRecord(value)) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item, name)}`).join()}}`;
}

/**
 * The placeholder that only the files below `secrets/` fill: whose a key is, and what the upstream gets for it. Where
 * there are many, they are looked up in parts such as `{key.found_7}`.
 */
const FILLED_BY_SECRETS = /^\{key[.]found(?:_[a-z0-9]+)?\}$/;

function isSecretMap(value: unknown): value is JsonRecord {
  if (!isRecord(value) || value['handler'] !== 'map' || !Array.isArray(value['destinations'])) return false;
  return value['destinations'].some((name) => FILLED_BY_SECRETS.test(String(name)));
}

function isOnlySecret(value: unknown): boolean {
  if (isSecretMap(value)) return true;
  const handlers = isRecord(value) ? value['handle'] : undefined;
  return Array.isArray(handlers) && handlers.length > 0 && handlers.every(isSecretMap);
}

/** A configuration without the maps that hold keys and tokens: whether they were rendered here says nothing about drift. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((item) => !isOnlySecret(item)).map(withoutSecrets);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutSecrets(item)]));
}

/** The ids that live keys stand for, each before a token; neither keys nor tokens are looked at. */
export function liveKeyIds(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(liveKeyIds);
  if (!isRecord(value)) return [];
  if (!isSecretMap(value)) return Object.values(value).flatMap(liveKeyIds);
  const mappings = Array.isArray(value['mappings']) ? value['mappings'] : [];
  const outputs = mappings.flatMap((mapping) =>
    isRecord(mapping) && Array.isArray(mapping['outputs']) ? mapping['outputs'].map(String) : [],
  );
  return outputs.flatMap((output) => /^([^ ]+) /.exec(output)?.[1] ?? []);
}
