import { worldOf } from '../../src/prove/compare.ts';
import { CannotTell } from '../../src/prove/explore.ts';
import { TooLarge } from '../../src/prove/language.ts';
import { onlyText } from '../../src/prove/matching.ts';
import { isRefusable } from '../../src/prove/refusable.ts';
import { targets } from '../../src/targets/index.ts';
import { disagreement } from '../../src/verify/agree.ts';
import type { Random } from '../../src/verify/random.ts';
import { openScope } from '../../src/verify/scope.ts';
import { startTrial, type Trial } from '../../src/verify/trial.ts';
import type { Made } from './proofs.ts';
import { type Walked, walks } from './walks.ts';

/** How often the reader was right about an engine. */
export interface Tally {
  /** Requests that were sent and compared. */
  asked: number;
  /** Files that the reader does not understand, or that the engine does not start with. */
  left: number;
  readonly problems: string[];
}

interface Trialled {
  readonly program: string;
  readonly made: Made;
  readonly random: Random;
  /** Requests for each place of the files and kind of target. */
  readonly each: number;
  /** How the files came about, for messages. */
  readonly title: string;
}

/** Go waits half a second before it closes a connection after a head that is too large. */
const AT_ONCE = 24;

/** Starts an engine on files, and compares what it does with what the reader says that it does. */
export async function tryReader({ program, made, random, each, title }: Trialled, tally: Tally): Promise<void> {
  const [proxy] = made.policy.proxies;
  const target = targets.find(({ name }) => name === made.engine);
  if (!proxy || !target || target.readBack?.decides !== 'requests') throw new Error('nothing to try');
  const requests = said();
  if (!requests) return void tally.left++;
  const scope = openScope();
  try {
    const trial = await startTrial({ target, program, policy: made.policy, proxy, files: made.files, random }, scope);
    // What is understood may still be refused by the engine, such as a table that is too large.
    if (typeof trial === 'string') return void tally.left++;
    await Promise.all(Array.from({ length: AT_ONCE }, () => askAll(trial)));
  } finally {
    await scope.close();
  }

  function said(): Walked[] | undefined {
    if (!proxy || target?.readBack?.decides !== 'requests') return undefined;
    try {
      const model = target.readBack.read(made.files, proxy, made.policy.proxies);
      const open = worldOf(made.policy, proxy, model);
      const world = { ...open, isExact: true, moments: onlyText(String(open.now)) };
      return walks(model, world, { random, each });
    } catch (error) {
      if (error instanceof CannotTell || error instanceof TooLarge) return undefined;
      throw error;
    }
  }

  async function askAll(trial: Trial): Promise<void> {
    for (let next = requests?.pop(); next; next = requests?.pop()) {
      const tried = await trial.ask(next.request);
      if (typeof tried === 'string') continue;
      tally.asked++;
      const problem = disagreement(next.said, tried, { request: next.request, secrets: trial.secrets });
      if (problem === undefined) continue;
      const status = tried.response?.status ?? 0;
      if (status >= 400 && status < 500 && proxy && isRefusable(next.request, proxy)) continue;
      tally.problems.push(`${title}: ${problem} (${next.place}) ${shown(next)}`);
    }
  }
}

/** Whether an engine starts on files. */
export async function starts({ program, made, random }: Omit<Trialled, 'each' | 'title'>): Promise<boolean> {
  const [proxy] = made.policy.proxies;
  const target = targets.find(({ name }) => name === made.engine);
  if (!proxy || !target) throw new Error('nothing to try');
  const scope = openScope();
  try {
    const trial = await startTrial({ target, program, policy: made.policy, proxy, files: made.files, random }, scope);
    return typeof trial !== 'string';
  } finally {
    await scope.close();
  }
}

function shown({ request }: Walked): string {
  const { client, caller, ...others } = request;
  return JSON.stringify(others, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}
