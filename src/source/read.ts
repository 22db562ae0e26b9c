import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { MAX_MEBIBYTES } from './limits.ts';

/** The bytes that were read, or why they could not be. */
export type Bytes = { readonly bytes: Uint8Array } | { readonly problem: string };

export interface ReadOptions {
  /** Whether the file may be a pipe, as in `<(command)`. It may only if the user, not a spec, names the file. */
  readonly pipes?: boolean;
}

/**
 * Reads a whole file. All files of users are read by this function, because devices never end and pipes may wait
 * forever. Throws errors of the system.
 */
export function readBytes(file: string, { pipes = false }: ReadOptions = {}): Bytes {
  const isPipe = pipes && statSync(file).isFIFO();
  // Opening a pipe without a writer would wait forever.
  const descriptor = openSync(file, isPipe ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) return { problem: 'it is a folder' };
    if (!stat.isFile() && !isPipe) return { problem: 'it is not a regular file' };
    return readLimited(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Counts the bytes that are read: a file may grow meanwhile, and files of /proc have no size. */
function readLimited(descriptor: number): Bytes {
  const chunks: Uint8Array[] = [];
  for (let total = 0; total <= MAX_MEBIBYTES * 2 ** 20; ) {
    const chunk = Buffer.allocUnsafe(2 ** 18);
    const length = readSync(descriptor, chunk);
    if (length === 0) return { bytes: Buffer.concat(chunks) };
    chunks.push(chunk.subarray(0, length));
    total += length;
  }
  return { problem: `it has more than ${MAX_MEBIBYTES} MiB` };
}
