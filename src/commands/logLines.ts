import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { systemProblem } from '../output/disk.ts';
import type { Io } from './io.ts';
import { logText } from './logText.ts';

const CHUNK = 2 ** 20;

/**
 * Hands over the lines of a log one by one, however long it is; what is packed or comes from standard input has the limits
 * of a file that is read whole.
 * @returns why it cannot be read, where it cannot
 */
export function eachLine(file: string, io: Io, take: (line: string) => void): string | undefined {
  if (file === '-' || file.endsWith('.gz')) {
    const text = logText(file, io);
    if (typeof text !== 'string') return text.problem;
    for (const line of text.split('\n')) if (line !== '') take(line);
    return undefined;
  }
  try {
    const descriptor = openSync(file, 'r');
    try {
      readLines(descriptor, take);
    } finally {
      closeSync(descriptor);
    }
    return undefined;
  } catch (error) {
    return systemProblem(error);
  }
}

function readLines(descriptor: number, take: (line: string) => void): void {
  const decoder = new StringDecoder('utf8');
  const chunk = Buffer.allocUnsafe(CHUNK);
  let rest = '';
  for (let length = readSync(descriptor, chunk); length > 0; length = readSync(descriptor, chunk)) {
    const lines = (rest + decoder.write(chunk.subarray(0, length))).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') take(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
  if (rest !== '') take(rest);
}
