import { TOKEN_SOURCE } from '../../policy/request.ts';
import { capturedIn } from '../../prove/captures.ts';
import { anyOf, CannotTell, just, matches, type Part, pieceOf, type Run } from '../../prove/explore.ts';
import type { FirstRow } from '../../prove/firstRow.ts';
import { includes, type Language, settled, stateAfter, without } from '../../prove/language.ts';
import { lazily } from '../../prove/lazily.ts';
import { onlyText, wholly } from '../../prove/matching.ts';
import { numberOf } from '../../prove/numberOf.ts';
import { CALLER, CALLERS_TOKEN, CLIENT, type SymbolicRequest } from '../../prove/request.ts';
import {
  type Condition,
  type Handler,
  isAbsence,
  type MapRow,
  type MapTable,
  type Matcher,
  type Network,
  type Template,
  templateOf,
} from './handlers.ts';
import {
  firstRowOf,
  hopOf,
  hostLanguage,
  ipv4Texts,
  keysIn,
  languageOf,
  rowLanguage,
  rowOptions,
  spellingsIn,
  wildcard,
} from './lookups.ts';
import { isDecodedIn, ofDecodedPath, ofTarget } from './pathTables.ts';
import { headerIn, isNobodys } from './placeholders.ts';
import { checkOrder, cutName, type Scope } from './scope.ts';
import { type Came, noteRow } from './trace.ts';

/** Something that does not follow from method and path alone. */
export class NotOfTarget extends CannotTell {}

export interface Sight {
  /** Method and path may be looked at, and nothing else. */
  readonly targetOnly: boolean;
  /** Values that were worked out of method and path before, by handler and name. */
  readonly cuts: ReadonlyMap<string, string>;
  /** The last handler that sets the client. */
  readonly finder?: Handler | undefined;
}

/** In shorter tables, row by row is as fast. */
const LONG_TABLE = 8;

/** Noted in a run: the pieces that nobody may look into, and whether a header is there. */
const [OPAQUE, THERE] = ['opaque', 'there '] as const;
const GIVEN_KEY = 'the key';
/** Among what is worked out of a target: "OPTIONS", or "" for any other method. */
export const METHOD = 'method';
export const OPTIONS = lazily(() => wholly('OPTIONS'));
const ANOTHER_METHOD = lazily(() => without(wholly(TOKEN_SOURCE), OPTIONS()));
const PORT = lazily(() => wholly('(?::[0-9]*)?'));
const FILLED = lazily(() => wholly('(?:.|\\n)+'));
const ADDRESS = /^hop (\d+)$/;
const TOKEN = lazily(() => wholly('[A-Za-z0-9._~+/=-]+'));

/** What placeholders are worth for the requests of one way. Caddy works them out anew each time; for one way that is the same. */
export class Meaning {
  readonly run: Run;
  readonly request: SymbolicRequest;
  readonly sight: Sight;
  /** Placeholders that are being worked out. */
  private readonly open = new Set<string>();
  /** Of the answer to an error. */
  status = '';

  constructor(request: SymbolicRequest, sight: Sight) {
    this.request = request;
    this.run = request.run;
    this.sight = sight;
  }

  evaluate(template: Template, scope: Scope): readonly Part[] {
    return template.map((part) => (typeof part === 'string' ? part : { later: () => this.value(part.name, scope) }));
  }

  /** With nothing left for later, and texts joined. */
  resolved(parts: readonly Part[]): readonly Part[] {
    const found: Part[] = [];
    for (const part of parts) {
      const own = typeof part === 'object' && 'later' in part ? this.resolved(part.later(this.run)) : [part];
      for (const each of own) {
        const last = found.at(-1);
        if (typeof each === 'string' && typeof last === 'string') found[found.length - 1] = last + each;
        else if (each !== '') found.push(each);
      }
    }
    return found;
  }

  text(template: Template, scope: Scope, what: string): string {
    const parts = this.resolved(this.evaluate(template, scope));
    if (parts.some((part) => typeof part !== 'string')) throw new CannotTell(`${what} is not one of a few texts`);
    return parts.join('');
  }

