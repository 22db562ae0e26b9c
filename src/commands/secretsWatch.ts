import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Diagnostic, hasError } from '../diagnostics/diagnostic.ts';
import { outputCodes } from '../output/codes.ts';
import { placed, systemProblem } from '../output/disk.ts';
import { TEMPORARY_SUFFIX } from '../output/gitFiles.ts';
import { type Holding, holdLong, type Release } from '../output/lock.ts';
import { lockIn } from '../output/write.ts';
import { secretCodes } from '../secrets/codes.ts';
import { staleSecrets } from '../secrets/write.ts';
import type { RenderedFile } from '../targets/target.ts';
import type { Io, Status } from './io.ts';
import { print } from './print.ts';
import { look, type Round, type SecretsArguments, writeRound } from './secretsLook.ts';
import { reloadDue } from './secretsReload.ts';
import { outputFolder, specPlace } from './spec.ts';

const COMMAND = 'secrets render --watch';
const LOCK = `.watch${TEMPORARY_SUFFIX}`;

/** Most seconds between two rounds. Secrets without a known end, such as files, are read again in each round. */
const USUAL = 60;
/** Seconds until the first retry after a failure. The wait doubles with each further failure, up to `USUAL`. */
const SOON = 2;

interface Watched {
  readonly status: Status;
  /** The files that are on disk now; absent after a failure. */
  readonly files?: readonly RenderedFile[];
  /** Seconds until the next round. */
  readonly pause: number;
}

/**
 * Writes the files, and writes them again whenever a secret changes or is about to expire, until it is stopped. A
 * failure is reported and retried; the files stay as they are meanwhile.
 */
export async function watchSecrets(args: SecretsArguments, io: Io): Promise<Status> {
  const folder = outputFolder(args.out, specPlace(args.spec));
  const refuse = (...diagnostics: Diagnostic[]) =>
    print({ command: COMMAND, status: 2, diagnostics, asked: 'changes' }, args.format, io);
  const watched = () => refuse(secretCodes.report('watched', [], {}, placed(folder)));
  let release: Release | undefined;
  try {
    // Two would both request a token whenever one is due.
    release = lockIn(folder, LOCK);
  } catch (error) {
    return refuse(outputCodes.report('unwritable', [], { problem: systemProblem(error) }, placed(folder)));
  }
  if (!release) return watched();
  const holding = holdLong(join(folder, LOCK));
  try {
    // A watch that slept for long, such as one whose machine was paused, finds another one in its place.
    return (await rounds(args, holding, io)) ?? watched();
  } finally {
    holding.end();
    release();
  }
}

/** Returns the last status; `undefined` where another watch has taken over. */
async function rounds(args: SecretsArguments, holding: Holding, io: Io): Promise<Status | undefined> {
  const stop = io.untilStopped();
  const wake = AbortSignal.any([stop, holding.lost]);
  let status: Status = 2;
  let failures = 0;
  do {
    if (!holding.check()) return undefined;
    const clock = { ...io, now: Math.floor(Date.now() / 1000) };
    const done = await once(args, holding, clock);
    if (!done) return undefined;
    const place = { folder: outputFolder(args.out, specPlace(args.spec)), files: done.files };
    const problems = args.reload ? await reloadDue(args.reload, place, stop) : [];
    if (problems.length > 0)
      print({ command: COMMAND, status: 2, diagnostics: problems, asked: 'changes' }, args.format, io);
    status = done.status === 0 && problems.length === 0 ? 0 : 2;
    failures = status === 0 ? 0 : failures + 1;
    const pause = failures > 0 ? Math.min(USUAL, SOON * 2 ** Math.min(failures - 1, 10)) : done.pause;
    await wait(pause * 1000, undefined, { signal: wake }).catch(() => undefined);
  } while (!stop.aborted);
  return status;
}

/** Returns `undefined` where another watch has taken over meanwhile: the files are those of that watch then. */
async function once(args: SecretsArguments, holding: Holding, io: Io): Promise<Watched | undefined> {
  const round = await look(args, io, 'write');
  if (!holding.check()) return undefined;
  const { folder, files, diagnostics } = round;
  const pause = pauseAfter(round, io.now);
  const isSound = folder !== undefined && !hasError(diagnostics);
  if (isSound && staleSecrets(files, folder).length === 0) return { status: 0, files, pause };
  const status = print(writeRound(round, COMMAND), args.format, io);
  return { status, ...(status === 0 && { files }), pause };
}

function pauseAfter({ resolved }: Round, now: number): number {
  const again = [...(resolved?.found.values() ?? [])].flatMap((one) => one.again ?? []);
  return Math.max(1, Math.min(USUAL, ...again.map((moment) => moment - now)));
}
