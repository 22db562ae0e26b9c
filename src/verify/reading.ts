import { isToken, withoutBlanks } from '../policy/request.ts';
import { type Fields, fieldOf } from './http1.ts';

/** A request as RFC 9112 reads it. */
export interface ReadRequest {
  readonly method: string;
  readonly target: string;
  readonly version: '1.0' | '1.1';
  readonly fields: Fields;
  /** The content without its framing, as latin1. */
  readonly body: string;
}

/**
 * What raw bytes mean. A `request` is one that a server may act on; a `malformed` one no server may act on;
 * `incomplete` is the beginning of a request. Of a `request`, `refusable` says why the RFC lets a server refuse it; a
 * server that accepts it must read it as given here. `framed`: accepted or refused, it is certain where it ends.
 * `loose`: the server may keep blanks or bytes that make a field invalid. `midway`: it may refuse after it has begun to
 * forward.
 */
export type Reading =
  | {
      readonly kind: 'request';
      readonly request: ReadRequest;
      readonly headBytes: number;
      readonly refusable?: string;
      readonly framed: boolean;
      readonly loose?: boolean;
      readonly midway?: boolean;
    }
  /** `late`: the head is well formed, so that a server may have answered before it saw the fault. */
  | { readonly kind: 'malformed'; readonly why: string; readonly late?: boolean }
  | { readonly kind: 'incomplete' };

/** A value read from the start of the bytes with the bytes that follow, or the reason to stop. */
type Step<T> = { readonly value: T; readonly rest: string } | { readonly stop: Reading };

interface Notes {
  /** Why a server may refuse the request: the first reason that was found. */
  refusable: string | undefined;
  framed: boolean;
  loose: boolean;
  midway: boolean;
}

interface Start {
  readonly method: string;
  readonly target: string;
  readonly version: '1.0' | '1.1';
}

/** Fields that a request has once, or that nginx accepts only once: If-Match and If-None-Match may be lists. */
const SINGLE = [
  'authorization',
  'content-range',
  'content-type',
  'expect',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'proxy-authorization',
  'range',
  'referer',
  'user-agent',
];
/** The most fields of a request: nginx refuses more than a thousand since 1.29.8. */
const MOST_FIELDS = 999;

/** Reads all requests of a connection's bytes; stops after one that cannot be read or that closes the connection. */
export function readAll(bytes: string): Reading[] {
  const readings: Reading[] = [];
  for (let rest = bytes; rest !== ''; ) {
    const step = readOne(rest);
    if ('stop' in step) return [...readings, step.stop];
    readings.push(step.value);
    rest = closes(step.value) ? '' : step.rest;
  }
  return readings;
}

/** RFC 9112 §9.6: after such a request a server reads nothing more. */
function closes(reading: Reading): boolean {
  if (reading.kind !== 'request') return true;
  const connection = fieldOf(reading.request.fields, 'connection') ?? '';
  return (
    reading.request.version === '1.0' || connection.split(',').some((word) => word.trim().toLowerCase() === 'close')
  );
}

function readOne(bytes: string): Step<Reading> {
  const notes: Notes = { refusable: undefined, framed: true, loose: false, midway: false };
  const start = bytes.replace(/^[\r\n]+/, '');
  if (start !== bytes) note(notes, 'empty lines before the request line');
  const end = /\n\r*\n/.exec(start);
  if (!end) return { stop: { kind: 'incomplete' } };
  const head = start.slice(0, end.index + 1);
  const lines = linesOf(head, notes);
  if (typeof lines === 'string') return { stop: malformed(lines) };
  const [first = '', ...others] = lines;
  const line = readStart(first, notes);
  if (typeof line === 'string') return { stop: malformed(line) };
  const fields = readFields(others, notes);
  if (typeof fields === 'string') return { stop: malformed(fields) };
  const problem = hostProblem(line, fields, notes);
  if (problem !== undefined) return { stop: malformed(problem) };
  const body = readBody(start.slice(end.index + end[0].length), { version: line.version, fields });
  if ('malformed' in body) return { stop: { ...malformed(body.malformed), late: true } };
  if ('incomplete' in body) return { stop: { kind: 'incomplete' } };
  if (body.refusable !== undefined) {
    note(notes, body.refusable);
    notes.midway = true;
  }
  if (lines.length > MOST_FIELDS) note(notes, 'very many fields');
  // HTTP/1.0 has no chunks: a server that accepts the request ignores this field.
  const meant = line.version === '1.0' ? fields.filter(([name]) => name.toLowerCase() !== 'transfer-encoding') : fields;
  const request = { ...line, fields: meant, body: body.value };
  const refusable = notes.refusable === undefined ? {} : { refusable: notes.refusable };
  const { framed, loose, midway } = notes;
  const headBytes = bytes.length - start.length + end.index + end[0].length;
  return { value: { kind: 'request', request, headBytes, framed, loose, midway, ...refusable }, rest: body.rest };
}

function note(notes: Notes, reason: string): void {
  noteWord(notes, reason);
  notes.framed = false;
}

/** Notes a reason to refuse that leaves no doubt where the request ends. */
function noteWord(notes: Notes, reason: string): void {
  notes.refusable ??= reason;
}

