import type { Policy, Proxy } from '../policy/types.ts';
import type { Difference } from '../prove/compare.ts';
import { isRefusable } from '../prove/refusable.ts';
import type { ExampleRequest } from '../prove/request.ts';
import { type Said, saidBySpec } from '../prove/said.ts';
import type { ReadFileText, Target } from '../targets/target.ts';
import { disagreement } from './agree.ts';
import { randomOf } from './random.ts';
import { openScope } from './scope.ts';
import type { Secrets } from './secrets.ts';
import { startTrial, type Trial } from './trial.ts';

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
  if (isUnknownName(said)) return untried('no certificate can be made for a name that is not known');
  const scope = openScope();
  try {
    const isSecure = said.kind === 'forward' && said.scheme === 'https';
    const areStrangers = isSecure && !said.tls.verified;
    const alsoNamed = isSecure ? said.tls.name : undefined;
    const asked = { areStrangers, alsoNamed, keyOf: request };
    const trial = await startTrial({ ...options, ...asked, random: randomOf('confirm') }, scope);
    if (typeof trial === 'string') return untried(trial.trim().split('\n').at(-1) ?? '');
    const tried = await trial.ask(request);
    if (typeof tried === 'string') return untried(tried);
    const context = { request, secrets: trial.secrets };
    const other = disagreement(said, tried, context);
    const status = tried.response?.status ?? 0;
    if (other !== undefined && status >= 400 && status < 500 && isRefusable(request, proxy))
      return untried('it refuses this request before it looks at the files');
    const wanted = saidBySpec(decision, request, { policy, proxy });
    if (other !== undefined && status === 502 && !tried.arrival && needsAnotherName(said, wanted))
      return untried('it takes no certificate of an upstream on this machine for the name in TLS');
    if (other !== undefined) return { result: 'other', told: `${target.name} does something else: ${other}` };
    const shown = disagreement(wanted, tried, context) ?? (await shownByAsking(trial, { said, wanted, ...context }));
    return shown === undefined
      ? untried('upstreams on this machine do not show it')
      : { result: 'confirmed', told: `confirmed on ${target.name}: ${shown}` };
  } finally {
    await scope.close();
  }
}

/** Whether an upstream would have to show a certificate for a name that the reader does not know. */
function isUnknownName(said: Said): boolean {
  if (said.kind !== 'forward' || said.scheme !== 'https') return false;
  const { verified, name, tellsName } = said.tls;
  return verified && name === undefined && tellsName !== undefined;
}

/** Whether an upstream has to have another name than the spec says, of which there may be no certificate. */
function needsAnotherName(said: Said, wanted: Said): boolean {
  if (said.kind !== 'forward' || said.scheme !== 'https' || !said.tls.verified) return false;
  return wanted.kind === 'forward' && wanted.tls.name !== said.tls.name;
}

/** Requests for each server: an engine that picks one at random leaves one out of 60 once in 100,000 trials. */
const EACH = 16;

interface Asking {
  readonly request: ExampleRequest;
  readonly secrets: Secrets;
  readonly said: Said;
  readonly wanted: Said;
}

/**
 * Shows what one request need not: that a server of a pool gets none of many, that one that is no server of the pool
 * gets some, or which of two values a header now and then has.
 */
async function shownByAsking(trial: Trial, { said, wanted, ...context }: Asking): Promise<string | undefined> {
  if (said.kind !== 'forward' || wanted.kind !== 'forward') return undefined;
  const missing = wanted.servers.filter((server) => !said.servers.includes(server));
  const seen = new Set<string>();
  const most = EACH * (said.servers.length + wanted.servers.length);
  for (let count = 0; count < most; count++) {
    const tried = await trial.ask(context.request);
    // Such as a key that may not ask so often.
    if (typeof tried === 'string' || disagreement(said, tried, context) !== undefined) return undefined;
    const shown = disagreement(wanted, tried, context);
    if (shown !== undefined) return shown;
    if (tried.arrival) seen.add(tried.arrival.server);
  }
  const isWhole = said.servers.every((server) => seen.has(server));
  return isWhole && missing.length > 0 ? `none of ${most} requests is forwarded to ${missing.join(' or ')}` : undefined;
}
