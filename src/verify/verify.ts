import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import { logProblems } from './checks/accessLog.ts';
import { unverifiedUpstreams } from './checks/certificates.ts';
import type { Unmet } from './checks/check.ts';
import { rateLimits } from './checks/rates.ts';
import { upgrades } from './checks/websockets.ts';
import { verifyCodes } from './codes.ts';
import type { Problem } from './compare.ts';
import { describe } from './describe.ts';
import type { Probe } from './draft.ts';
import { probesOf } from './probes/generate.ts';
import { type TestRequest, testProbes } from './probes/tests.ts';
import { type Random, randomOf } from './random.ts';
import type { Scope } from './scope.ts';
import { type Disagreement, groundOf, sendAll } from './send.ts';
import { shrink } from './shrink.ts';
import { startTrial, type Trial, type TrialOptions } from './trial.ts';

export interface VerifyOptions extends Omit<TrialOptions, 'random'> {
  /** Generated probes, beside `tests`. */
  readonly requests: number;
  readonly seed: string;
  readonly tests: readonly TestRequest[];
  /** So many disagreements end the sending: what is thoroughly broken need not be counted out. */
  readonly enough?: number;
  readonly progress: (sent: number) => void;
}

export interface Verified {
  readonly sent: number;
  /** Probes with which the engine did not agree. */
  readonly disagreements: number;
  readonly diagnostics: readonly Diagnostic[];
}

/** Kinds of disagreement that are worked out; where there are more, these are enough to begin with. */
const MOST_KINDS = 12;

const ENOUGH = 1_000;

const now = () => Date.now() / 1000;

/** Starts one engine, sends it the spec's tests and generated probes, and compares everything with the evaluator. */
export async function verifyEngine(options: VerifyOptions, scope: Scope): Promise<Verified> {
  const random = randomOf(`${options.seed} secrets`);
  const started = await startTrial({ ...options, random }, scope);
  if (!('trial' in started)) return { sent: 0, disagreements: 0, diagnostics: started.diagnostics };
  const { trial } = started;
  const kinds = new Map<string, Found>();
  let sent = 0;
  let disagreements = 0;
  const ended = new AbortController();
  void trial.server.exited.then(() => ended.abort());
  const { signal } = ended;
  const enough = new AbortController();
  const found = (disagreement: Disagreement) => {
    disagreements += 1;
    if (disagreements >= (options.enough ?? ENOUGH)) enough.abort();
    note(kinds, disagreement);
  };
  const report = () => {
    sent += 1;
    options.progress(sent);
  };
  try {
    const sending = AbortSignal.any([signal, enough.signal]);
    await sendAll(allProbes(trial, options), trial, { now, signal: sending, found, sent: report });
    if (disagreements > 0 && !signal.aborted) await hasEnded(trial);
    // Connections that were closed because the engine has ended show nothing.
    if (signal.aborted) disagreements -= forget(kinds, 'closed');
    const diagnostics = await findings(kinds, { trial, options, signal });
    // What does not even decide right would fail here for the same reasons.
    const unmet = sending.aborted ? undefined : await askedBeside(trial, random);
    if (signal.aborted) diagnostics.push(endedEarly(trial, options));
    await trial.server.stop();
    if (unmet) {
      const rates = await rateLimits({ ...options, random }, scope);
      unmet.push(...(await logProblems(trial)), ...rates.unmet);
      diagnostics.push(...rates.diagnostics);
    }
    for (const { at, problem } of unmet ?? []) {
      disagreements += 1;
      diagnostics.push(verifyCodes.report('unmet', at, { engine: options.engine, problem }));
    }
    if ((await trial.leak()) !== undefined)
      diagnostics.push(verifyCodes.report('leak', ['targets', options.engine], { engine: options.engine }));
    return { sent, disagreements, diagnostics };
  } catch (error) {
    // Its connections are the first to notice that an engine has ended.
    if (!(await hasEnded(trial))) throw error;
    disagreements -= forget(kinds, 'closed');
    return { sent, disagreements, diagnostics: [endedEarly(trial, options)] };
  }
}

/** In this order: no upstream is what it was after the last. */
async function askedBeside(trial: Trial, random: Random): Promise<Unmet[]> {
  return [...(await upgrades(trial, random)), ...(await unverifiedUpstreams(trial, random))];
}

interface Found {
  readonly first: Disagreement;
  times: number;
}

function note(kinds: Map<string, Found>, disagreement: Disagreement): void {
  const kind = disagreement.problems[0]?.kind ?? '';
  const known = kinds.get(kind);
  if (known) known.times += 1;
  else kinds.set(kind, { first: disagreement, times: 1 });
}

/** How many there were. */
function forget(kinds: Map<string, Found>, kind: string): number {
  const times = kinds.get(kind)?.times ?? 0;
  kinds.delete(kind);
  return times;
}

function* allProbes(trial: Trial, { tests, requests, seed }: VerifyOptions): Generator<Probe> {
  const grounds = [...trial.grounds.values()];
  yield* testProbes(tests, grounds);
  const generated = probesOf(grounds, randomOf(seed), now());
  for (let count = 0; count < requests; count += 1) {
    const next = generated.next();
    if (next.done) return;
    yield next.value;
  }
}

async function findings(
  kinds: ReadonlyMap<string, Found>,
  context: { trial: Trial; options: VerifyOptions; signal: AbortSignal },
): Promise<Diagnostic[]> {
  const { trial, options, signal } = context;
  const diagnostics: Diagnostic[] = [];
  for (const { first, times } of [...kinds.values()].slice(0, MOST_KINDS)) {
    const smallest = signal.aborted ? first : await shrink(first, trial, { now, signal });
    const ground = groundOf(smallest.probe, trial);
    const [problem] = smallest.problems;
    if (!problem) continue;
    const show = describe(smallest, { policy: options.policy, proxy: ground.proxy, secrets: trial.secrets });
    diagnostics.push(
      verifyCodes.report('disagreement', placeOf(problem, smallest), {
        engine: options.engine,
        problem: problem.text,
        times,
        show,
      }),
    );
  }
  return diagnostics;
}

/** The line of the spec that the evaluator decided by. */
function placeOf({ index }: Problem, { expectation }: Disagreement) {
  return expectation.expected[index ?? 0]?.decision.at ?? [];
}

/** A closed connection is seen before the end of the process that closed it. */
async function hasEnded({ server }: Trial): Promise<boolean> {
  const later = new Promise<false>((resolve) => setTimeout(() => resolve(false), 1_000).unref());
  return (await Promise.race([server.exited, later])) !== false;
}

function endedEarly(trial: Trial, { engine }: VerifyOptions): Diagnostic {
  const last = trial.server.output().trim().split('\n').at(-1) ?? '';
  const problem = `ended in the middle of the probes${last === '' ? '' : `: ${last.slice(0, 300)}`}`;
  return verifyCodes.report('engine-failed', ['targets', engine], { engine, problem });
}
