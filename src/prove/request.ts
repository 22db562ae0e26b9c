import { type Address, contains, toCidrs } from '../policy/cidr.ts';
import { grouped } from '../policy/grouped.ts';
import { credentialText, keySource } from '../policy/key.ts';
import {
  clientAddress,
  credentialOf,
  type HeaderFields,
  headBytesOf,
  type ProxyRequest,
  TOKEN_SOURCE,
} from '../policy/request.ts';
import type { ApiKey } from '../policy/types.ts';
import { anyOf, CannotTell, exampleOf, isText, leastOf, matches, type Part, pieceOf, type Run } from './explore.ts';
import { Hops, type Ways } from './hops.ts';
import { type Language, without } from './language.ts';
import { lazily } from './lazily.ts';
import { NOTHING, wholly } from './matching.ts';
import { atMost, closest } from './numbers.ts';
import { pieceOfTexts } from './texts.ts';

/** Texts that the value of a header can be; engines remove the blanks around it. */
const VALUE = lazily(() => wholly('(?:[!-~\x80-\xff](?:[\\t -~\x80-\xff]*[!-~\x80-\xff])?)?'));
const NAMED_HOST = lazily(() => wholly('[A-Za-z0-9._-]*[A-Za-z0-9_-][.]?(?::[^\\n]*)?'));
const GO_HOST = "[A-Za-z0-9!$%&'()*+,.:;=\\[\\]_~-]*";
const PORT = '[.]?(?::[0-9]*)?';
const GO_TARGET_PATH = '/(?:[!-$&->@-~\x80-\xff]|%[0-9A-Fa-f]{2})*|[A-Za-z][A-Za-z0-9+.-]*:[!->@-~\x80-\xff]*|[*]';
const OF_KEYS = '[A-Za-z0-9._~+/=-]';
/** What is no part of a key, no blank, and no comma. */
const NEITHER = '[!-*:-<>?@\\[-^`{-}\x80-\xff]';
const UNIVERSES = {
  method: lazily(() => wholly('[A-Z_-]+')),
  token: lazily(() => wholly(TOKEN_SOURCE)),
  /** Go refuses all others by itself: an escape that is none, and what neither begins with a slash nor names a scheme. */
  goPath: lazily(() => wholly(GO_TARGET_PATH)),
  query: lazily(() => wholly('[!-~\x80-\xff]*')),
  markedQuery: lazily(() => wholly('(?:[?][!-~\x80-\xff]*)?')),
  segment: lazily(() => wholly('/[!-.0->@-~\x80-\xff]+')),
  lastSegment: lazily(() => wholly('/[!-.0->@-~\x80-\xff]*')),
  furtherSegments: lazily(() => wholly('(?:/[!-.0->@-~\x80-\xff]+)+')),
  length: lazily(() => wholly('[1-9][0-9]{1,7}')),
  host: lazily(() => wholly('[A-Za-z0-9._-]*[A-Za-z0-9_-]')),
  /** With the dot of the root before it. */
  port: lazily(() => wholly(PORT)),
  oddHost: lazily(() => without(VALUE(), NAMED_HOST())),
  /** Behind a name, what engines take for a port. */
  oddPort: lazily(() => without(wholly('[.]?:[\\t -~\x80-\xff]*[!-~\x80-\xff]'), wholly(PORT))),
  /** Go refuses all others by itself. */
  goHost: lazily(() => without(wholly(GO_HOST), NAMED_HOST())),
  goPort: lazily(() => without(wholly(`[.]?:${GO_HOST}`), wholly(PORT))),
  contentLength: lazily(() => wholly('[0-9]+')),
  chunked: lazily(() => wholly('(?i)chunked')),
  /** A key, perhaps followed by another value of the same header. */
  key: lazily(() => wholly(`${keySource()}(?:[ \\t]*,(?:[\\t -~\x80-\xff]*[!-~\x80-\xff])?)?`)),
  /** A key with something behind it that makes it none. */
  followedKey: lazily(() =>
    wholly(`${keySource()}(?:[ \\t]*${NEITHER}|[ \\t]+${OF_KEYS})(?:[\\t -~\x80-\xff]*[!-~\x80-\xff])?`),
  ),
  header: VALUE,
} as const;

