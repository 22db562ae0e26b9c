import { type Address, ANY_ADDRESS, type CidrSet, contains } from '../../policy/cidr.ts';
import { keySource } from '../../policy/key.ts';
import { addresses, ipv4In } from '../../prove/addresses.ts';
import { CannotTell } from '../../prove/explore.ts';
import { FirstRow } from '../../prove/firstRow.ts';
import { both, either, isEmptyLanguage, type Language, stateAfter, without } from '../../prove/language.ts';
import { lazily } from '../../prove/lazily.ts';
import { ANYTHING, literally, matching, onlyText, wholly } from '../../prove/matching.ts';
import type { MapRow, MapTable, Network } from './handlers.ts';

/** What an expression of a table is found in. */
export function languageOf(source: string, place: string): Language {
  const language = matching(source, 're2');
  if ('problem' in language) throw new CannotTell(`${place}: an expression ${language.problem}`);
  return language;
}

export function rowLanguage({ input, source }: MapRow, { place }: MapTable): Language {
  return source === undefined ? onlyText(input) : languageOf(source, place);
}

interface RowOption {
  readonly row: number | undefined;
  readonly own: Language;
}

const rowOptionsOf = new WeakMap<MapTable, Map<number, readonly RowOption[]>>();

/** Returns the texts of a language by the first row of a table that fits. Rows that mean the same text are one. */
export function rowOptions(table: MapTable, search: FirstRow, language: Language): readonly RowOption[] {
  const known = rowOptionsOf.get(table) ?? new Map<number, readonly RowOption[]>();
  rowOptionsOf.set(table, known);
  const found = known.get(language.id) ?? findOptions(table, search, language);
  known.set(language.id, found);
  return found;
}

function findOptions(table: MapTable, search: FirstRow, language: Language): readonly RowOption[] {
  const first = new Map<string, number>();
  const nameOf = (row: number): number => {
    const { source, output = '' } = table.rows[row] ?? {};
    // What a plain row or one that captures means depends on more.
    if (source === undefined || output.includes('$')) return row;
    const name = first.get(output) ?? row;
    first.set(output, name);
    return name;
  };
  return [...search.divide(language, nameOf)].map(([row, own]) => ({ row, own }));
}

const searches = new WeakMap<MapTable, FirstRow | undefined>();

/** Finds the first row of a table that fits; `undefined` where the rows have to be looked at one by one. */
export function firstRowOf(table: MapTable): FirstRow | undefined {
  if (!searches.has(table)) searches.set(table, searchOf(table));
  return searches.get(table);
}

function searchOf({ rows }: MapTable): FirstRow | undefined {
  try {
    return new FirstRow(rows.map(({ input, source }) => source ?? `^${literally(input)}$`));
  } catch (error) {
    if (error instanceof CannotTell) return undefined;
    throw error;
  }
}

const PATH_BYTES = bytesIn(/[!->@-~\x80-\xff]/);
const QUERY_BYTES = bytesIn(/[!-~\x80-\xff]/);

function bytesIn(set: RegExp): readonly string[] {
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).filter((byte) => set.test(byte));
}

const sides = new WeakMap<Language, 'path' | 'query' | 'both'>();

/** Whether it depends on the path of a target alone, or on the query alone. */
export function sideOf(language: Language): 'path' | 'query' | 'both' {
  const known = sides.get(language) ?? findSide(language);
  sides.set(language, known);
  return known;
}

function findSide(language: Language): 'path' | 'query' | 'both' {
  if (PATH_BYTES.every((byte) => stateAfter(language, byte) === 0)) return 'query';
  const isSame = (state: number) =>
    reached(language, stateAfter(language, '?', state), QUERY_BYTES).every(
      (each) => language.accepts[each] === language.accepts[state],
    );
  return reached(language, 0, PATH_BYTES).every(isSame) ? 'path' : 'both';
}

function reached(language: Language, from: number, bytes: readonly string[]): readonly number[] {
  const kinds = [...new Map(bytes.map((byte) => [language.columnOf[byte.charCodeAt(0)], byte])).values()];
  const found = new Set([from]);
  for (const state of found) for (const byte of kinds) found.add(stateAfter(language, byte, state));
  return [...found];
}

const WITH_MARK = lazily(() => wholly(`[^?]*[?]${ANYTHING}`));

/** Whether its first group is the whole path of a target. */
export function capturesPath(source: string): boolean {
  const [, own] = /^\^\((.*)\)\(\?:\[\?\]\.\*\)\?\$$/.exec(source) ?? [];
  const language = own === undefined ? undefined : matching(`^(?:${own})$`, 're2');
  return language !== undefined && !('problem' in language) && isEmptyLanguage(both(language, WITH_MARK()));
}

const KEY = /^\^((?:[A-Za-z]+ )?)\((\[[A-Za-z0-9._~+/=-]+\])(\{\d+,\d*\})\)([^|]*)$/;
const LINE = lazily(() => wholly('[^\\n]*'));
/** What stands behind a key that is one. */
const ENDED = lazily(() => wholly('[ \\t]*(?:,[^\\n]*)?'));