  value(name: string, scope: Scope): readonly Part[] {
    const question = `{${name}} ${numberOf(scope)}`;
    if (this.open.has(question)) throw new CannotTell(`{${name}} depends on itself`);
    return this.run.once(question, () => {
      this.open.add(question);
      const found = this.resolved(this.find(name, scope));
      this.open.delete(question);
      return found;
    });
  }

  private find(name: string, scope: Scope): readonly Part[] {
    if (isNobodys(name, scope)) return [];
    const variable = /^http\.vars\.(.+)$/.exec(name)?.[1];
    if (variable !== undefined) return this.variable(variable, scope);
    if (name.startsWith('http.') || name.startsWith('time.')) return this.input(name);
    const table = scope.tables.find((each) => each.name === name);
    if (table) return this.map(table, scope);
    if (name === 'key.found' && scope.secrets) return this.secrets(scope);
    throw new CannotTell(`{${name}} is not known`);
  }

  variable(name: string, scope: Scope): readonly Part[] {
    const { last } = scope;
    if (name === 'client_ip' && (!last || this.request.world.isDirect)) return this.foundClient(scope);
    if (!last) return [];
    const value = last.handler.values.get(name);
    if (!value) return this.variable(name, last.scope);
    if (this.request.world.isDirect && last.handler.values.has('client_ip'))
      throw new CannotTell(`{http.vars.${name}} tells how the client was found`);
    const cut = this.sight.cuts.get(cutName(last.handler, name));
    if (cut !== undefined) return cut === '' ? [] : [cut];
    if (!this.all(last.handler.condition, last.scope)) return this.variable(name, last.scope);
    checkOrder(last);
    return this.evaluate(value, last.scope);
  }

  /** The client, which is known once all that finds it is done. */
  private foundClient(scope: Scope): readonly Part[] {
    this.looksBeyondTarget('the client');
    const { finder } = this.sight;
    let { last } = scope;
    while (last && !last.handler.values.has('client_ip')) last = last.scope.last;
    if (this.request.world.isDirect && last?.handler !== finder)
      throw new CannotTell('the client is looked at before it is found');
    return CLIENT;
  }

  looksBeyondTarget(what: string): void {
    if (this.sight.targetOnly) throw new NotOfTarget(what);
  }

  private input(name: string): readonly Part[] {
    if (name === 'http.request.method') return this.method();
    this.looksBeyondTarget(name);
    const header = headerIn(name);
    if (header !== undefined) return this.header(header);
    if (name === 'http.request.orig_uri.query') return this.request.query();
    if (name === 'http.request.hostport') return this.request.hostHeader();
    if (name === 'http.request.host') return this.hostName();
    if (name === 'time.now.unix') return this.request.moment();
    if (name === 'http.error.status_code' && this.status !== '') return [this.status];
    throw new CannotTell(`{${name}} is not known`);
  }

  /** Without a port. */
  private hostName(): readonly Part[] {
    const [host, ...after] = this.request.hostHeader();
    if (host === undefined || after.length === 0 || !matches(this.run, after, PORT()))
      throw new CannotTell('{http.request.host} of what is no name');
    return [host];
  }

  /** Once method and path have been looked at, all that is left to see is whether it is OPTIONS. */
  private method(): readonly Part[] {
    if (this.sight.targetOnly) return this.request.method();
    if (!this.request.world.proxy.cors) throw new CannotTell('the method is looked at too late');
    return this.sight.cuts.get(METHOD) === '' ? this.opaque('another method', ANOTHER_METHOD()) : ['OPTIONS'];
  }

  /** A piece that nobody may look into. */
  opaque(name: string, language: Language): readonly Part[] {
    if (!this.run.pieces.has(name)) this.run.pieces.set(name, anyOf(language));
    this.run.notes.set(OPAQUE, new Map(this.opaques()).set(name, language));
    return [{ piece: name }];
  }

  private opaques(): ReadonlyMap<string, Language> {
    return (this.run.notes.get(OPAQUE) ?? new Map()) as ReadonlyMap<string, Language>;
  }