export type Universe = keyof typeof UNIVERSES;

/**
 * The shape of a request line: a number of segments, the last of which may be empty; more segments than are looked up
 * one by one; or anything else.
 */
export type LineShape =
  | { readonly kind: 'segments'; readonly count: number }
  | { readonly kind: 'further'; readonly after: boolean; readonly slash: boolean }
  /** Absolute form, `*`, or an empty segment before the end. No pattern matches it. */
  | { readonly kind: 'other' };

/** What Host is: a name, perhaps with a port; anything else; or a name and a colon with no port behind it. */
type HostKind = 'name' | 'odd' | 'odd port';

/**
 * The caller: a header that is no key or an unknown one, one of some known keys that the spec treats alike, such a key
 * with something behind it that makes it none, or a key with the same end as one of them.
 */
export type Callers =
  | { readonly kind: 'text' }
  | { readonly kind: 'followed'; readonly keys: readonly ApiKey[]; readonly position: number }
  | { readonly kind: 'known'; readonly keys: readonly ApiKey[]; readonly position: number }
  | { readonly kind: 'alike'; readonly keys: readonly ApiKey[] };

/** One of them. */
export type Caller =
  | { readonly kind: 'text' }
  | { readonly kind: 'followed'; readonly key: ApiKey; readonly position: number }
  | { readonly kind: 'known'; readonly key: ApiKey; readonly position: number }
  | { readonly kind: 'alike'; readonly key: ApiKey };

/** A request with what it takes to send it. */
export interface ExampleRequest extends ProxyRequest {
  /** The address of the connection. */
  readonly peer: Address;
  readonly caller: Caller;
  /** What the key header holds, with any key in place of a known one; "" where there is no such header. */
  readonly keyText: string;
  /** Whether the files and the spec decide it alike at the time of the proof and at `at`. */
  readonly isNow: boolean;
  readonly body: 'none' | 'chunked' | 'length';
}

/** What requests have to be told apart for an engine and its files. */
export interface Distinctions {
  /** What the engine accepts as a method: capitals, or any word of HTTP. */
  readonly methods: 'method' | 'token';
  /** What the engine accepts as Host beside names. */
  readonly oddHosts: 'odd' | 'go';
  /** Whether the files look up the end of a key, so that a key with the same end is a case of its own. */
  readonly looksAtEnds: boolean;
  /** Whether the files may take a key with anything behind it for that key. */
  readonly takesFollowed: boolean;
}

export interface World extends Distinctions, Ways {
  /** Name of the spec, with which keys are hashed. */
  readonly name: string;
  readonly apiKeys: readonly ApiKey[];
  readonly callers: readonly Callers[];
  /** When this is proved, in seconds since 1970. */
  readonly now: number;
  /** When requests come, likewise, in digits. */
  readonly moments: Language;
  /** Whether a way through has to be one that its requests go; otherwise it may stand for a few more. */
  readonly isExact: boolean;
}

/** The address of the client, once it is found. */
export const CLIENT: readonly Part[] = [{ piece: 'hop 0' }];
/** Name of the piece that is the address of the connection, where that may be another one. */
export const PEER = 'the peer of the connection';
/** Behind a header that is copied: it is sent even where it has no value, or did not come. */
export const EVEN_EMPTY: Part = { piece: 'even without a value' };
/** Name of the piece that is the id of a known caller. */
export const CALLER = 'caller';
/** What goes upstream for it. */
export const CALLERS_TOKEN = 'token of the caller';
const MOMENT = 'moment';

/** The address of the connection, which is that of the client where no header says another. */
export function peerIn({ proxy }: Pick<World, 'proxy'>): readonly Part[] {
  return proxy.clientIp.kind === 'header' ? [{ piece: PEER }] : CLIENT;
}

