import { type Diagnostic, ok, type Result } from '../../diagnostics/diagnostic.ts';
import { isKeyShaped } from '../../policy/key.ts';
import type { Policy } from '../../policy/types.ts';
import { isRecord, memberOf } from '../../source/value.ts';
import { driftCodes, keyDrift, renderAgain } from '../live.ts';
import { referenceDrift } from '../references.ts';
import type { LiveText } from '../target.ts';

/** A configuration without the tables of keys, and what these tables hold. */
export interface WithoutKeys {
  readonly config: unknown;
  /** How many working keys each id has, by the path of the handler that uses the tables. */
  readonly counts: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Paths of tables that differ from what "secrets render" writes. */
  readonly strange: readonly string[];
}

/** What a table is called that "secrets render" does not write. */
export const STRANGE = 'a table of keys that is not as ours are';

/** The placeholders that only tables of the files in `secrets/` set: `{key.found}`, and parts such as `{key.found_7}`. */
const FILLED = /^\{key[.]found(?:_[a-z0-9]+)?\}$/;
const USED = { handler: 'vars', found: '{key.found}' };

/**
 * Removes the tables that come from the import of `secrets/`: those right before the handler that uses them. Any other
 * table for the same placeholders stays, and so is a difference.
 */
export function withoutKeys(config: unknown): WithoutKeys {
  const counts = new Map<string, ReadonlyMap<string, number>>();
  const strange: string[] = [];
  const strip = (value: unknown, path: string): unknown => {
    if (Array.isArray(value)) {
      const end = path.endsWith('/handle') ? value.findIndex(usesKeys) : -1;
      const before = value.slice(0, Math.max(end, 0));
      const start = before.findLastIndex((handler) => !fillsKey(handler)) + 1;
      if (end >= 0) {
        const tables = before.slice(start);
        const found = countsIn(tables);
        counts.set(path, found ?? new Map());
        if (!found) strange.push(`${path}/${start}`);
      }
      return [...value.slice(0, end < 0 ? 0 : start), ...value.slice(Math.max(end, 0))].map((item, index) =>
        strip(item, `${path}/${index}`),
      );
    }
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, strip(item, `${path}/${name}`)]));
  };
  return { config: strip(config, ''), counts, strange };
}

function usesKeys(handler: unknown): boolean {
  return Object.entries(USED).every(([name, text]) => memberOf(handler, name) === text);
}

function fillsKey(handler: unknown): boolean {
  const destinations = memberOf(handler, 'destinations');
  return Array.isArray(destinations) && destinations.some((name) => FILLED.test(String(name)));
}

interface Table {
  readonly source: string;
  readonly destination: string;
  readonly rows: readonly (readonly [input: string, output: string])[];
  /** Whether the inputs are regular expressions. */
  readonly regex: boolean;
}

