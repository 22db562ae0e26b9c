import * as assert from 'uvu/assert';
import { randomOf } from '../src/verify/random.ts';
import { engineSuite } from './engines/suite.ts';
import { mutated } from './support/fileMutations.ts';
import { type Engine, type Made, PROVED_SPEC, specFiles } from './support/proofs.ts';
import { type Tally, tryReader } from './support/readerTrials.ts';
import { smallTables } from './support/smallTables.ts';
import { engineVersions } from './verify/proxyTargets.ts';
import { randomSpecs } from './verify/randomSpecs.ts';

// POSTERN_SEED=$RANDOM looks where nobody has looked before.
const seed = process.env['POSTERN_SEED'] ?? 'reader';
/** Of all engines together; POSTERN_REQUESTS=100000 takes an hour. */
const requests = Number(process.env['POSTERN_REQUESTS'] ?? 600);
const { test, engines } = await engineSuite('reader and engines agree', ['nginx', 'nginx-newest', 'caddy']);

/** Small tables, files of random specs, and such files with one change. */
function files(engine: Engine, number: number): { readonly made: Made; readonly each: number } {
  const random = randomOf(`${seed} files ${number}`);
  if (number % 10 < 8) return { made: smallTables(engine, random), each: 120 };
  const spec = {
    version: 1,
    name: 'random',
    ...randomSpecs(`${seed} ${number}`, 1),
    targets: { nginx: {}, caddy: {} },
  };
  const own = specFiles(JSON.stringify(spec), engine);
  return { made: number % 10 === 8 ? own : { ...own, files: mutated(own.files, random).files }, each: 3 };
}

for (const name of ['nginx', 'nginx-newest', 'caddy'] as const) {
  test(`${name}: as many requests as are asked for`, async () => {
    const engine = engineVersions[name].target.name === 'caddy' ? 'caddy' : 'nginx';
    const tally: Tally = { asked: 0, left: 0, problems: [] };
    let number = 0;
    for (; tally.asked < requests / 3; number++) {
      const random = randomOf(`${seed} trial ${number}`);
      const { made, each } = files(engine, number);
      await tryReader({ program: engines[name].path, made, random, each, title: `${name} ${number}` }, tally);
      assert.equal(tally.problems.slice(0, 5), [], `POSTERN_SEED=${seed}`);
    }
    console.log(`${name}: ${tally.asked} requests to ${number - tally.left} configurations, ${tally.left} left out`);
  });
}

const BALANCED = PROVED_SPEC.replace(
  'listen: 8080,',
  'listen: 8080, clientIp: { trustedProxies: [198.51.100.7], proxyProtocol: true },',
);

for (const name of ['nginx', 'caddy'] as const)
  test(`${name}: the line of PROXY protocol names the client, whichever balancer the spec trusts`, async () => {
    const made = specFiles(BALANCED, name);
    const tally: Tally = { asked: 0, left: 0, problems: [] };
    await tryReader({ program: engines[name].path, made, random: randomOf('balanced'), each: 2, title: name }, tally);
    assert.equal([tally.problems.slice(0, 5), tally.left], [[], 0]);
    assert.ok(tally.asked > 20, String(tally.asked));
  });

test.run();