/** Returns the kinds of callers: the spec treats the keys of one alike. */
export function callersOf(
  keys: readonly ApiKey[],
  { looksAtEnds, takesFollowed }: Pick<Distinctions, 'looksAtEnds' | 'takesFollowed'>,
): readonly Callers[] {
  const kinds = grouped(keys, ({ groups, allGroups, ranges, expires, keys: { length } }) =>
    JSON.stringify([groups, allGroups, ranges && toCidrs(ranges), expires, length]),
  );
  const known = [...kinds.values()].flatMap((alike): Callers[] => [
    ...(alike[0]?.keys ?? []).map((_, position) => ({ kind: 'known' as const, keys: alike, position })),
    ...(takesFollowed ? (alike[0]?.keys ?? []) : []).map((_, position) => ({
      kind: 'followed' as const,
      keys: alike,
      position,
    })),
    ...(looksAtEnds ? [{ kind: 'alike' as const, keys: alike }] : []),
  ]);
  return [{ kind: 'text' }, ...known];
}

/** A request about which nothing is decided until something looks at it. */
export class SymbolicRequest {
  readonly run: Run;
  readonly world: World;
  readonly hops: Hops;

  constructor(run: Run, world: World) {
    this.run = run;
    this.world = world;
    this.hops = new Hops(run, world);
  }

  private piece(name: string, universe: Universe): readonly Part[] {
    if (!this.run.pieces.has(name)) this.run.pieces.set(name, anyOf(UNIVERSES[universe]()));
    return [{ piece: name }];
  }

  /**
   * The address of the connection. Once the client is found, which is the first address from then on, nobody may look at
   * another one.
   */
  peer(): readonly Part[] {
    const { isDirect, proxy } = this.world;
    if (isDirect && proxy.clientIp.kind === 'header')
      throw new CannotTell('the address of the connection is looked at in place of that of the client');
    return CLIENT;
  }

  method(): readonly Part[] {
    return this.piece('method', this.world.methods);
  }

  query(): readonly Part[] {
    this.refuseTwice('marked query');
    return this.piece('query', 'query');
  }

  /** The query with its mark and without are two pieces, which one request cannot hold. */
  private refuseTwice(other: 'query' | 'marked query'): void {
    if (this.run.pieces.has(other)) throw new CannotTell('the query is looked at with its mark and without');
  }

  /** The order of the shapes is that of what most tables look up first. */
  shape(depth: number): LineShape {
    const shapes: LineShape[] = [{ kind: 'other' }];
    for (let count = 1; count <= depth; count++) shapes.push({ kind: 'segments', count });
    for (const [after, slash] of [
      [true, false],
      [true, true],
      [false, true],
    ] as const)
      shapes.push({ kind: 'further', after, slash });
    return this.run.once('shape', () => this.run.choose(shapes));
  }

  /** Returns a segment with the slash before it; "" where the path has no such segment. */
  segment(number: number, depth: number): readonly Part[] {
    const shape = this.shape(depth);
    if (shape.kind === 'other') return [];
    const count = shape.kind === 'segments' ? shape.count : depth;
    if (number > count) return [];
    const isLast = number === count && shape.kind === 'segments';
    return this.piece(`segment ${number}`, isLast ? 'lastSegment' : 'segment');
  }

  further(depth: number): readonly Part[] {
    const shape = this.shape(depth);
    return shape.kind === 'further' && shape.after ? this.piece('further', 'furtherSegments') : [];
  }

  slash(depth: number): readonly Part[] {
    const shape = this.shape(depth);
    return shape.kind === 'further' && shape.slash ? ['/'] : [];
  }

  /** All segments of the path; `undefined` where it has another shape. */
  path(depth: number): readonly Part[] | undefined {
    if (this.shape(depth).kind === 'other') return undefined;
    const segments = Array.from({ length: depth }, (_, index) => this.segment(index + 1, depth));
    return [...segments.flat(), ...this.further(depth), ...this.slash(depth)];
  }

  /** The request line; `undefined` where it has another shape. What stands behind the path is told apart last. */
  line(depth: number): readonly Part[] | undefined {
    const path = this.path(depth);
    if (!path) return undefined;
    const query = () => (matches(this.run, this.query(), NOTHING()) ? [] : ['?', ...this.query()]);
    return [...this.method(), ' ', ...path, { later: query }, ' HTTP/1.1'];
  }

