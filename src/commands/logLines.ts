import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { systemProblem } from '../output/disk.ts';
import type { Io } from './io.ts';

/** Largest size of an unpacked log, which is held in memory as a whole. Plain logs may have any size. */
const MOST_MEBIBYTES = 2048;
const CHUNK = 2 ** 20;

/**
 * Calls `take` with each line of a log, plain or gzip; `-` means standard input. Returns the problem if the log cannot
 * be read to its end.
 */
export function eachLogLine(file: string, io: Io, take: (line: string) => void): string | undefined {
  try {
    const found = file === '-' ? [io.readStdin()] : chunksOf(file);
    if (typeof found === 'string') return found;
    const left = takeLines(unpacked(found), take);
    if (left.length > 0) take(left.toString('utf8'));
    return undefined;
  } catch (error) {
    return packingProblem(error) ?? systemProblem(error);
  }
}

/** Takes whole lines, and returns the bytes after the last line end. */
function takeLines(chunks: Iterable<Uint8Array>, take: (line: string) => void): Buffer {
  let left: Buffer = Buffer.alloc(0);
  for (const chunk of chunks) {
    const bytes =
      left.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([left, chunk]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    // A copy, so that the rest does not keep the whole chunk in memory.
    left = Buffer.from(bytes.subarray(end));
    if (end === 0) continue;
    const lines = bytes.toString('utf8', 0, end - 1).split('\n');
    for (const line of lines) take(line);
  }
  return left;
}

/**
 * Returns the chunks of a file, or why it is not read. A named pipe is read, as in `<(zcat …)`; a device is not,
 * because it may never end.
 */
function chunksOf(file: string): Iterable<Uint8Array> | string {
  const isPipe = statSync(file).isFIFO();
  const descriptor = openSync(file, isPipe ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NONBLOCK);
  const stat = fstatSync(descriptor);
  if (stat.isFile() || isPipe) return chunksIn(descriptor);
  closeSync(descriptor);
  return stat.isDirectory() ? 'it is a folder' : 'it is not a regular file';
}

function* chunksIn(descriptor: number): Generator<Uint8Array> {
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const length = readSync(descriptor, chunk);
      if (length === 0) return;
      yield chunk.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}

function* unpacked(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  const packed: Uint8Array[] = [];
  let isFirst = true;
  for (const chunk of chunks) {
    if (packed.length > 0 || (isFirst && chunk[0] === 0x1f && chunk[1] === 0x8b)) packed.push(chunk);
    else yield chunk;
    isFirst = false;
  }
  if (packed.length === 0) return;
  const whole = gunzipSync(Buffer.concat(packed), { maxOutputLength: MOST_MEBIBYTES * 2 ** 20 });
  for (let at = 0; at < whole.length; at += CHUNK) yield whole.subarray(at, at + CHUNK);
}

function packingProblem(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ERR_BUFFER_TOO_LARGE') return `it has more than ${MOST_MEBIBYTES} MiB unpacked`;
  return code.startsWith('Z_') ? 'it is not what gzip makes' : undefined;
}
