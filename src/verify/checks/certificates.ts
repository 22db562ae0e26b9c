import type { EngineRun } from '../engineRun.ts';
import { exchangeAlone } from '../exchange.ts';
import { expectationOf } from '../expect.ts';
import type { Random } from '../random.ts';
import { type CheckFailure, type Forwarded, forwardedBy, probeOf } from './check.ts';

/**
 * Checks that no request reaches an impostor: a server with the upstream's name and a certificate that no trusted
 * authority has signed. The upstreams stay impostors afterwards, so this check comes last.
 */
export async function unverifiedUpstreams(run: EngineRun, random: Random): Promise<CheckFailure[]> {
  const verified = run.policy.upstreams.filter(({ tls }) => tls && !tls.insecureSkipVerify);
  if (verified.length === 0) return [];
  run.upstreams.impersonate();
  const all = [...forwardedBy(run)];
  const failures: CheckFailure[] = [];
  for (const { id, origin } of verified) {
    const candidates = all.filter(({ routeClass }) => routeClass.forwarding.upstream === id);
    const problem = await problemOf(candidates, run, random);
    if (problem !== undefined) failures.push({ at: [...origin, 'url'], problem: `upstream ${id}: ${problem}` });
  }
  return failures;
}

/** Sends one request, to the first route of the upstream that somebody may use. */
async function problemOf(
  candidates: readonly Forwarded[],
  run: EngineRun,
  random: Random,
): Promise<string | undefined> {
  for (const candidate of candidates) {
    const { fixture } = candidate;
    const probe = probeOf(candidate, random);
    const expectation = expectationOf(probe, fixture, Date.now() / 1000);
    if (expectation.expected[0]?.decision.kind !== 'forward') continue;
    run.upstreams.forgetUnclaimed();
    const { answers } = await exchangeAlone(probe, expectation, { proxy: fixture.proxy, upstreams: run.upstreams });
    const status = answers[0]?.response.status;
    if (answers[0]?.arrival || run.upstreams.unclaimed.size > 0)
      return 'a server with a certificate that nobody vouches for was sent the request';
    return status === 502 ? undefined : `answered ${status ?? 'nothing'} instead of 502 where the certificate is wrong`;
  }
  return undefined;
}
