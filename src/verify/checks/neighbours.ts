import type { Upstream } from '../../policy/types.ts';
import type { Probe } from '../draft.ts';
import type { EngineRun } from '../engineRun.ts';
import { exchangeAlone } from '../exchange.ts';
import { type Expectation, expectationOf } from '../expect.ts';
import type { Random } from '../random.ts';
import { type CheckFailure, type Forwarded, forwardedBy, probeOf } from './check.ts';

/** Ways in which one caller's requests can fail at an upstream. */
const DISTURBANCES = {
  'closes the connection': { raw: '', close: true },
  'answers 500': { status: 500, body: '{"disturbed":true}' },
} as const;

interface Asked {
  readonly probe: Probe;
  readonly expectation: Expectation;
  readonly target: string;
}

/**
 * Checks that failures of one caller's requests do not stop those of another: after an upstream has failed some
 * requests on each of its servers, the next request must still get through.
 */
export async function neighbours(run: EngineRun, random: Random): Promise<CheckFailure[]> {
  const failures: CheckFailure[] = [];
  const all = [...forwardedBy(run)];
  for (const upstream of run.policy.upstreams) {
    const pair = pairOf(
      all.filter(({ routeClass }) => routeClass.forwarding.upstream === upstream.id),
      random,
    );
    if (!pair) continue;
    for (const [words, answer] of Object.entries(DISTURBANCES)) {
      run.upstreams.answerWith(({ id }, { target }) =>
        id === upstream.id && target === pair.disturbing.target ? answer : undefined,
      );
      const problem = await disturbed(upstream, pair, run);
      run.upstreams.answerWith(undefined);
      if (problem === undefined) continue;
      failures.push({
        at: upstream.origin,
        problem: `upstream ${upstream.id} ${words} of one request, and ${problem}`,
      });
      break;
    }
  }
  return failures;
}

interface Pair {
  readonly disturbing: Asked;
  readonly neighbour: Asked;
  readonly fixture: Forwarded['fixture'];
}

/** Two requests that are forwarded to an upstream and have different targets, if only by their query. */
function pairOf(candidates: readonly Forwarded[], random: Random): Pair | undefined {
  for (const first of random.shuffled(candidates).slice(0, MOST_CANDIDATES)) {
    const disturbing = askedOf(first, random);
    if (!disturbing) continue;
    for (const second of candidates.filter(({ fixture }) => fixture === first.fixture).slice(0, MOST_CANDIDATES)) {
      const neighbour = askedOf(second, random);
      const { fixture } = first;
      if (!neighbour) continue;
      if (neighbour.target !== disturbing.target) return { disturbing, neighbour, fixture };
      const marked = { ...disturbing.probe, raw: disturbing.probe.raw.replace(' HTTP/', '?page=9 HTTP/') };
      const again = expectationOf(marked, fixture, Date.now() / 1000);
      if (again.expected[0]?.decision.kind === 'forward')
        return {
          disturbing: { probe: marked, expectation: again, target: `${disturbing.target}?page=9` },
          neighbour,
          fixture,
        };
    }
  }
  return undefined;
}

const MOST_CANDIDATES = 20;

function askedOf(candidate: Forwarded, random: Random): Asked | undefined {
  const probe = probeOf(candidate, random);
  const expectation = expectationOf(probe, candidate.fixture, Date.now() / 1000);
  const [only] = expectation.expected;
  return only?.decision.kind === 'forward' ? { probe, expectation, target: only.request.target } : undefined;
}

async function disturbed({ servers }: Upstream, { disturbing, neighbour, fixture }: Pair, run: EngineRun) {
  const context = { proxy: fixture.proxy, upstreams: run.upstreams };
  // Engines count failures of each server, and try the servers in turn.
  for (let times = 0; times < 3 * servers.length; times += 1)
    await exchangeAlone(disturbing.probe, disturbing.expectation, context);
  for (let times = 0; times < 2 * servers.length; times += 1) {
    const { answers } = await exchangeAlone(neighbour.probe, neighbour.expectation, context);
    const [answer] = answers;
    if (!answer?.arrival) return `another that came next was answered ${answer?.response.status ?? 'nothing'}`;
  }
  return undefined;
}