function malformed(why: string): Extract<Reading, { kind: 'malformed' }> {
  return { kind: 'malformed', why };
}

/** Lines without their ends, continuation lines joined to the one that they continue. */
function linesOf(head: string, notes: Notes): string[] | string {
  if (head.includes('\0')) return 'a NUL in the head';
  const lines: string[] = [];
  for (const ended of head.slice(0, -1).split('\n')) {
    // nginx and Go both read any number of CR before the LF as one line end.
    let end = ended.length;
    while (end > 0 && ended[end - 1] === '\r') end -= 1;
    if (end === ended.length) note(notes, 'a line that ends in LF alone');
    if (end < ended.length - 1) note(notes, 'several CR before an LF');
    const line = ended.slice(0, end);
    if (line.includes('\r')) return 'a bare CR';
    const last = lines.at(-1);
    if (line[0] !== ' ' && line[0] !== '\t') lines.push(line);
    else if (last === undefined || lines.length === 1) return 'blanks before the first field';
    else {
      note(notes, 'a continued line');
      notes.loose = true;
      lines[lines.length - 1] = `${last.replace(/[ \t]+$/, '')} ${line.replace(/^[ \t]+/, '')}`;
    }
  }
  return lines;
}

function readStart(line: string, notes: Notes): Start | string {
  const [method = '', target = '', protocol, ...others] = line.split(' ');
  if (protocol === undefined || others.length > 0 || target === '') return 'a request line that is not of three words';
  if (!isToken(method)) return 'a method that is no token';
  // The RFC has one digit; nginx accepts two.
  const version = /^HTTP\/(\d)\.(\d\d?)$/.exec(protocol);
  if (version?.[1] !== '1') return 'a protocol that is not HTTP/1';
  if (/[\x00-\x20\x7f]/.test(target)) return 'a control character in the target';
  const minor = Number(version[2]) === 0 ? '1.0' : '1.1';
  if (Number(version[2]) > 1) {
    note(notes, 'a newer HTTP/1');
    notes.loose = true;
  }
  if (!/^[A-Z][A-Z_-]*$/.test(method)) noteWord(notes, 'a method in unusual letters');
  if (method.length > 32) noteWord(notes, 'a very long method');
  if (method === 'TRACE' || method === 'CONNECT') note(notes, `the method ${method}`);
  if (!isPlainTarget(target)) noteWord(notes, 'a target that is no valid origin-form');
  return { method, target, version: minor };
}

