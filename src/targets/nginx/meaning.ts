import type { Address } from '../../policy/cidr.ts';
import { addresses } from '../../prove/addresses.ts';
import { CannotTell, lower, matches, type Part, type Run } from '../../prove/explore.ts';
import { both, isEmptyLanguage, type Language, lowering } from '../../prove/language.ts';
import { matching } from '../../prove/matching.ts';
import { CALLER, CALLERS_TOKEN, type SymbolicRequest } from '../../prove/request.ts';
import { exactRow } from '../../prove/rows.ts';
import { markedRow } from './marking.ts';
import { setsIn, valueIn } from './networks.ts';
import {
  ENDS_WITH_SLASH,
  HOP,
  isVariable,
  joined,
  KEY,
  KEY_ENDS,
  languageOf,
  longerGroups,
  NO_CAPITALS,
  ONE_SLASH,
  REST,
} from './shapes.ts';
import { decodedPath, type OtherSplit, splitsDecoded, splitsOf, splitsRequests } from './splitting.ts';
import type { Configuration, Directives, GeoTable, MapTable, RegexRow, Template } from './tables.ts';
import { rowQuestion } from './trace.ts';

/** Variables that routing uses. What depends on these alone is computed once for each kind of target, see `cutsOf`. */
export const TARGET_PIECES =
  /^(?:method|verb|path|segment_\d+|plain_\d+|marked_\d+|after_\d+|slash_\d+|rest_\d+|request|request_method|uri)$/;

/** Noted in a run: whether a value was asked for that splits the request line, into what, and what was captured. */
const ASKED_SPLITTER = 'asked for what splits';
const SPLIT = 'split into';
const WITHOUT_QUERY = 'split without its query';
const SPLIT_BY = 'split by another expression';
const CAPTURED = 'captured ';

const ADDRESS = /^hop \d+$/;
const SELECTOR_LENGTH = '8';

interface SplitBy {
  readonly other: OtherSplit;
  /** Whether the usual expression would have been found. */
  readonly isUsual: boolean;
}

/** Values of variables that were computed from the request line before. */
export interface Known {
  readonly values: ReadonlyMap<string, readonly Part[]>;
  /** Variables whose evaluation splits the request line, and those that need it to be split before. */
  readonly splitters: ReadonlySet<string>;
  readonly readers: ReadonlySet<string>;
  /** Whether the request line has the shape that can be split. */
  readonly isWhole: boolean;
}

const NOTHING_KNOWN: Known = { values: new Map(), splitters: new Set(), readers: new Set(), isWhole: false };

/** The values of variables for the requests of one run, as nginx computes them: when they are used, and once. */
export class Meaning {
  private readonly configuration: Configuration;
  private readonly run: Run;
  readonly request: SymbolicRequest;
  private readonly directives: Directives;
  /** Those that were computed before. */
  private readonly values: ReadonlyMap<string, readonly Part[]>;
  /** Variables that are being evaluated. */
  private readonly open = new Set<string>();
  /** Number of segments that are told apart; the request line may be split into fewer. */
  private readonly depth: number;
  private readonly splitters: ReadonlySet<string>;
  private readonly readers: ReadonlySet<string>;
  private readonly isWhole: boolean;

  constructor(
    configuration: Configuration,
    request: SymbolicRequest,
    { directives, depth }: { readonly directives: Directives; readonly depth: number },
    { values, splitters, readers, isWhole }: Known = NOTHING_KNOWN,
  ) {
    this.configuration = configuration;
    this.request = request;
    this.run = request.run;
    this.directives = directives;
    this.depth = depth;
    this.values = values;
    this.splitters = splitters;
    this.readers = readers;
    this.isWhole = isWhole;
  }

  evaluate(template: Template): readonly Part[] {
    return joined(template.flatMap((part) => (typeof part === 'string' ? [part] : this.value(part.variable))));
  }

  value(name: string): readonly Part[] {
    const known = this.values.get(name);
    if (known && this.isSplitFor(name)) return known;
    const table = this.configuration.tables.get(name);
    if (!table) return this.input(name);
    return this.inside(name, () =>
      this.run.once(`$${name}`, () => (table.kind === 'geo' ? this.geo(table) : this.map(table))),
    );
  }

