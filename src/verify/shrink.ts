import type { Probe } from './draft.ts';
import { type Expectation, expectationOf } from './expect.ts';
import { type Disagreement, groundOf, judgeAlone } from './send.ts';
import type { Trial } from './trial.ts';

export interface ShrinkOptions {
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Requests that one disagreement may cost; a long target shrinks fast, so this is rarely all used. */
const MOST_TRIES = 400;

/**
 * The smallest request that still shows the same kind of disagreement when it is sent alone. Where it shows nothing alone
 * the first one is handed back as it was.
 */
export async function shrink(found: Disagreement, trial: Trial, options: ShrinkOptions): Promise<Disagreement> {
  const kind = found.problems[0]?.kind;
  let best = found;
  let tries = 0;
  const stillShows = async (raw: string): Promise<boolean> => {
    const probe: Probe = { ...best.probe, raw };
    if (!isAlike(found, expectationOf(probe, groundOf(probe, trial), options.now()))) return false;
    tries += 1;
    const judged = await judgeAlone(probe, trial, options.now()).catch(() => undefined);
    if (judged?.problems[0]?.kind !== kind) return false;
    best = judged ?? best;
    return true;
  };
  if (!(await stillShows(found.probe.raw))) return found;
  for (let shrunk = true; shrunk; ) {
    shrunk = false;
    for (const smaller of smallerThan(best.probe.raw)) {
      if (tries >= MOST_TRIES || options.signal.aborted) return best;
      if (!(await stillShows(smaller))) continue;
      shrunk = true;
      break;
    }
  }
  return best;
}

/** As many requests, and the same kind of end: to anything else an engine may answer with silence, which takes time. */
function isAlike({ expectation }: Disagreement, other: Expectation): boolean {
  return (
    expectation.expected.length === other.expected.length &&
    typeof expectation.end === typeof other.end &&
    (expectation.end === other.end || typeof other.end === 'object')
  );
}

/** Simpler requests, the boldest cuts first. */
function* smallerThan(raw: string): Generator<string> {
  const end = raw.indexOf('\r\n\r\n');
  const head = end < 0 ? raw : raw.slice(0, end);
  const [start = '', ...lines] = head.split('\r\n');
  const rest = raw.slice(head.length);
  const withLines = (kept: readonly string[]) => [start, ...kept].join('\r\n') + rest;
  if (rest.length > 4)
    yield `${head.replace(/\r\n(?:content-length|transfer-encoding|content-type):[^\r]*/gi, '')}\r\n\r\n`;
  for (const index of lines.keys()) yield withLines(lines.toSpliced(index, 1));
  const [method = '', target = '', ...version] = start.split(' ');
  const withTarget = (shorter: string) => [[method, shorter, ...version].join(' '), ...lines].join('\r\n') + rest;
  for (let size = Math.ceil(target.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < target.length; at += size)
      if (target.length > size) yield withTarget(target.slice(0, at) + target.slice(at + size));
  }
  for (const [index, line] of lines.entries()) {
    const half = line.indexOf(':') + 2 + Math.floor((line.length - line.indexOf(':')) / 2);
    if (half < line.length && !/^content-length/i.test(line)) yield withLines(lines.with(index, line.slice(0, half)));
  }
}