  /** The path as one piece, or what stands in place of one. */
  wholePath(): readonly Part[] {
    return this.piece('path', 'goPath');
  }

  /** The query with the question mark before it, which may also stand alone. */
  markedQuery(): readonly Part[] {
    this.refuseTwice('query');
    return this.piece('marked query', 'markedQuery');
  }

  requestLength(): readonly Part[] {
    return this.piece('length', 'length');
  }

  /** Returns the name that Host begins with, up to a colon; "" where it does not begin with one. */
  hostName(): readonly Part[] {
    return this.hostKind() === 'odd' ? [''] : this.piece('host', 'host');
  }

  hostHeader(): readonly Part[] {
    const kind = this.hostKind();
    if (kind === 'odd') return this.piece('odd host', `${this.world.oddHosts}Host`);
    const after = kind === 'name' ? this.piece('port', 'port') : this.piece('odd port', `${this.world.oddHosts}Port`);
    return [...this.piece('host', 'host'), ...after];
  }

  private hostKind(): HostKind {
    return this.run.once('host kind', () => this.run.choose<HostKind>(['name', 'odd', 'odd port']));
  }

  body(): 'none' | 'chunked' | 'length' {
    return this.run.once('body', () => this.run.choose(['none', 'chunked', 'length'] as const));
  }

  transferEncoding(): readonly Part[] {
    return this.body() === 'chunked' ? this.piece('chunked', 'chunked') : [];
  }

  contentLength(): readonly Part[] {
    return this.body() === 'length' ? this.piece('content-length', 'contentLength') : [];
  }

  header(name: string): readonly Part[] {
    if (name === this.world.proxy.apiKeyHeader.toLowerCase()) return this.keyHeader();
    return this.piece(`header ${name}`, 'header');
  }

  /** Whether a header without a value is sent nevertheless. */
  isSentEmpty(name: string): boolean {
    return this.run.once(`empty ${name}`, () => this.run.choose([false, true]));
  }

  callers(): Callers {
    return this.run.once('callers', () => {
      const callers = this.run.choose(this.world.callers);
      if (callers.kind !== 'text') this.run.pieces.set(CALLER, pieceOfTexts(callers.keys.map(({ id }) => id)));
      return callers;
    });
  }

  /** Of all of them, the one that stands for those that are left. */
  private caller(): Caller {
    const callers = (this.run.notes.get('callers') ?? { kind: 'text' }) as Callers;
    if (callers.kind === 'text') return callers;
    const id = this.exampleText(CALLER);
    const key = callers.keys.find((each) => each.id === id);
    if (!key) throw new Error(`no key is ${id}`);
    return callers.kind === 'alike'
      ? { kind: callers.kind, key }
      : { kind: callers.kind, key, position: callers.position };
  }

  private keyHeader(): readonly Part[] {
    const scheme = credentialText(this.world.proxy.apiKeyScheme, '');
    const { kind } = this.callers();
    if (kind === 'text' || kind === 'alike') return this.piece('key', 'header');
    return [scheme, ...this.piece('key', kind === 'known' ? 'key' : 'followedKey')];
  }

  /** Seconds since 1970. */
  moment(): readonly Part[] {
    if (!this.run.pieces.has(MOMENT)) this.run.pieces.set(MOMENT, anyOf(this.world.moments));
    return [{ piece: MOMENT }];
  }

  /** Whether it is before that moment. */
  isBefore(moment: number): boolean {
    return matches(this.run, this.moment(), atMost(moment - 1));
  }

  /** The query of an example, with its question mark. */
  exampleQuery(): string {
    const query = this.exampleText('query');
    return query === '' ? this.exampleText('marked query') : `?${query}`;
  }

