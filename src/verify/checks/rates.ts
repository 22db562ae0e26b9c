import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { ApiKey } from '../../policy/types.ts';
import { verifyCodes } from '../codes.ts';
import type { Probe } from '../draft.ts';
import { type EngineRun, type EngineRunOptions, startEngineRun } from '../engineRun.ts';
import { connectTo, exchangeOn } from '../exchange.ts';
import { expectationOf } from '../expect.ts';
import type { Random } from '../random.ts';
import type { Scope } from '../scope.ts';
import { fixtureOf } from '../send.ts';
import { type CheckFailure, forwardedBy, probeOf } from './check.ts';

type LimitedKey = ApiKey & { readonly rateLimit: NonNullable<ApiKey['rateLimit']> };

interface Tried {
  readonly failures: readonly CheckFailure[];
  /** Which rates were not tried, and why. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The most keys that are tried. */
const MOST_KEYS = 5;
/** The largest rate, in requests per second, that one client on this machine can surely exceed. */
const FASTEST = 200;
const LARGEST_BURST = 2_000;

/**
 * Checks that a key may send its burst at once, and then no more than its rate. It starts an engine of its own, because
 * all other probes run without rates.
 */
export async function rateLimits(options: EngineRunOptions, scope: Scope): Promise<Tried> {
  const limited = options.policy.apiKeys.filter(isLimited);
  if (limited.length === 0) return { failures: [], diagnostics: [] };
  const started = await startEngineRun({ ...options, rates: true }, scope);
  if (!('run' in started)) return { failures: [], diagnostics: started.diagnostics };
  const failures: CheckFailure[] = [];
  for (const key of limited.filter(isSlow).slice(0, MOST_KEYS)) {
    const probe = probeBy(key, started.run, options.random);
    const problem = probe && (await problemOf(key, probe, started.run));
    if (problem !== undefined) failures.push({ at: [...key.origin, 'rateLimit'], problem: `key ${key.id} ${problem}` });
  }
  await started.run.server.stop();
  const untried = limited.filter((key) => !isSlow(key));
  const diagnostics = untried.map(({ id, origin }) =>
    verifyCodes.report('untried-rate', [...origin, 'rateLimit'], { engine: options.target.name, key: id }),
  );
  return { failures, diagnostics };
}

function isLimited(key: ApiKey): key is LimitedKey {
  return key.rateLimit !== undefined;
}

function isSlow({ rateLimit }: LimitedKey): boolean {
  return perSecond(rateLimit) <= FASTEST && rateLimit.burst <= LARGEST_BURST;
}

function perSecond({ requests, per }: LimitedKey['rateLimit']): number {
  return per === 's' ? requests : requests / 60;
}

/** A request that is forwarded for this key. */
function probeBy({ id }: ApiKey, run: EngineRun, random: Random): Probe | undefined {
  for (const candidate of forwardedBy(run)) {
    // `probeOf` picks the caller at random.
    for (let times = 0; times < 40; times += 1) {
      const probe = probeOf(candidate, random);
      const { decision } = expectationOf(probe, candidate.fixture, Date.now() / 1000).expected[0] ?? {};
      if (decision?.kind === 'forward' && decision.key?.id === id) return probe;
    }
  }
  return undefined;
}

async function problemOf({ rateLimit }: LimitedKey, probe: Probe, run: EngineRun): Promise<string | undefined> {
  const { proxy } = fixtureOf(probe, run);
  const start = Date.now();
  // The first request does not count as part of the burst.
  const due = () => rateLimit.burst + 1 + (perSecond(rateLimit) * (Date.now() - start)) / 1_000;
  let connection = await connectTo(proxy, probe.peer);
  try {
    for (let passed = 0; passed <= due() + 1; passed += 1) {
      if (!connection.open) connection = await connectTo(proxy, probe.peer);
      const [answer] = (await exchangeOn(connection, probe, run.upstreams)).answers;
      if (answer?.arrival) continue;
      const status = answer?.response.status;
      if (status !== 429) return `got ${status ?? 'no answer'} instead of 429 beyond its rate`;
      return passed > rateLimit.burst
        ? undefined
        : `was stopped after ${passed} requests, and its burst is ${rateLimit.burst}`;
    }
    return 'is not stopped beyond its rate';
  } finally {
    connection.close();
  }
}