/** Returns how many keys the tables find for each id; `undefined` where one of the tables differs from ours. */
function countsIn(handlers: readonly unknown[]): ReadonlyMap<string, number> | undefined {
  const tables = handlers.map(tableOf);
  const named = new Map(tables.flatMap((table) => (table ? [[table.destination, table] as const] : [])));
  if (tables.includes(undefined) || named.size < tables.length) return undefined;
  const counts = new Map<string, number>();
  const main = named.get('{key.found}');
  if (!main) return tables.length === 0 ? counts : undefined;
  const selector = named.get('{key.found_at}');
  const parts = selector ? tables.filter((table) => table !== main && table !== selector) : [main];
  if (tables.length !== (selector ? parts.length + 2 : 1)) return undefined;
  const partOf = selector && partFinder(main, selector, named);
  if (selector && !partOf) return undefined;
  const seen = new Set<string>();
  for (const part of parts) {
    for (const [input, output] of part?.rows ?? []) {
      const [, id] = /^([^ ]+) [a-z]+ [A-Za-z0-9._~+/=-]+$/.exec(output) ?? [];
      const key = input.slice(1);
      const plain = part?.source === '={key.given}' && !part.regex && input.startsWith('=') && isKeyShaped(key);
      // A key that occurs twice, or that the selecting tables lead elsewhere, was not written by "secrets render".
      if (!plain || id === undefined || seen.has(key) || (partOf && partOf(key) !== part)) return undefined;
      seen.add(key);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  return counts;
}

const NAMES = new Set(['defaults', 'destinations', 'handler', 'mappings', 'source']);

function tableOf(handler: unknown): Table | undefined {
  if (!isRecord(handler) || handler['handler'] !== 'map' || !Object.keys(handler).every((name) => NAMES.has(name)))
    return undefined;
  const { source, mappings = [] } = handler;
  const destination = onlyText(handler['destinations']);
  const fallback = onlyText(handler['defaults']);
  if (typeof source !== 'string' || !Array.isArray(mappings) || destination === undefined || fallback !== '')
    return undefined;
  const regex = mappings.length > 0 && mappings.every((row) => memberOf(row, 'input_regexp') !== undefined);
  const rows = mappings.map((row: unknown) => rowOf(row, regex ? 'input_regexp' : 'input'));
  if (rows.includes(undefined)) return undefined;
  return { source, destination, rows: rows.filter((row) => row !== undefined), regex };
}

function rowOf(row: unknown, name: string): readonly [string, string] | undefined {
  const input = memberOf(row, name);
  const output = onlyText(memberOf(row, 'outputs'));
  if (!isRecord(row) || Object.keys(row).length !== 2 || typeof input !== 'string' || output === undefined)
    return undefined;
  return [input, output];
}

function onlyText(value: unknown): string | undefined {
  return Array.isArray(value) && value.length === 1 && typeof value[0] === 'string' ? value[0] : undefined;
}

/**
 * Returns a function that finds the table of a key. Many keys are looked up in parts, and a few characters of the key
 * choose the part; `undefined` where the tables that choose are not ours.
 */
function partFinder(
  main: Table,
  selector: Table,
  named: ReadonlyMap<string, Table>,
): ((key: string) => Table | undefined) | undefined {
  const [pattern = '', groups = ''] = selector.rows[0] ?? [];
  const padding = /^\{key[.]given\}(_+)$/.exec(selector.source)?.[1];
  const isOurs = /^\^(?:\.\{\d{1,3}\}\(\.\)){1,2}$/.test(pattern) && /^\$1(?:\$2)?$/.test(groups);
  const shaped = selector.regex && selector.rows.length === 1 && padding !== undefined && isOurs;
  if (!shaped || main.regex || main.source !== '={key.found_at}') return undefined;
  const expression = new RegExp(pattern);
  const chosen = new Map(main.rows.map(([characters, part]) => [characters, named.get(part)]));
  return (key) => {
    const [, first = '', second = ''] = expression.exec(key + padding) ?? [];
    return chosen.get(`=${first}${second}`);
  };
}

/**
 * Lines that "secrets render" writes beside those of keys: those of the tables themselves, and of what chooses one of
 * them.
 */
const FRAME =
  /^(?:#.*|\}|map "=?\{key[.](?:given\}_*|found_at\})" \{key[.]found(?:_[a-z0-9]+)?\} \{|default ""|"=.{1,4}" "\{key[.]found_\d+\}"|"~\^(?:[.]\{\d+\}\([.]\)){1,2}" "\$1(?:\$2)?")?$/;

/** Returns the drift of the key file on disk. */
export function renderedKeys(policy: Policy, files: readonly LiveText[], where: string): Result<readonly Diagnostic[]> {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  for (const line of files.flatMap(({ text }) => text.split('\n').map((each) => each.trim()))) {
    const [, key = '', id = ''] = /^"=([^" ]+)" "([^" {]+) [a-z]+ [A-Za-z0-9._~+/=-]+"$/.exec(line) ?? [];
    if (id === '' && FRAME.test(line)) continue;
    if (id === '' || !isKeyShaped(key) || seen.has(key))
      return ok([renderAgain(driftCodes.report('added', ['apiKeys'], { what: STRANGE, where }))]);
    seen.add(key);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  const { value = [], diagnostics } = keyDrift(policy, [counts], where);
  if (value.length > 0) return ok(value, diagnostics);
  return ok(
    files.flatMap(({ name, text }) => referenceDrift(text, name, policy, 'both')),
    diagnostics,
  );
}
