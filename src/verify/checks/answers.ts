import type { Proxy, Upstream } from '../../policy/types.ts';
import type { EngineRun } from '../engineRun.ts';
import { expectationOf } from '../expect.ts';
import { fieldOf } from '../http1.ts';
import type { Random } from '../random.ts';
import { type CheckFailure, type Forwarded, forwardedBy, probeOf } from './check.ts';
import { type OddProblem, oddProblems } from './oddAnswers.ts';

/**
 * Checks that odd answers of upstreams, such as a 103, pass all filters and mappings and leave the connection usable.
 */
export async function oddAnswers(run: EngineRun, random: Random): Promise<CheckFailure[]> {
  const failures: CheckFailure[] = [];
  for (const upstream of run.policy.upstreams) {
    const candidates = [...forwardedBy(run)].filter(
      ({ method, routeClass }) => method === 'GET' && routeClass.forwarding.upstream === upstream.id,
    );
    const asked = new Set<Proxy>();
    for (const candidate of candidates) {
      const { proxy } = candidate.fixture;
      if (asked.has(proxy)) continue;
      const problems = await problemsOf(candidate, { upstream, run, random });
      if (problems === undefined) continue;
      asked.add(proxy);
      for (const { words, limit } of problems)
        failures.push({ at: upstream.origin, problem: `upstream ${upstream.id} ${words}`, limit });
    }
  }
  return failures;
}

/** What is wrong with odd answers to requests to an endpoint; `undefined` where this request is not forwarded. */
async function problemsOf(
  candidate: Forwarded,
  { upstream, run, random }: { upstream: Upstream; run: EngineRun; random: Random },
): Promise<OddProblem[] | undefined> {
  const { fixture } = candidate;
  const { proxy } = fixture;
  const { peer, raw } = probeOf(candidate, random);
  const [only] = expectationOf({ proxy: proxy.id, peer, raw }, fixture, Date.now() / 1000).expected;
  if (only?.decision.kind !== 'forward') return undefined;
  const origin = proxy.publicUrl ?? `${proxy.tls ? 'https' : 'http'}://${fieldOf(only.request.fields, 'host')}`;
  return oddProblems({ upstream, origin, listener: proxy, peer, raw, upstreams: run.upstreams });
}