  private header(name: string): readonly Part[] {
    const { clientIp } = this.request.world.proxy;
    // Not every release passes them on.
    if (name.includes('_')) throw new CannotTell(`the header ${name} is looked at`);
    if (clientIp.kind === 'header' && clientIp.header.toLowerCase() === name)
      throw new CannotTell(`the header ${name} is looked at`);
    // Go takes it out of the headers.
    if (name === 'transfer-encoding' || name === 'host') return [];
    return name === 'content-length' ? this.request.contentLength() : this.request.header(name);
  }

  private map(table: MapTable, scope: Scope): readonly Part[] {
    const [only, ...more] = table.source;
    const single = typeof only === 'object' && more.length === 0 ? only.name : undefined;
    if (single === 'http.request.orig_uri') return ofTarget(table, scope, this);
    if (single === 'http.request.uri.path') return ofDecodedPath(table, scope, this);
    const { clientIp } = this.request.world.proxy;
    if (clientIp.kind === 'header' && headerIn(single ?? '') === clientIp.header.toLowerCase()) {
      this.looksBeyondTarget('an address');
      const number = hopOf(table) + 1;
      return this.request.hops.isThere(number) ? [{ piece: `hop ${number}` }] : [];
    }
    const parts = this.evaluate(table.source, scope);
    const row = this.rowOf(table, parts, scope);
    if (row === undefined) return this.evaluate(templateOf(table.fallback, table.place), scope);
    const { source, output } = row;
    if (source === undefined) return this.evaluate(templateOf(output, table.place), scope);
    return output.includes('$')
      ? this.expanded({ source, output, parts, language: rowLanguage(row, table) }, table)
      : [output];
  }

  /** The first row that fits, or another one that means the same text. */
  private rowOf(table: MapTable, parts: readonly Part[], scope: Scope): MapRow | undefined {
    const search = table.rows.length >= LONG_TABLE && parts.length === 1 ? firstRowOf(table) : undefined;
    const [part = '', ...others] = search ? this.resolved(parts) : [];
    const found = search && others.length === 0 ? this.rowAtOnce(table, search, part) : undefined;
    const row = found ? found.row : table.rows.find((each) => this.matches(parts, rowLanguage(each, table)));
    // Of a row that was found at once, another one that means the same may be the first.
    this.came(table, row ? (found ? 'several' : row) : 'default', scope);
    return row;
  }

  came(table: MapTable, row: Came, scope: Scope): void {
    if (this.request.world.isExact) noteRow(this.run, table, row, scope);
  }

  private rowAtOnce(table: MapTable, search: FirstRow, part: Part): { readonly row: MapRow | undefined } | undefined {
    const at = (row: number | undefined) => ({ row: row === undefined ? undefined : table.rows[row] });
    if (typeof part === 'string') return at(search.of(part));
    if (!('piece' in part) || this.opaques().has(part.piece)) return undefined;
    const { language, except, only } = pieceOf(this.run, part.piece);
    if (only !== undefined) return at(search.of(only));
    if (except.size > 0) return undefined;
    return this.run.once(`row ${part.piece} ${numberOf(search)}`, () => {
      const { row, own } = this.run.choose(rowOptions(table, search, language));
      this.run.pieces.set(part.piece, anyOf(own));
      return at(row);
    });
  }

  matches(parts: readonly Part[], language: Language): boolean {
    const piece = this.pieceIn(parts);
    const [, hop] = ADDRESS.exec(piece ?? '') ?? [];
    if (hop !== undefined) return this.request.hops.isIn(Number(hop), ipv4Texts(language));
    const isDecoded = isDecodedIn(piece, language, this);
    if (isDecoded !== undefined) return isDecoded;
    const isMatch = matches(this.run, parts, language);
    for (const [name, own] of this.opaques()) {
      const { language: left, except, only } = pieceOf(this.run, name);
      if (left !== own || except.size > 0 || only !== undefined) throw new CannotTell(`${name} is looked into`);
    }
    return isMatch;
  }

  /** The piece that all of a text is; `undefined` for none. */
  private pieceIn(parts: readonly Part[]): string | undefined {
    const [part, ...others] = parts.length === 1 ? this.resolved(parts) : [];
    return typeof part === 'object' && 'piece' in part && others.length === 0 ? part.piece : undefined;
  }

