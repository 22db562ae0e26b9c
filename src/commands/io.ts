import { readFileSync } from 'node:fs';

/** `0` yes, `1` no, `2` could not tell: the same for every command. */
export type Status = 0 | 1 | 2;

/** What a command may touch of the process that it runs in. */
export interface Io {
  /** Results. */
  out(text: string): void;
  /** Everything else. */
  err(text: string): void;
  readStdin(): Uint8Array;
  readonly colour: { readonly out: boolean; readonly err: boolean };
  /** Seconds since the epoch. */
  readonly now: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function processIo(): Io {
  const plain = (process.env['NO_COLOR'] ?? '') !== '' || process.env['TERM'] === 'dumb';
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readStdin: () => readFileSync(0),
    colour: { out: !plain && process.stdout.isTTY === true, err: !plain && process.stderr.isTTY === true },
    now: Math.floor(Date.now() / 1000),
    env: process.env,
  };
}
