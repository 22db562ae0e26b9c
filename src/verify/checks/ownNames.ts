import { raw, withField } from '../draft.ts';
import type { EngineRun } from '../engineRun.ts';
import { connectTo, unlessSilent } from '../exchange.ts';
import { expectationOf } from '../expect.ts';
import { hostFor, sentFrom } from '../probes/base.ts';
import type { Random } from '../random.ts';
import type { CheckFailure } from './check.ts';

/** More than engines accept where the configuration sets no limit. */
const LARGE_BODY = 2_000_000;
const MOST_TARGETS = 100;

/**
 * Checks that no client can reach a location that the generator made for itself, by spelling its name. Most such
 * requests are refused in the end, but the limits of the location show: a large body is refused as too large, not as
 * not allowed.
 */
export async function ownNames(run: EngineRun, random: Random): Promise<CheckFailure[]> {
  const failures: CheckFailure[] = [];
  for (const fixture of run.fixtures.values()) {
    for (const target of run.ownTargets.slice(0, MOST_TARGETS)) {
      const plain = { method: 'POST', target, version: 'HTTP/1.1', fields: [['Host', hostFor(fixture)]] } as const;
      const { draft, peer } = sentFrom(plain, fixture.refused(), { fixture, random, now: 0 });
      const { expected } = expectationOf(
        { proxy: fixture.proxy.id, peer, raw: raw(draft) },
        fixture,
        Date.now() / 1000,
      );
      const [only] = expected;
      if (only?.decision.kind !== 'deny' || only.refusable !== undefined) continue;
      const connection = await connectTo(fixture.proxy, peer);
      connection.write(raw(withField(draft, 'Content-Length', String(LARGE_BODY))));
      const status = (await unlessSilent(connection, 'POST', fixture.proxy))?.status;
      connection.close();
      if (status === only.decision.status) continue;
      const problem = `POST ${target} with a large body was answered ${status ?? 'nothing'} instead of ${only.decision.status}`;
      failures.push({ at: fixture.proxy.origin, problem });
      break;
    }
  }
  return failures;
}