  /** Returns a short request of this run. What nothing has looked at is as usual. */
  example(method: string, target: string): ExampleRequest {
    const { proxy } = this.world;
    const headers: [string, string][] = [];
    const text = (name: string) => this.exampleText(name);
    headers.push(['Host', this.exampleHost()]);
    for (const name of this.run.pieces.keys()) {
      const value = text(name);
      const header = name.slice('header '.length);
      if (name.startsWith('header ') && (value !== '' || this.run.notes.get(`empty ${header}`) === true))
        headers.push([header, value]);
    }
    const body = (this.run.notes.get('body') ?? 'none') as ReturnType<SymbolicRequest['body']>;
    if (body === 'chunked') headers.push(['Transfer-Encoding', text('chunked') || 'chunked']);
    if (body === 'length') headers.push(['Content-Length', text('content-length') || '1']);
    const caller = this.caller();
    const isSent = text('key') !== '' || this.run.notes.get(`empty ${proxy.apiKeyHeader.toLowerCase()}`) === true;
    const scheme = caller.kind === 'followed' ? proxy.apiKeyScheme : undefined;
    if (caller.kind !== 'known' && isSent) headers.push([proxy.apiKeyHeader, credentialText(scheme, text('key'))]);
    const credential =
      caller.kind === 'known'
        ? ({ kind: 'known', id: caller.key.id } as const)
        : credentialOf(headers, proxy, () => undefined);
    const hops = this.hops.header();
    if (proxy.clientIp.kind === 'header' && hops.length > 0) headers.push([proxy.clientIp.header, hops.join(', ')]);
    const client = this.hops.peer() ?? this.usualAddress();
    const named = hops.length === 0 ? this.hops.namedBy() : undefined;
    if (named && proxy.clientIp.kind === 'header') headers.push([proxy.clientIp.header, named.header]);
    const peer = named?.peer ?? client;
    return {
      method,
      target,
      headers,
      ...this.headBytes({ method, target, headers }),
      peer,
      caller,
      keyText: text('key'),
      body,
      client: this.world.isDirect ? client : clientAddress(proxy.clientIp, peer, headers),
      credential,
      ...this.exampleMoment(),
    };
  }

  /** What can be sent at once shows more than what takes another clock. */
  private exampleMoment() {
    const { now } = this.world;
    const piece = this.run.pieces.get(MOMENT);
    if (!piece || isText(piece, String(now))) return { isNow: true, at: now };
    const near = piece.only === undefined ? closest(piece.language, now) : undefined;
    const isPossible = near !== undefined && isText(piece, String(near));
    return { isNow: false, at: isPossible ? near : Number(exampleOf(piece)) };
  }

  /** A text that a piece of this run can be; "" where nothing has looked at it. */
  private exampleText(name: string): string {
    return (this.run.pieces.has(name) ? exampleOf(pieceOf(this.run, name)) : undefined) ?? '';
  }

  private exampleHost(): string {
    const text = (name: string) => this.exampleText(name);
    const kind = this.run.notes.get('host kind');
    if (kind === 'odd') return text('odd host');
    const port = kind === 'odd port' ? text('odd port') || ':a' : text('port');
    return `${text('host') || (this.world.proxy.hosts[0] ?? 'a')}${port}`;
  }

  /** The size of the head, where it has to be another one than it has anyway; a key takes up to so much more. */
  private headBytes(request: Pick<ProxyRequest, 'method' | 'target' | 'headers'>) {
    if (!this.run.pieces.has('length')) return {};
    const piece = pieceOf(this.run, 'length');
    const least = headBytesOf(request);
    const isUsual = [least, least + LONGEST_KEY].every((size) => isText(piece, String(size)));
    // One byte too many is what an engine itself refuses last.
    return isUsual ? {} : { headBytes: leastOf(piece) ?? 0 };
  }

  /** The page that asks, as far as anybody has looked: an origin of those that are all treated alike. */
  pageHeaders(): HeaderFields {
    const name = 'header origin';
    const origin = this.run.pieces.has(name) ? exampleOf(pieceOf(this.run, name)) : undefined;
    return origin === undefined || origin === '' ? [] : [['Origin', origin]];
  }

  private usualAddress(): Address {
    const found = this.world.addresses.find((address) => contains(this.world.proxy.ranges, address));
    return found ?? this.world.addresses[0] ?? { family: 4, value: 0n };
  }
}

const LONGEST_KEY = 200;
