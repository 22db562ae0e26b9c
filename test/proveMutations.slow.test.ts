import { appendFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { confirm } from '../src/verify/confirm.ts';
import { randomOf } from '../src/verify/random.ts';
import { engineSuite } from './engines/suite.ts';
import { mutated } from './support/fileMutations.ts';
import { type Engine, exampleFiles, type Made, PROVED_SPEC, proof, specFiles } from './support/proofs.ts';
import { starts, type Tally, tryReader } from './support/readerTrials.ts';
import { proxyTarget } from './verify/proxyTargets.ts';

// POSTERN_SEED=$RANDOM looks where nobody has looked before. A long run is one of many seeds: with POSTERN_MUTATIONS=20
// and POSTERN_REQUESTS=30 each takes some minutes. The file POSTERN_SHOWN gets what was told of each change.
const seed = process.env['POSTERN_SEED'] ?? 'mutations';
const count = Number(process.env['POSTERN_MUTATIONS'] ?? 8);
/** Of what is proved, for each place of the files and each kind of target. */
const requests = Number(process.env['POSTERN_REQUESTS'] ?? 2);
const { test, engines } = await engineSuite('one change of generated files', ['nginx', 'caddy']);

const EXAMPLES: Readonly<Record<Engine, readonly string[]>> = {
  nginx: ['runner', 'vault', 'gitlab-flow', 'deploy', 'dependency-proxy', 'gitlab-proxy'],
  caddy: ['runner', 'vault', 'gitlab-flow', 'addresses', 'dependency-proxy', 'gitlab-proxy'],
};

for (const engine of ['nginx', 'caddy'] as const) {
  test(`${engine}: what is told is what the engine does, and what is proved changes nothing`, async () => {
    const sources = [specFiles(PROVED_SPEC, engine), ...EXAMPLES[engine].map((name) => exampleFiles(name, engine))];
    const found = new Map<string, number>();
    const tally: Tally = { asked: 0, left: 0, problems: [] };
    for (let number = 0; number < count / 2; number++) {
      const random = randomOf(`${seed} ${engine} ${number}`);
      const kind = await outcomeOf(random.pick(sources), number, tally);
      found.set(kind, (found.get(kind) ?? 0) + 1);
    }
    assert.equal(tally.problems.slice(0, 5), [], `POSTERN_SEED=${seed}`);
    const kinds = JSON.stringify(Object.fromEntries(found));
    const told = `${engine}: ${kinds}; ${tally.asked} requests to what is proved, ${tally.left} not started`;
    console.log(told);
    note(told);
  });
}

function note(text: string): void {
  const file = process.env['POSTERN_SHOWN'];
  if (file !== undefined) appendFileSync(file, `${text}\n`);
}

/** What is said of files after a change, and what the engine says to it. */
async function outcomeOf(own: Made, number: number, tally: Tally): Promise<string> {
  const { engine } = own;
  const random = randomOf(`${seed} ${engine} change ${number}`);
  const change = mutated(own.files, random);
  const made = { ...own, files: change.files };
  const title = `${number}, ${change.kind}, ${change.file}:${change.line}: ${change.before} → ${change.after}`;
  const result = proof(made);
  const { path: program } = engines[engine];
  if (result.kind === 'unknown') {
    if (!(await starts({ program, made, random }))) return 'refused by the engine itself';
    note(`cannot tell: ${result.problem}: ${title}`);
    return 'cannot tell';
  }
  if (result.kind === 'proved') {
    await tryReader({ program, made, random, each: requests, title }, tally);
    return result.kind;
  }
  const [proxy] = made.policy.proxies;
  assert.ok(proxy);
  const { difference, others } = result;
  const target = proxyTarget(engine);
  const tried = await confirm({ target, program, policy: made.policy, proxy, files: made.files, difference, others });
  const { what, request } = tried.difference ?? difference;
  const { method, target: line, headers } = request;
  note(`${tried.result}: ${title}: ${what}: ${tried.told}: ${JSON.stringify([method, line, headers])}`);
  if (tried.result === 'other') tally.problems.push(`${title}: ${what}: ${tried.told}`);
  return tried.result;
}

test.run();
