import { readSync } from 'node:fs';
import { maskFile } from '../diagnostics/mask.ts';
import type { Colour, Report, Status } from './report.ts';

export type { Status };

/** The parts of the process that a command may use. */
export interface Io {
  /** Writes results. */
  out(text: string): void;
  /** Writes everything else, such as messages and progress. */
  err(text: string): void;
  readStdin(): Uint8Array;
  /** Takes reports instead of printing them, so that several become one. */
  readonly collect?: (report: Report) => void;
  readonly colour: Colour;
  /** Seconds since 1970. */
  readonly now: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hears of each file of the user before it is read, whether it exists or not. */
  readonly opened?: ((file: string) => void) | undefined;
  /**
   * For a command that runs until it is stopped: from then on, signals abort the returned signal instead of ending the
   * process.
   */
  untilStopped(): AbortSignal;
}

/** Prints why a command could not tell, and returns its exit status. */
export function unable(problem: string, { err }: Pick<Io, 'err'>): 2 {
  err(`postern: ${problem}\n`);
  return 2;
}

/** Returns a problem with what can be done about it. */
export function withHint(problem: string, hint: string): string {
  // What was given as a file may be the URL of a repository, with a password.
  return `${maskFile(problem)}\n  hint: ${hint}`;
}

/** Returns a function that is true once in each interval (milliseconds), when another line of progress is due. */
export function progressTimer(interval = 2_000): () => boolean {
  let next = performance.now() + interval;
  return () => {
    if (performance.now() < next) return false;
    next = performance.now() + interval;
    return true;
  };
}

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type Signal = keyof typeof SIGNALS;

const exit = (_: Signal, number: number) => process.exit(128 + number);

/**
 * Ends the process on signals. With a listener, a signal waits for the event loop, so that it never falls between two
 * renames.
 */
export function exitOnSignals(): void {
  for (const signal of Object.keys(SIGNALS)) process.once(signal as Signal, exit);
}

export function processIo(): Io {
  const plain = (process.env['NO_COLOR'] ?? '') !== '' || process.env['TERM'] === 'dumb';
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readStdin,
    colour: { out: !plain && process.stdout.isTTY === true, err: !plain && process.stderr.isTTY === true },
    now: Math.floor(Date.now() / 1000),
    env: process.env,
    untilStopped,
  };
}

function untilStopped(): AbortSignal {
  const stop = new AbortController();
  for (const signal of Object.keys(SIGNALS)) {
    process.off(signal, exit);
    process.once(signal, () => stop.abort());
  }
  return stop.signal;
}

function readStdin(): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = new Uint8Array(65_536);
    const length = readSome(chunk);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, length));
  }
}

/** Reads from standard input, and tries again every 10 ms if the pipe is non-blocking and has no data yet. */
function readSome(chunk: Uint8Array): number {
  for (;;) {
    try {
      return readSync(0, chunk);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EOF') return 0;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
