import { withoutBlanks } from '../policy/request.ts';

/** Header fields in the order and the case in which they were sent; repeated ones stay apart. */
export type Fields = readonly (readonly [name: string, value: string])[];

/** One HTTP/1 message as it was on the wire. */
export interface Message {
  /** Start line and fields, byte for byte (as latin1), without the empty line. */
  readonly head: string;
  readonly startLine: string;
  readonly fields: Fields;
  /** The content, with chunked framing taken off. */
  readonly body: Buffer;
  /** Fields after the last chunk; absent where there are none. */
  readonly trailers?: Fields;
  /** Fields of the interim answers before a response, such as 103; absent where there were none. */
  readonly interim?: readonly Fields[];
}

/** How the content of a message ends; `close` is the end of the connection. */
type Framing = 'none' | 'chunked' | 'close' | number;

/** A part that was read, and the bytes after it; `undefined` until all of the part has arrived. */
type Taken<T> = { readonly value: T; readonly rest: Buffer } | undefined;

const emptyLine = '\r\n\r\n';

/** The value of a field that was sent once at most; several are joined as RFC 9110 says. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  const wanted = name.toLowerCase();
  let found: string | undefined;
  for (const [each, value] of fields) {
    // Lengths are compared first, because comparing names would be most of the work of a probe.
    if (each.length !== wanted.length || each.toLowerCase() !== wanted) continue;
    found = found === undefined ? value : `${found}, ${value}`;
  }
  return found;
}

/** Takes a request off the start of what has arrived. */
export function takeRequest(bytes: Buffer): Taken<Message> {
  return takeMessage(bytes, false, ({ fields }) => declaredFraming(fields) ?? 'none');
}

/** Takes the final response to a method off the start of what has arrived; `ended` where no more bytes will come. */
export function takeResponse(bytes: Buffer, method: string, ended: boolean): Taken<Message> {
  const taken = takeMessage(bytes, ended, ({ startLine, fields }) => {
    const status = statusOf(startLine);
    if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
    return declaredFraming(fields) ?? 'close';
  });
  const interim = taken !== undefined && statusOf(taken.value.startLine) < 200;
  if (!interim) return taken;
  const final = takeResponse(taken.rest, method, ended);
  const before = [taken.value.fields, ...(final?.value.interim ?? [])];
  return final && { ...final, value: { ...final.value, interim: before } };
}

export function statusOf(startLine: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(startLine)?.[1] ?? Number.NaN);
}

function takeMessage(
  bytes: Buffer,
  ended: boolean,
  framingOf: (head: Omit<Message, 'body'>) => Framing,
): Taken<Message> {
  const end = bytes.indexOf(emptyLine);
  if (end < 0) return undefined;
  const text = bytes.toString('latin1', 0, end);
  const [startLine = '', ...lines] = text.split('\r\n');
  const head = { head: text, startLine, fields: lines.map(fieldFrom) };
  const body = takeBody(bytes.subarray(end + emptyLine.length), framingOf(head), ended);
  return body && { value: { ...head, ...body.value }, rest: body.rest };
}

function fieldFrom(line: string): readonly [string, string] {
  const colon = line.indexOf(':');
  return colon < 0 ? [line, ''] : [line.slice(0, colon), withoutBlanks(line.slice(colon + 1))];
}

function declaredFraming(fields: Fields): Framing | undefined {
  if (fieldOf(fields, 'transfer-encoding')?.toLowerCase() === 'chunked') return 'chunked';
  const length = fieldOf(fields, 'content-length');
  return length === undefined ? undefined : Number(length);
}

type Content = Pick<Message, 'body' | 'trailers'>;

function takeBody(bytes: Buffer, framing: Framing, ended: boolean): Taken<Content> {
  if (framing === 'none') return { value: { body: Buffer.alloc(0) }, rest: bytes };
  if (framing === 'close') return ended ? { value: { body: bytes }, rest: Buffer.alloc(0) } : undefined;
  if (framing === 'chunked') return takeChunks(bytes);
  if (bytes.length < framing) return undefined;
  return { value: { body: bytes.subarray(0, framing) }, rest: bytes.subarray(framing) };
}

function takeChunks(bytes: Buffer): Taken<Content> {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (size === 0) return takeTrailers(bytes, lineEnd, chunks);
    at = lineEnd + 2 + size + 2;
    // Where the size is no number this comparison is false, so such a chunk is never complete.
    if (!(at <= bytes.length)) return undefined;
    chunks.push(bytes.subarray(at - size - 2, at - 2));
  }
}

function takeTrailers(bytes: Buffer, lastLineEnd: number, chunks: readonly Buffer[]): Taken<Content> {
  const end = bytes.indexOf(emptyLine, lastLineEnd);
  if (end < 0) return undefined;
  const lines = bytes.toString('latin1', Math.min(lastLineEnd + 2, end), end).split('\r\n');
  const trailers = lines.filter((line) => line !== '').map(fieldFrom);
  const value = { body: Buffer.concat(chunks), ...(trailers.length > 0 ? { trailers } : {}) };
  return { value, rest: bytes.subarray(end + emptyLine.length) };
}
