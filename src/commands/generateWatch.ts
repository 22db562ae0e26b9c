import { statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { commandCodes } from './codes.ts';
import type { Io, Status } from './io.ts';
import { type Format, print } from './print.ts';

/** Milliseconds between two looks. Files are looked at, because events get lost in volumes of containers. */
const PAUSE = 300;

interface WatchArguments {
  readonly specs?: readonly string[] | undefined;
  readonly check?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly 'changed-since'?: string | undefined;
  readonly format: Format;
}

/** Generates now, and again when a file changes that was read, until it is stopped. Returns the last status. */
export async function watchGenerate(
  { specs = [], check, dryRun, 'changed-since': since, format }: WatchArguments,
  generate: (io: Io) => Promise<Status>,
  io: Io,
): Promise<Status> {
  const modes = {
    '--check': check,
    '--dry-run': dryRun,
    '--changed-since': since !== undefined,
    '-': specs.includes('-'),
  };
  const [mode] = Object.entries(modes).find(([, meant]) => meant) ?? [];
  if (mode !== undefined) {
    const diagnostics = [commandCodes.report('no-meaning', [], { option: '--watch', mode })];
    return print({ command: 'generate', status: 2, diagnostics, asked: 'changes' }, format, io);
  }
  const stop = io.untilStopped();
  for (;;) {
    const seen = new Map<string, string>();
    const opened = (file: string) => void (seen.has(file) || seen.set(file, stateOf(file)));
    const status = await generate({ ...io, now: Math.floor(Date.now() / 1000), opened });
    do {
      await wait(PAUSE, undefined, { signal: stop }).catch(() => undefined);
      if (stop.aborted) return status;
    } while ([...seen].every(([file, state]) => stateOf(file) === state));
  }
}

/** Returns a text that changes when a file is written, replaced or removed. */
function stateOf(file: string): string {
  try {
    const { ino, size, mtimeNs } = statSync(file, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return 'unreadable';
  }
}