/** The keys that its first group takes, if it takes one up to what is no part of a key, or all that there is of one. */
export function keysIn(source: string): Language | undefined {
  const [, , set = '', bounds = '', end = '|'] = KEY.exec(source) ?? [];
  const behind = behindKey(end);
  if (!behind) return undefined;
  if (set + bounds === keySource() && behind === LINE()) return wholly(keySource());
  // Otherwise it might give back a part of the key.
  return isEmptyLanguage(both(behind, wholly(`${set}[^\\n]*`))) ? wholly(set + bounds) : undefined;
}

/** Whether its first group takes a key with something behind it that makes it none. */
export function takesKeyAndMore(source: string): boolean {
  const behind = keysIn(source) && behindKey(KEY.exec(source)?.[4] ?? '|');
  return behind !== undefined && !isEmptyLanguage(without(behind, ENDED()));
}

/** What may stand behind a key. Languages are the same object where they hold the same texts. */
function behindKey(end: string): Language | undefined {
  const language = end === '|' ? { problem: 'is none' } : matching(`^(?:${end})`, 're2');
  return 'problem' in language ? undefined : both(language, LINE());
}

const HOP = /^\^\(\?:\.\*,\)\?\[ \\t\]\*(::\[Ff\]\{4\}:)?\((.*)\)\[ \\t\]\*\(\?:,\[\^,\]\*\)\{(\d+)\}\$$/;

/** How many addresses stand to the right of the one that a table reads out of a list. */
export function hopOf({ rows, fallback, place }: MapTable): number {
  const [mapped, plain, ...more] = rows.map(({ source, output }) => (output === '$1' ? HOP.exec(source ?? '') : null));
  const [, prefix, mappedSource = '', number] = mapped ?? [];
  const [, none, source = '', same] = plain ?? [];
  const isHop = prefix !== undefined && none === undefined && number === same && more.length === 0 && fallback === '';
  const [one, other] = [mappedSource, source].map((each) => matching(`^(?:${each})$`, 're2'));
  if (!isHop || !one || !other || 'problem' in one || 'problem' in other)
    throw new CannotTell(`${place}: reads addresses in a way that is not known`);
  const withPrefix = matching(`^(?:::[Ff]{4}:(?:${mappedSource}))$`, 're2');
  const dotted = without(one, wholly('[0-9.]+'));
  if ('problem' in withPrefix || !isEmptyLanguage(dotted) || either(withPrefix, other) !== addresses())
    throw new CannotTell(`${place}: reads addresses in a way that is not known`);
  return Number(number);
}

const OF_IPV6 = lazily(() => both(addresses(), wholly(`${ANYTHING}:${ANYTHING}`)));
const FILLED = lazily(() => wholly('(?:.|\\n)+'));

/** The IPv4 addresses whose texts an expression for addresses matches; it may match no text that is an IPv6 one. */
export function ipv4Texts(language: Language): CidrSet {
  if (isEmptyLanguage(without(FILLED(), language))) return ANY_ADDRESS;
  if (!isEmptyLanguage(both(language, OF_IPV6()))) throw new CannotTell('an expression looks at IPv6 addresses');
  return ipv4In(language);
}

/** In which spellings networks hold an address. */
export function spellingsIn(networks: readonly Network[], address: Address): 'both' | 'plain' | 'long' | 'neither' {
  const holds = ({ set }: Network, own: Address) => contains(set, own);
  const asWritten = networks.some((each) => each.isLong === (address.family === 6) && holds(each, address));
  if (address.family === 6) return asWritten ? 'both' : 'neither';
  const long: Address = { family: 6, value: (0xffffn << 32n) + address.value };
  const asLong = networks.some((each) => each.isLong && (holds(each, address) || holds(each, long)));
  if (asWritten) return asLong ? 'both' : 'plain';
  return asLong ? 'long' : 'neither';
}

/** Caddy takes the port away where it sees one, and the brackets of what it takes for an IPv6 address. */
export function hostLanguage(names: readonly string[]): Language {
  // Caddy takes the port off the request, and compares names with what is left.
  if (names.some((name) => /[*{}]|^[^:]*:[^:]*$|\]:/.test(name)))
    throw new CannotTell('a host is a pattern, or has a port');
  const any = names.map(literally).join('|');
  return wholly(`(?i)(?:\\[?(?:${any})\\]?|(?:(?:${any})|\\[(?:${any})\\]):[^:\\[\\]]*)`);
}

/** `*a`, `a*` and `*a*`: a star elsewhere stands for itself. */
export function wildcard(text: string): Language {
  const [, before = '', middle = '', after = ''] = /^([*]?)(.*?)([*]?)$/s.exec(text) ?? [];
  return wholly(`${before && ANYTHING}${literally(middle)}${after && ANYTHING}`);
}
