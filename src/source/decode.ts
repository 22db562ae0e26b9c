import { failed, ok, type Result } from '../diagnostics/diagnostic.ts';
import { yamlCodes } from './codes.ts';
import { MAX_MEBIBYTES } from './limits.ts';
import type { SourceFile } from './span.ts';

/** Decodes a file. Only UTF-8 is accepted, because a wrong guess could change a name. */
export function decodeSource(name: string, bytes: Uint8Array): Result<SourceFile> {
  const problem = (text: string, start: number) => ({ place: { file: name, text, start, end: start } });
  if (bytes.length > MAX_MEBIBYTES * 2 ** 20) {
    return failed([yamlCodes.report('too-large', [], { limit: MAX_MEBIBYTES }, problem('', 0))]);
  }
  const encoding = otherEncoding(bytes);
  if (encoding !== undefined) return failed([yamlCodes.report('bad-encoding', [], { encoding }, problem('', 0))]);
  try {
    // The decoder removes the byte order mark, which Windows editors put before UTF-8.
    return ok({ name, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) });
  } catch {
    const text = new TextDecoder('utf-8').decode(bytes);
    const place = problem(text, firstDamage(bytes, text));
    return failed([yamlCodes.report('bad-encoding', [], { encoding: 'not valid UTF-8' }, place)]);
  }
}

function otherEncoding(bytes: Uint8Array): string | undefined {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return 'UTF-16 (little endian)';
  if (first === 0xfe && second === 0xff) return 'UTF-16 (big endian)';
  return undefined;
}

/** Returns the index of the first U+FFFD that stands for bad bytes and is not in the file itself. */
function firstDamage(bytes: Uint8Array, text: string): number {
  const written = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = written.subarray(0, 3).equals(Buffer.from('\uFEFF')) ? 3 : 0;
  for (let at = text.indexOf('\uFFFD'), from = 0; at !== -1; from = at, at = text.indexOf('\uFFFD', at + 1)) {
    offset += Buffer.byteLength(text.slice(from, at));
    if (!written.subarray(offset, offset + 3).equals(Buffer.from('\uFFFD'))) return at;
  }
  return text.length;
}

/** Returns a text as engines read it: each character is one byte. */
export function asBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
