import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { systemProblem } from '../output/disk.ts';
import type { Io } from './io.ts';

/** A packed log is unpacked whole; others may be of any size. */
const MOST_MEBIBYTES = 2048;
const CHUNK = 2 ** 20;

/**
 * Hands over each line of a log, `-` for standard input, in turn; returns in a few words why there is no log, or no more
 * of it. Rotated logs are often packed.
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

/** Returns what follows the last line end. */
function takeLines(chunks: Iterable<Uint8Array>, take: (line: string) => void): Buffer {
  let left: Buffer = Buffer.alloc(0);
  for (const chunk of chunks) {
    const bytes =
      left.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length) : Buffer.concat([left, chunk]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    // What is left is kept beyond the life of the chunk.
    left = Buffer.from(bytes.subarray(end));
    if (end === 0) continue;
    const lines = bytes.toString('utf8', 0, end - 1).split('\n');
    for (const line of lines) take(line);
  }
  return left;
}

/** Devices never end, pipes may wait for ever: a pipe is read where the user names one. */
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
