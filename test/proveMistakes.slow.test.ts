import * as assert from 'uvu/assert';
import { confirm } from '../src/verify/confirm.ts';
import { randomOf } from '../src/verify/random.ts';
import { engineSuite } from './engines/suite.ts';
import { broadSpec } from './support/broad.ts';
import { type Engine, type Made, proof, specFiles } from './support/proofs.ts';
import { type Tally, tryReader } from './support/readerTrials.ts';
import { type Mutation, mutations } from './verify/mutations.ts';
import { proxyTarget } from './verify/proxyTargets.ts';

/** How many mistakes of each generator; POSTERN_MISTAKES=100 is all of them, and takes long. */
const count = Number(process.env['POSTERN_MISTAKES'] ?? 1);
/** Only those with this in their names. */
const part = process.env['POSTERN_MISTAKE'] ?? '';
const { test, engines } = await engineSuite('a mistake of a generator', ['nginx', 'caddy']);

/** Those that are compared fast come first, since one difference is enough. */
const ORDER = ['whatever', 'third', 'second', 'first', 'bearer', 'balanced', 'checked', 'api', 'any-page', 'pages'];

for (const engine of ['nginx', 'caddy'] as const) {
  const spec = JSON.stringify({ version: 1, name: 'broad', ...broadSpec, targets: { nginx: {}, caddy: {} } });
  for (const mutation of mutations[engine].slice(0, count).filter(({ name }) => name.includes(part)))
    test(`${engine}: ${mutation.name}: is shown and confirmed, or changes no decision`, async () => {
      const made = specFiles(spec, engine);
      const files = made.files.map((file) => ({ ...file, text: mutation.tamper({ ...file, comment: '#' }).text }));
      const told = await outcomeOf({ ...made, files }, mutation, engine);
      console.log(`${engine}: ${mutation.name}: ${told}`);
    });
}

/** What is said of the first proxy that has a difference, and what the engine says to it. */
async function outcomeOf(made: Made, { name }: Mutation, engine: Engine): Promise<string> {
  const { path: program } = engines[engine];
  const unclear: string[] = [];
  for (const id of ORDER) {
    const index = made.policy.proxies.findIndex((each) => each.id === id);
    const proxy = made.policy.proxies[index];
    assert.ok(proxy, id);
    const result = proof(made, index);
    if (result.kind === 'unknown') unclear.push(`${proxy.id}: ${result.problem}`);
    if (result.kind !== 'differs') continue;
    const { difference, others } = result;
    const options = { target: proxyTarget(engine), program, policy: made.policy, files: made.files };
    const tried = await confirm({ ...options, proxy, difference, others });
    if (tried.result === 'confirmed') return `${proxy.id}: ${(tried.difference ?? difference).what}: ${tried.told}`;
    assert.is(tried.result, 'untried', `${proxy.id}: ${difference.what}: ${tried.told}`);
    unclear.push(`${proxy.id}: ${difference.what}: ${tried.told}`);
  }
  if (unclear.length > 0) return `not confirmed: ${unclear.join('; ')}`;
  const tally: Tally = { asked: 0, left: 0, problems: [] };
  await tryReader({ program, made, random: randomOf(name), each: 2, title: name }, tally);
  assert.equal(tally.problems.slice(0, 5), []);
  assert.ok(tally.asked > 0);
  return `proved, and ${tally.asked} requests agree`;
}

test.run();
