import { exchangeAlone } from '../exchange.ts';
import { expectationOf } from '../expect.ts';
import type { Random } from '../random.ts';
import type { Trial } from '../trial.ts';
import { type Forwarded, forwardedBy, probeOf, type Unmet } from './check.ts';

/**
 * Whether a server that only has the upstream's name gets nothing. From here on no upstream is what it was, so this is
 * the last that an engine is asked.
 */
export async function unverifiedUpstreams(trial: Trial, random: Random): Promise<Unmet[]> {
  const verified = trial.policy.upstreams.filter(({ tls }) => tls && !tls.insecureSkipVerify);
  if (verified.length === 0) return [];
  trial.upstreams.impersonate();
  const all = [...forwardedBy(trial)];
  const unmet: Unmet[] = [];
  for (const { id, origin } of verified) {
    const candidates = all.filter(({ cell }) => cell.forwarding.upstream === id);
    const problem = await problemOf(candidates, trial, random);
    if (problem !== undefined) unmet.push({ at: [...origin, 'url'], problem: `upstream ${id}: ${problem}` });
  }
  return unmet;
}

/** Of the places that lead to an upstream, the first that somebody may ask shows it. */
async function problemOf(candidates: readonly Forwarded[], trial: Trial, random: Random): Promise<string | undefined> {
  for (const candidate of candidates) {
    const { ground } = candidate;
    const probe = probeOf(candidate, random);
    const expectation = expectationOf(probe, ground, Date.now() / 1000);
    if (expectation.expected[0]?.decision.kind !== 'forward') continue;
    trial.upstreams.forgetUnclaimed();
    const { answers } = await exchangeAlone(probe, expectation, { proxy: ground.proxy, upstreams: trial.upstreams });
    const status = answers[0]?.response.status;
    if (answers[0]?.arrival || trial.upstreams.unclaimed.size > 0)
      return 'a server with a certificate that nobody vouches for was sent the request';
    return status === 502 ? undefined : `answered ${status ?? 'nothing'} instead of 502 where the certificate is wrong`;
  }
  return undefined;
}
