import { type Fields, fieldOf } from './http1.ts';

/** The content of a request, or why there is none to be read. */
export type ReadBody =
  | { readonly value: string; readonly rest: string; readonly refusable?: string }
  | { readonly malformed: string }
  | { readonly incomplete: true };

const INCOMPLETE: ReadBody = { incomplete: true };

/** Takes the content off the start of what follows a head, as RFC 9112 §6.3 frames it. */
export function readBody(bytes: string, { version, fields }: { version: string; fields: Fields }): ReadBody {
  const codings = fieldOf(fields, 'transfer-encoding');
  const lengths = fieldOf(fields, 'content-length');
  if (codings === undefined) return lengths === undefined ? { value: '', rest: bytes } : readSized(bytes, lengths);
  if (version === '1.0') return readFaulty(bytes, lengths);
  if (codings.toLowerCase() !== 'chunked') return { malformed: 'a Transfer-Encoding other than chunked' };
  if (lengths === undefined) return readChunked(bytes);
  if (!/^\d+$/.test(lengths)) return { malformed: 'a Content-Length that is no number' };
  // A server may refuse both together or go by the chunks; never by the length.
  const body = readChunked(bytes);
  return 'value' in body ? { ...body, refusable: 'Content-Length beside Transfer-Encoding' } : body;
}

/** Chunks that HTTP/1.0 does not know: a server may go by the length, if it then closes and reads nothing more. */
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
