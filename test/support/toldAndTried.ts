import * as assert from 'uvu/assert';
import { confirm } from '../../src/verify/confirm.ts';
import { randomOf } from '../../src/verify/random.ts';
import { proxyTarget } from '../verify/proxyTargets.ts';
import { type Made, proof } from './proofs.ts';
import { type Tally, tryReader } from './readerTrials.ts';

interface Edited {
  readonly program: string;
  readonly made: Made;
  readonly seed: string;
  /** Requests to what is proved, for each place of the files and kind of target. */
  readonly each: number;
}

/** What is told of files that somebody has changed. The engine confirms a difference, and agrees with what is proved. */
export async function toldAndTried({ program, made, seed, each }: Edited): Promise<string> {
  const result = proof(made);
  if (result.kind === 'unknown') return `cannot tell: ${result.problem}`;
  if (result.kind === 'proved') {
    const tally: Tally = { asked: 0, left: 0, problems: [] };
    await tryReader({ program, made, random: randomOf(seed), each, title: 'proved' }, tally);
    assert.equal(tally.problems, []);
    return `proved, and ${tally.asked} requests agree`;
  }
  const { engine, policy, files } = made;
  const [proxy] = policy.proxies;
  assert.ok(proxy);
  const { difference, others } = result;
  const tried = await confirm({ target: proxyTarget(engine), program, policy, proxy, files, difference, others });
  assert.is(tried.result, 'confirmed', `${difference.what}: ${tried.told}`);
  return (tried.difference ?? difference).what;
}
