import type { Policy, Proxy } from '../policy/types.ts';
import type { Difference } from '../prove/compare.ts';
import { isRefusable } from '../prove/refusable.ts';
import { saidBySpec } from '../prove/said.ts';
import type { ReadFileText, Target } from '../targets/target.ts';
import { disagreement } from './agree.ts';
import { randomOf } from './random.ts';
import { openScope } from './scope.ts';
import { startTrial } from './trial.ts';

/** What became of a request that is said to show a difference, on the real engine. */
export interface Confirmation {
  /** `untried`: it could not be sent; `other`: the engine does something else than was read in the files. */
  readonly result: 'confirmed' | 'other' | 'untried';
  /** For people. */
  readonly told: string;
  /** The one of several differences that was tried. */
  readonly difference?: Difference;
}

export interface Doubt {
  readonly target: Target;
  readonly program: string;
  readonly policy: Policy;
  readonly proxy: Proxy;
  readonly files: readonly ReadFileText[];
  readonly difference: Difference;
  /** Tried where that one cannot be. */
  readonly others: readonly Difference[];
}

/**
 * Starts the engine on a copy of the files that stays on this machine, and sends it the requests of a difference until
 * one can be tried.
 */
export async function confirm({ others, ...doubt }: Doubt): Promise<Confirmation> {
  const first = await confirmOne(doubt);
  if (first.result !== 'untried') return first;
  for (const difference of others) {
    const tried = await confirmOne({ ...doubt, difference });
    if (tried.result !== 'untried') return { ...tried, difference };
  }
  return first;
}

async function confirmOne({ difference, ...options }: Omit<Doubt, 'others'>): Promise<Confirmation> {
  const { request, decision, said } = difference;
  const { policy, proxy, target } = options;
  const untried = (why: string): Confirmation => ({ result: 'untried', told: `not tried on ${target.name}: ${why}` });
  if (!request.isNow) return untried(`it takes a clock that says ${new Date(request.at * 1000).toISOString()}`);
  const scope = openScope();
  try {
    const isForwarded = said.kind === 'forward';
    const areStrangers = isForwarded && !said.tls.verified;
    const alsoNamed = isForwarded ? said.tls.name : undefined;
    const trial = await startTrial({ ...options, random: randomOf('confirm'), areStrangers, alsoNamed }, scope);
    if (typeof trial === 'string') return untried(trial.trim().split('\n').at(-1) ?? '');
    const tried = await trial.ask(request);
    if (typeof tried === 'string') return untried(tried);
    const context = { request, secrets: trial.secrets };
    const other = disagreement(said, tried, context);
    const status = tried.response?.status ?? 0;
    if (other !== undefined && status >= 400 && status < 500 && isRefusable(request, proxy))
      return untried('it refuses this request before it looks at the files');
    if (other !== undefined) return { result: 'other', told: `${target.name} does something else: ${other}` };
    const shown = disagreement(saidBySpec(decision, request, { policy, proxy }), tried, context);
    return shown === undefined
      ? untried('upstreams on this machine do not show it')
      : { result: 'confirmed', told: `confirmed on ${target.name}: ${shown}` };
  } finally {
    await scope.close();
  }
}