  /** `$1`, `${1}` and `$$`, as Go expands them. */
  private expanded({ source, output, parts, language }: Matched, table: MapTable): readonly Part[] {
    const [seen, goesOn] = this.seen(parts, language);
    const keys = keysIn(source);
    if (keys && output === '$1') return this.opaque(GIVEN_KEY, keys);
    const pieces = output.split(/(\$\$|\$\{?\w+\}?)/);
    return pieces.flatMap((piece): readonly Part[] => {
      if (piece === '$$') return ['$'];
      const [, group] = /^\$(?:(\d+)|\{(\d+)\})$/.exec(piece)?.slice(0, 2) ?? /^(\$)\{(\d+)\}$/.exec(piece) ?? [];
      if (piece.includes('$') && group === undefined) throw new CannotTell(`${table.place}: "${output}" is not known`);
      return group === undefined ? [piece] : capturedIn(this.run, { source, parts: seen, goesOn }, Number(group));
    });
  }

  /** The parts that it takes to see that a text is one of a language, and whether more follow. */
  private seen(parts: readonly Part[], language: Language): readonly [readonly Part[], boolean] {
    const left = [...parts];
    const seen: Part[] = [];
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      if (typeof part === 'object' && 'later' in part) left.unshift(...part.later(this.run));
      else seen.push(part);
      // All pieces have been narrowed, so that any text of theirs leads to the same state.
      const plain = seen.every((each) => typeof each === 'string') ? seen.join('') : undefined;
      const state = plain === undefined ? undefined : stateAfter(language, plain);
      if (left.length > 0 && state !== undefined && settled(language, state) === true) return [seen, true];
    }
    return [this.resolved(seen), false];
  }

  /** What the secrets say of a key: whose it is, which of its keys, and its token. */
  private secrets(scope: Scope): readonly Part[] {
    const [part, ...more] = this.value('key.given', scope);
    if (part === undefined) return [];
    if (typeof part !== 'object' || !('piece' in part) || part.piece !== GIVEN_KEY || more.length > 0)
      throw new CannotTell('the secrets are asked for something that is no key');
    const callers = this.request.callers();
    if (callers.kind !== 'known' && callers.kind !== 'followed') return [];
    if (!this.run.pieces.has(CALLERS_TOKEN)) this.run.pieces.set(CALLERS_TOKEN, anyOf(TOKEN()));
    return [{ piece: CALLER }, ` ${callers.position === 0 ? 'first' : 'second'} `, { piece: CALLERS_TOKEN }];
  }

  all(condition: Condition, scope: Scope): boolean {
    const others = condition.filter((matcher) => !isAbsence(matcher));
    if (this.request.world.isExact || condition.length - others.length < 2)
      return condition.every((matcher) => this.one(matcher, scope));
    if (!others.every((matcher) => this.one(matcher, scope))) return false;
    // What goes on where one of many headers is there goes on for requests without any, too.
    const absent = condition.filter(isAbsence).map(({ key }) => key);
    const known = absent.every((name) => this.run.notes.get(`${THERE}${name}`) === false);
    if (!known && !this.run.once(`none of ${absent.join()}`, () => this.run.choose([true, false]))) return false;
    for (const name of absent) {
      if (known) break;
      if (!this.narrowToNothing(name)) return false;
    }
    return true;
  }

  private narrowToNothing(name: string): boolean {
    if (name === 'transfer-encoding' || name === 'content-length') return this.hasHeader(name, undefined);
    this.looksBeyondTarget(`the header ${name}`);
    const [part] = this.header(name);
    if (typeof part !== 'object' || !('piece' in part)) return !this.isThere(name);
    const piece = pieceOf(this.run, part.piece);
    if (piece.only === '' || (piece.only === undefined && includes(piece.language, '') && !piece.except.has(''))) {
      this.run.pieces.set(part.piece, just(''));
      this.run.notes.set(`${THERE}${name}`, false);
      return true;
    }
    return false;
  }

  private one(matcher: Matcher, scope: Scope): boolean {
    switch (matcher.kind) {
      case 'not':
        return !this.all(matcher.all, scope);
      case 'any':
        return matcher.of.some((each) => this.one(each, scope));
      case 'vars': {
        const value = this.varsValue(matcher.key, scope);
        return matcher.values.some((text) => this.isText(value, text));
      }
      case 'vars_regexp':
        return this.matches(this.varsValue(matcher.key, scope), languageOf(matcher.source, 'vars_regexp'));
      case 'header':
        return this.hasHeader(matcher.key, matcher.value);
      case 'header_regexp': {
        this.looksBeyondTarget(`the header ${matcher.key}`);
        const value = matcher.key === 'host' ? this.request.hostHeader() : this.header(matcher.key);
        return matches(this.run, value, languageOf(matcher.source, 'header_regexp'));
      }
      case 'client_ip':
        return this.isClientIn(matcher.networks, scope);
      case 'host':
        this.looksBeyondTarget('the host');
        return matches(this.run, this.request.hostHeader(), hostLanguage(matcher.names));
      case 'unknown':
        throw new CannotTell(`a matcher is not known: ${matcher.what}`);
    }
  }

  private varsValue(key: string, scope: Scope): readonly Part[] {
    const [, placeholder] = /^\{([\w.-]+)\}$/.exec(key) ?? [];
    if (placeholder === undefined && /[{}]/.test(key)) throw new CannotTell(`the variable ${key} is not known`);
    return this.value(placeholder ?? `http.vars.${key}`, scope);
  }

  private isText(value: readonly Part[], text: string): boolean {
    if (/[{}]/.test(text)) throw new CannotTell('a variable is compared with another one');
    return this.matches(value, onlyText(text));
  }

  private hasHeader(name: string, wanted: string | undefined): boolean {
    this.looksBeyondTarget(`the header ${name}`);
    if (name === 'transfer-encoding' || name === 'content-length') {
      const isThere = this.request.body() === (name === 'content-length' ? 'length' : 'chunked');
      if (wanted === undefined || wanted === '*') return isThere === (wanted === '*');
      if (!isThere || name === 'transfer-encoding') return isThere && includes(wildcard(wanted), 'chunked');
    } else if (wanted === undefined || wanted === '*') return this.isThere(name) === (wanted === '*');
    const parts = name === 'host' ? this.request.hostHeader() : this.header(name);
    if (/[{}]/.test(wanted)) throw new CannotTell(`the header ${name} is looked at in a way that is not known`);
    if (wanted.includes('*')) return this.isThere(name) && matches(this.run, parts, wildcard(wanted));
    if (wanted === '') return this.isThere(name) && this.isEmptyHeader(name);
    return matches(this.run, parts, onlyText(wanted));
  }

  isEmptyHeader(name: string): boolean {
    return !matches(this.run, this.header(name), FILLED());
  }

  /** An empty header is there too. */
  private isThere(name: string): boolean {
    if (name === 'host') return matches(this.run, this.request.hostHeader(), FILLED());
    if (!this.isEmptyHeader(name)) return true;
    return this.run.once(`${THERE}${name}`, () => this.request.isSentEmpty(name));
  }

  private isClientIn(networks: readonly Network[], scope: Scope): boolean {
    const { hops, world } = this.request;
    const hop = this.clientHop(scope);
    if (hop === undefined) return false;
    const sets = networks.map(({ set }) => set);
    const held = hops.tell(hop, { of: networks, sets, valueOf: (address) => spellingsIn(networks, address) });
    if (held !== 'plain' && held !== 'long') return held === 'both';
    // A header may spell an IPv4 address as an IPv6 one.
    const isOfHeader = world.proxy.clientIp.kind === 'header' && (hop > 0 || world.isDirect);
    const isLong = isOfHeader && hops.isSpelledLong();
    return isLong === (held === 'long');
  }

  /** Which address a variable holds; `undefined` where it holds none. */
  clientHop(scope: Scope): number | undefined {
    this.looksBeyondTarget('the client');
    const [part, ...more] = this.value('http.vars.client_ip', scope);
    if (part === undefined) return undefined;
    const number = typeof part === 'object' && 'piece' in part ? ADDRESS.exec(part.piece)?.[1] : undefined;
    if (number === undefined || more.length > 0) throw new CannotTell('the client is no address');
    return this.request.hops.isThere(Number(number)) ? Number(number) : undefined;
  }
}

interface Matched {
  readonly source: string;
  readonly output: string;
  readonly parts: readonly Part[];
  readonly language: Language;
}