  /** Evaluates a variable, which must not need itself for it. */
  private inside(name: string, evaluate: () => readonly Part[]): readonly Part[] {
    if (this.open.has(name)) throw new CannotTell(`$${name} depends on itself`);
    this.open.add(name);
    const value = evaluate();
    this.open.delete(name);
    return value;
  }

  /** Number of segments that the request line was split into; `undefined` while no expression has split it. */
  private get splitInto(): number | undefined {
    return this.run.notes.get(SPLIT) as number | undefined;
  }

  private capture(name: string, parts: readonly Part[]): void {
    this.run.notes.set(`${CAPTURED}${name}`, parts);
  }

  private hasQuery(): boolean {
    if (this.splitInto !== undefined) return this.hasCapturedQuery();
    return this.isWhole && this.run.notes.has(ASKED_SPLITTER);
  }

  /**
   * Whether a value that was computed before is right: nginx has split the request line by then, and keeps nothing that
   * it worked out before.
   */
  private isSplitFor(name: string): boolean {
    if (this.splitters.has(name)) this.run.notes.set(ASKED_SPLITTER, true);
    return !this.readers.has(name) || (this.run.notes.has(ASKED_SPLITTER) && !this.run.notes.has(`$${name}`));
  }

  private input(name: string): readonly Part[] {
    const set = this.directives.variables.get(name);
    if (set) return this.inside(name, () => this.evaluate(set));
    const captured = this.run.notes.get(`${CAPTURED}${name}`) as readonly Part[] | undefined;
    if (captured) return captured;
    switch (name) {
      case 'remote_addr':
        return this.request.peer();
      case 'request_uri':
        return [{ piece: 'request uri' }];
      case 'request_length':
        return this.request.requestLength();
      case 'host':
        throw new CannotTell('$host is used in a way that is not known');
      case 'http_host':
        return this.request.hostHeader();
      case 'http_transfer_encoding':
        return this.request.transferEncoding();
      case 'http_content_length':
        return this.request.contentLength();
      case 'secure_link':
        return [this.secureLink()];
      case 'query':
        return this.hasQuery() ? this.request.query() : [];
      default:
        return name.startsWith('http_')
          ? this.header(name.slice('http_'.length).replaceAll('_', '-'))
          : this.fromLine(name);
    }
  }

  private header(name: string): readonly Part[] {
    const { clientIp } = this.request.world.proxy;
    return clientIp.kind === 'header' && clientIp.header.toLowerCase() === name
      ? [{ piece: 'hops 0' }]
      : this.request.header(name);
  }

  /** Returns a part of the request line; nothing before it was split. */
  private fromLine(name: string): readonly Part[] {
    const [, kind = '', digits = ''] = /^(segment|plain|after|slash)_(\d+)$/.exec(name) ?? [];
    const number = Number(digits);
    if (kind === '' && name !== 'method') {
      if (this.configuration.captured.has(name)) return [];
      throw new CannotTell(`$${name} is not known`);
    }
    if (this.splitInto === undefined) {
      if (this.run.notes.has(ASKED_SPLITTER)) throw new CannotTell(`$${name} is read late`);
      return [];
    }
    return this.otherwise(name, () => this.usualPart(kind, number));
  }

  /** A part of the request line where the usual expression has split it. */
  private usualPart(kind: string, number: number): readonly Part[] {
    if (kind === '') return this.request.method();
    if (kind === 'slash' || kind === 'after') return this.rest(number)[kind];
    if (number > (this.splitInto ?? 0)) return [];
    const segment = this.request.segment(number, this.depth);
    if (kind === 'segment' || segment.length === 0) return segment;
    return [{ later: (run) => (matches(run, segment, NO_CAPITALS()) ? segment : []) }];
  }

  /** Returns the segments after this number of them, and the slash that ends the path. */
  private rest(number: number): Readonly<Record<'after' | 'slash', readonly Part[]>> {
    const { depth } = this;
    const segments: (readonly Part[])[] = [];
    for (let at = number + 1; at <= depth; at++) segments.push(this.request.segment(at, depth));
    const there = segments.filter((segment) => segment.length > 0);
    const last = there.at(-1);
    if (this.request.shape(depth).kind === 'further')
      return { after: [...there.flat(), ...this.request.further(depth)], slash: this.request.slash(depth) };
    if (last && matches(this.run, last, ONE_SLASH())) return { after: there.slice(0, -1).flat(), slash: ['/'] };
    return { after: there.flat(), slash: [] };
  }

