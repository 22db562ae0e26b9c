import { gunzipSync } from 'node:zlib';
import { systemProblem } from '../output/disk.ts';
import { readBytes } from '../source/read.ts';
import type { Io } from './io.ts';

const MOST_MEBIBYTES = 256;

/** The text of a log, `-` for standard input, or in a few words why there is none. Rotated logs are often packed. */
export function logText(file: string, io: Io): string | { readonly problem: string } {
  try {
    const found = file === '-' ? { bytes: io.readStdin() } : readBytes(file, { pipes: true });
    return 'problem' in found ? found : new TextDecoder().decode(unpacked(found.bytes));
  } catch (error) {
    return { problem: packingProblem(error) ?? systemProblem(error) };
  }
}

function unpacked(bytes: Uint8Array): Uint8Array {
  const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return isGzip ? gunzipSync(bytes, { maxOutputLength: MOST_MEBIBYTES * 2 ** 20 }) : bytes;
}

function packingProblem(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ERR_BUFFER_TOO_LARGE') return `it has more than ${MOST_MEBIBYTES} MiB unpacked`;
  return code.startsWith('Z_') ? 'it is not what gzip makes' : undefined;
}
