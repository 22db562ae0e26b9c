import * as assert from 'uvu/assert';
import { randomOf } from '../src/verify/random.ts';
import { engineSuite } from './engines/suite.ts';
import { mutated } from './support/fileMutations.ts';
import { type Made, PROVED_SPEC, specFiles } from './support/proofs.ts';
import { type Tally, tryReader } from './support/readerTrials.ts';
import { smallTables } from './support/smallTables.ts';
import { engineVersions } from './verify/proxyTargets.ts';

// POSTERN_SEED=$RANDOM looks where nobody has looked before.
const seed = process.env['POSTERN_SEED'] ?? 'reader';
const { test, engines } = await engineSuite('reader and engines agree', ['nginx', 'nginx-newest', 'caddy']);

for (const name of ['nginx', 'nginx-newest', 'caddy'] as const) {
  const { target } = engineVersions[name];
  const engine = target.name === 'caddy' ? 'caddy' : 'nginx';
  const tryAll = async (count: number, make: (number: number) => Made, each: number): Promise<Tally> => {
    const tally: Tally = { asked: 0, left: 0, problems: [] };
    const { path: program } = engines[name];
    for (let number = 0; number < count; number++) {
      const random = randomOf(`${seed} trial ${number}`);
      await tryReader({ program, made: make(number), random, each, title: `${name} ${number}` }, tally);
    }
    assert.equal(tally.problems.slice(0, 5), [], `POSTERN_SEED=${seed}`);
    return tally;
  };

  test(`${name}: small tables`, async () => {
    const { asked, left } = await tryAll(12, (number) => smallTables(engine, randomOf(`${seed} ${number}`)), 30);
    assert.ok(asked > 100 && left < 9, `${asked} requests, ${left} files left`);
  });

  test(`${name}: generated files with one change`, async () => {
    const own = specFiles(PROVED_SPEC, engine);
    const change = (number: number) => ({ ...own, files: mutated(own.files, randomOf(`${seed} ${number}`)).files });
    const { asked } = await tryAll(4, change, 2);
    assert.ok(asked > 50, `${asked} requests`);
  });
}

test.run();