  private geo(table: GeoTable): readonly Part[] {
    const { title, source } = table;
    const [address, ...more] = this.evaluate(source);
    // What is no address counts as this one.
    const none: Address = { family: 4, value: 0xffffffffn };
    if (address === undefined || address === '') return [valueIn(table, none)];
    if (more.length > 0 || typeof address === 'string' || !('piece' in address) || !ADDRESS.test(address.piece))
      throw new CannotTell(`${title} looks up something that is no address`);
    const number = Number(address.piece.slice('hop '.length));
    const telling = { of: table, sets: setsIn(table), valueOf: (each: Address) => valueIn(table, each) };
    const own = this.request.hops.tell(number, telling);
    return [own ?? valueIn(table, none)];
  }

  private map(table: MapTable): readonly Part[] {
    const { source } = table;
    if (splitsRequests(table)) return this.split(table);
    if (table.secrets.length > 0) return this.secret(table);
    const marked = source.at(-1);
    if (typeof marked === 'object' && this.isMarks(marked.variable)) return this.marked(table, marked.variable);
    if (source.length === 1 && isVariable(source[0], 'host')) return this.host(table);
    return this.evaluate(this.run.once(rowQuestion(table.name), () => this.rowOf(table)));
  }

  /** Returns the value of the row for the source of a table, after storing what its expression captured. */
  private rowOf(table: MapTable): Template {
    const { title, source } = table;
    const parts = this.evaluate(source);
    if (parts.some((part) => typeof part === 'object' && 'piece' in part && /^hops? /.test(part.piece)))
      return this.hop(table, parts);
    const key = exactRow(this.run, parts, table.keys);
    if (key !== undefined) return table.values.get(key) ?? [];
    for (const row of table.regexes) {
      const language = languageOf(row, title);
      if (matches(this.run, parts, language)) return this.captured(row, parts, table);
    }
    return table.fallback;
  }

  /** Evaluates a table of the name that is asked for, which nginx writes small. */
  private host({ title, keys, values, regexes, fallback }: MapTable): readonly Part[] {
    const parts = this.request.hostName();
    const key = exactRow(this.run, parts, keys);
    if (key !== undefined) return this.evaluate(values.get(key) ?? []);
    if (regexes.some(({ source }) => source.includes('(?<'))) throw new CannotTell(`${title} captures a name`);
    const row = regexes.find((each) => matches(this.run, parts, lowering(languageOf(each, title))));
    return this.evaluate(row?.value ?? fallback);
  }

  private isMarks(name: string): boolean {
    const table = this.configuration.tables.get(name);
    return table?.kind === 'map' && table.marks;
  }

  /** Evaluates a table whose source is a junction, a slash and a segment with marked capital letters. */
  private marked(table: MapTable, name: string): readonly Part[] {
    const marks = this.configuration.tables.get(name);
    const [before, ...others] = this.evaluate(table.source.slice(0, -1));
    if (marks?.kind !== 'map' || typeof before !== 'string' || others.length > 0)
      throw new CannotTell(`${table.title} looks up marked segments in a way that is not known`);
    return this.evaluate(markedRow(this.run, { table, marks, before, segment: this.evaluate(marks.source) }));
  }