/** Origin-form of RFC 9112 §3.2.1, without NUL and without climbing above the root, which servers may refuse. */
function isPlainTarget(target: string): boolean {
  if (!/^\/(?:[A-Za-z0-9_.~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$/.test(target) || target.includes('%00')) return false;
  let depth = 0;
  for (const segment of (target.split('?', 1)[0] ?? '')
    .replace(/%2[Ff]/g, '/')
    .slice(1)
    .split('/')) {
    const plain = segment.replace(/%2[Ee]/g, '.');
    if (plain === '..') depth -= 1;
    else if (plain !== '.' && plain !== '') depth += 1;
    if (depth < 0) return false;
  }
  return true;
}

function readFields(lines: readonly string[], notes: Notes): Fields | string {
  const fields: (readonly [string, string])[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    if (colon < 0 || !isToken(name)) {
      if (/[\x00-\x20\x7f]/.test(name)) return 'a blank or control character in a field name';
      // Go refuses these. nginx drops them, but reads a name alone as a field without a value, such as a key that is
      // missing; neither forwards them.
      note(notes, 'a line that is no field');
      if (colon < 0) notes.loose = true;
      continue;
    }
    const written = line.slice(colon + 1);
    const value = withoutBlanks(written);
    // nginx trims blanks, but not tabs.
    if (written.includes('\t') && /^[ \t]*\t|\t[ \t]*$/.test(written)) note(notes, 'a tab around a field value');
    const problem = valueProblem(name.toLowerCase(), value);
    if (problem !== undefined) note(notes, problem);
    // Go forwards such a Trailer and then refuses its own request, so that the client gets a 502.
    if (name.toLowerCase() === 'trailer') notes.midway = true;
    fields.push([name, value]);
  }
  const names = fields.map(([name]) => name.toLowerCase());
  const isRepeated = (name: string) => names.indexOf(name) !== names.lastIndexOf(name);
  if (new Set(names).size < names.length && SINGLE.some(isRepeated)) note(notes, 'a field twice that is taken once');
  return fields;
}

/** Why a server may refuse a field for its value. */
function valueProblem(name: string, value: string): string | undefined {
  if (/[\x01-\x08\x0a-\x1f\x7f]/.test(value)) return 'a control character in a field value';
  if (name === 'expect' && value.toLowerCase() !== '100-continue') return 'an expectation that nobody knows';
  if (name === 'trailer' && !value.split(',').every((each) => isToken(each.trim())))
    return 'a Trailer that names no fields';
  return undefined;
}

function hostProblem({ version }: Start, fields: Fields, notes: Notes): string | undefined {
  const count = fields.filter(([name]) => name.toLowerCase() === 'host').length;
  if (count > 1) return 'several Host fields';
  const host = fieldOf(fields, 'host');
  if (host === undefined && version === '1.1') return 'no Host';
  if (host === undefined || host === '') note(notes, 'no Host');
  else if (!/^[\x21-\x7e]*$/.test(host) || /[/?#@\\<>"{}|^`]/.test(host)) return 'a Host that is no authority';
  else if (!/^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i.test(host))
    note(notes, 'an unusual Host');
  else if (Number(/(?<=:)[0-9]+$/.exec(host)?.[0] ?? 0) > 65_535) note(notes, 'a port that no Host has');
  return undefined;
}

/** The content of a request, or why there is none to be read. */
type ReadBody =
  | { readonly value: string; readonly rest: string; readonly refusable?: string }
  | { readonly malformed: string }
  | { readonly incomplete: true };

const INCOMPLETE: ReadBody = { incomplete: true };

/** Reads the content after a head, framed as in RFC 9112 §6.3. */
function readBody(bytes: string, { version, fields }: { version: string; fields: Fields }): ReadBody {
  const codings = fieldOf(fields, 'transfer-encoding');
  const lengths = fieldOf(fields, 'content-length');
  if (codings === undefined) return lengths === undefined ? { value: '', rest: bytes } : readSized(bytes, lengths);
  if (version === '1.0') return readFaulty(bytes, lengths);
  if (codings.toLowerCase() !== 'chunked') return { malformed: 'a Transfer-Encoding other than chunked' };
  if (lengths === undefined) return readChunked(bytes);
  if (!/^\d+$/.test(lengths)) return { malformed: 'a Content-Length that is no number' };
  // A server may refuse both together or use the chunks, never the length.
  const body = readChunked(bytes);
  return 'value' in body ? { ...body, refusable: 'Content-Length beside Transfer-Encoding' } : body;
}

/** Chunks in HTTP/1.0, which has none: a server may use the length if it then closes the connection. */
function readFaulty(bytes: string, lengths: string | undefined): ReadBody {
  const body = lengths === undefined ? { value: '', rest: '' } : readSized(bytes, lengths);
  return 'value' in body ? { value: body.value, rest: '', refusable: 'Transfer-Encoding in HTTP/1.0' } : body;
}

function readSized(bytes: string, lengths: string): ReadBody {
  const values = [...new Set(lengths.split(',').map((each) => each.replace(/^[ \t]+|[ \t]+$/g, '')))];
  const [length = '', ...others] = values;
  if (others.length > 0) return { malformed: 'several different Content-Lengths' };
  if (!/^\d{1,15}$/.test(length)) return { malformed: 'a Content-Length that is no number' };
  if (bytes.length < Number(length)) return INCOMPLETE;
  const body = { value: bytes.slice(0, Number(length)), rest: bytes.slice(Number(length)) };
  return lengths.includes(',') ? { ...body, refusable: 'Content-Length twice' } : body;
}

function readChunked(bytes: string): ReadBody {
  let value = '';
  let lenient: string | undefined;
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\n', at);
    if (lineEnd < 0) return INCOMPLETE;
    const line = bytes.slice(at, lineEnd).replace(/\r$/, '');
    const size = /^([0-9A-Fa-f]+)[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?$/.exec(line)?.[1];
    if (size === undefined) return { malformed: 'a chunk size that is no number' };
    if (size.length > 12) return { malformed: 'a chunk size beyond all measure' };
    if (!bytes.slice(at, lineEnd + 1).endsWith('\r\n') || line.length > size.length || size.length > 8)
      lenient = 'an unusual chunk size';
    const length = Number.parseInt(size, 16);
    if (length === 0) return readTrailers({ bytes: bytes.slice(lineEnd + 1), value, lenient });
    const end = lineEnd + 1 + length;
    if (bytes.length < end + 2)
      return chunkEnd(bytes.slice(end)) === false ? { malformed: 'a chunk longer than its size' } : INCOMPLETE;
    const taken = chunkEnd(bytes.slice(end, end + 2));
    if (taken === false) return { malformed: 'a chunk longer than its size' };
    if (taken === 1) lenient = 'a chunk that ends in LF alone';
    value += bytes.slice(lineEnd + 1, end);
    at = end + taken;
  }
}

/** How many bytes end a chunk here; `false` where none do. */
function chunkEnd(bytes: string): number | false {
  if (bytes.startsWith('\r\n')) return 2;
  if (bytes.startsWith('\n')) return 1;
  return bytes === '' || bytes === '\r' ? 0 : false;
}

function readTrailers({
  bytes,
  value,
  lenient,
}: {
  bytes: string;
  value: string;
  lenient: string | undefined;
}): ReadBody {
  const end = /^\r?\n|\n\r?\n/.exec(bytes);
  if (!end) return INCOMPLETE;
  const rest = bytes.slice(end.index + end[0].length);
  const reason =
    end.index === 0 && end[0] === '\r\n' ? lenient : (lenient ?? 'trailers or an LF alone after the last chunk');
  return reason === undefined ? { value, rest } : { value, rest, refusable: reason };
}