  /** Returns the value of a row whose expression matched, after storing what it captured. */
  private captured(row: RegexRow, parts: readonly Part[], table: MapTable): Template {
    const { title } = table;
    const groups = [...row.source.matchAll(/\(\?<([A-Za-z_]\w*)>/g)].map(([, group = '']) => group);
    if (groups.length === 0) return row.value;
    const key = KEY.exec(row.source);
    if (key) {
      const character = matching(`^${key[5]}\\z`, 'pcre');
      if (key[5] !== key[7] || 'problem' in character || !isEmptyLanguage(both(character, KEY_ENDS())))
        throw new CannotTell(`${title} captures a key in a way that is not known`);
      this.capture(key[4] ?? '', this.keyText());
      this.capture(key[6] ?? '', this.keyEnd(key[8] ?? ''));
      return row.value;
    }
    const rest = REST.exec(row.source);
    if (rest) {
      // What precedes the group never ends with a slash, so the group captures the slash at the end wherever there is
      // one.
      const before = matching(`^${rest[1]}\\z`, 'pcre');
      if ('problem' in before || !isEmptyLanguage(both(before, ENDS_WITH_SLASH())))
        throw new CannotTell(`${title} captures in a way that is not known`);
      this.capture(rest[2] ?? '', matches(this.run, parts, ENDS_WITH_SLASH()) ? ['/'] : []);
      return row.value;
    }
    this.captureLonger(row, parts, table);
    return row.value;
  }

  /** Stores what an expression captures of the segments behind the path so far and a blank. */
  private captureLonger(row: RegexRow, [before]: readonly Part[], { title, source }: MapTable): void {
    const third = source[2];
    const [, after] = (typeof third === 'object' && /^after_(\d+)$/.exec(third.variable)) || [];
    const groups = longerGroups(row);
    const isBefore = typeof before === 'string' && /^[^ ]* $/.test(before);
    const isSource = isBefore && source.length === 4 && isVariable(source[3], `slash_${after}`);
    if (!isSource || after === undefined || groups.length === 0)
      throw new CannotTell(`${title} captures in a way that is not known`);
    for (const [index, group] of groups.entries()) {
      if (group === undefined) continue;
      const number = Number(after) + index + 1;
      const isRest = group === `rest_${number}`;
      if (number > this.depth + (isRest ? 1 : 0)) throw new CannotTell(`${title} captures a segment that is too far`);
      if (isRest) this.capture(group, this.rest(number - 1).after);
      else if (group === `segment_${number}`) this.capture(group, this.request.segment(number, this.depth));
      else throw new CannotTell(`${title} captures in a way that is not known`);
    }
  }

  private keyText(): readonly Part[] {
    const callers = this.request.callers();
    return [{ secret: callers.kind === 'known' ? `key ${callers.position} of the caller` : 'another key' }];
  }

  private keyEnd(length: string): readonly Part[] {
    const callers = this.request.callers();
    // `secrets render` writes rows for ends of this length only.
    if (callers.kind === 'text' || length !== SELECTOR_LENGTH) return [{ secret: 'end of no key' }];
    return [{ secret: `end of key ${callers.kind === 'known' ? callers.position : 0} of the caller` }];
  }

  /** Evaluates a table of secrets, as if it had the rows that `secrets render` writes. */
  private secret({ title, source, keys, regexes, secrets, fallback }: MapTable): readonly Part[] {
    const [kind, end] = this.evaluate(source);
    if (keys.keys.length > 0 || regexes.length > 0 || secrets.length !== 1)
      throw new CannotTell(`${title} has rows beside secrets`);
    if (secrets[0] === 'secrets/tokens*.conf') {
      if (typeof kind === 'object' && 'piece' in kind && kind.piece === CALLER && end === undefined)
        return [{ secret: CALLERS_TOKEN }];
      const isKnown =
        typeof kind === 'string' && this.request.world.apiKeys.some(({ id }) => lower(id) === lower(kind));
      return isKnown && end === undefined ? [{ secret: `token of ${kind}` }] : this.evaluate(fallback);
    }
    if (end === undefined) return this.evaluate(fallback);
    const [, position] =
      typeof end === 'object' && 'secret' in end ? (/^end of key (\d+) of the caller$/.exec(end.secret) ?? []) : [];
    if (position === undefined) return this.evaluate(fallback);
    if (kind === 'hash:')
      return [{ secret: `digest of postern:${this.request.world.name}:key ${position} of the caller` }];
    if (kind === 'id:') return [{ piece: CALLER }];
    if (kind === 'position:') return [position === '0' ? 'first' : 'second'];
    throw new CannotTell(`${title} looks up something that is not known`);
  }

  private secureLink(): string {
    const { secureLink, digest } = this.directives;
    if (!secureLink || !digest) return '';
    const [hash, ...more] = this.evaluate(secureLink);
    const [expiry = ''] = more;
    if (more.length > 1 || typeof expiry !== 'string')
      throw new CannotTell('secure_link has more than a hash and a time');
    if (hash === undefined) return '';
    const wanted = this.evaluate(digest);
    const text = `digest of ${wanted.map((part) => (typeof part === 'string' ? part : 'secret' in part ? part.secret : '')).join('')}`;
    if (typeof hash === 'string') {
      // A digest has 22 characters, perhaps with "=" behind them.
      const { length } = hash.replace(/,.*$/s, '');
      if (more.length > 0 || (length >= 22 && length <= 24)) throw new CannotTell('secure_link compares with a text');
      return '';
    }
    if (!('secret' in hash) || hash.secret !== text) return '';
    const [, until] = /^,([1-9][0-9]*)$/.exec(expiry) ?? [];
    if (expiry !== '' && until === undefined) return '';
    return until !== undefined && !this.request.isBefore(Number(until) + 1) ? '0' : '1';
  }

  /** Evaluates the map that splits the request line. */
  private split(table: MapTable): readonly Part[] {
    if (splitsDecoded(table)) {
      decodedPath(this.request, this.depth);
      this.run.notes.set(WITHOUT_QUERY, true);
    }
    for (const { methods, depth, value, other } of splitsOf(table)) {
      const isUsual = matches(this.run, this.request.method(), methods);
      const isOther = other !== undefined && this.isLineIn(other.foundOtherwise());
      if (isUsual === isOther) continue;
      if (depth > this.depth) throw new CannotTell(`${table.title} splits the request line into too many segments`);
      this.run.notes.set(SPLIT, depth);
      if (other) this.run.notes.set(SPLIT_BY, { other, isUsual });
      return this.evaluate(value);
    }
    return this.evaluate(table.fallback);
  }

  /** What a group captures where another expression than the usual one has split the request line. */
  private otherwise(name: string, usual: () => readonly Part[]): readonly Part[] {
    const by = this.run.notes.get(SPLIT_BY) as SplitBy | undefined;
    if (!by) return usual();
    const { other, isUsual } = by;
    if (!this.isLineIn(other.differing(name))) return isUsual ? usual() : [];
    if (!this.isLineIn(other.capturing(name))) return [];
    const number = /^plain_(\d+)$/.exec(name)?.[1];
    if (number !== undefined && !this.isLineIn(other.differingFromSegment(name)))
      return this.request.segment(Number(number), this.depth);
    throw new CannotTell(`${other.title} captures $${name} in a way that is not known`);
  }

  private isLineIn(language: Language): boolean {
    const line = this.request.line(this.depth);
    return line !== undefined && matches(this.run, line, language);
  }

  /** Whether the query has been captured, if only an empty one. */
  hasCapturedQuery(): boolean {
    if (this.splitInto === undefined || this.run.notes.has(WITHOUT_QUERY)) return false;
    if (this.request.shape(this.depth).kind === 'other') return false;
    return this.otherwise('query', () => ['query']).length > 0;
  }

  /** Evaluates a map that takes the last address off a list in a header, or looks whether there is such an address. */
  private hop({ title, keys, regexes, values, fallback }: MapTable, parts: readonly Part[]): Template {
    const [part] = parts;
    if (parts.length > 1 || typeof part !== 'object' || !('piece' in part))
      throw new CannotTell(`${title} looks into an address`);
    const number = Number(part.piece.replace(/^hops? /, ''));
    if (ADDRESS.test(part.piece)) {
      if (regexes.length > 0 || keys.keys.some((key) => key !== ''))
        throw new CannotTell(`${title} looks into an address`);
      return this.request.hops.isThere(number) ? fallback : (values.get('') ?? fallback);
    }
    const [row] = regexes;
    const [, left = '', address = '', language = ''] = HOP.exec(row?.source ?? '') ?? [];
    const known = matching(`^(?:${language})\\z`, 'pcre');
    if (!row || regexes.length > 1 || keys.keys.length > 0 || 'problem' in known || known !== addresses())
      throw new CannotTell(`${title} reads addresses in a way that is not known`);
    if (!this.request.hops.isThere(number + 1)) return fallback;
    this.capture(left, [{ piece: `hops ${number + 1}` }]);
    this.capture(address, [{ piece: `hop ${number + 1}` }]);
    return row.value;
  }
}
