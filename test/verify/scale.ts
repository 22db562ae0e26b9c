import * as assert from 'uvu/assert';
import { engineSuite } from '../engines/suite.ts';
import { engineVersions } from './proxyTargets.ts';
import { randomSpecs } from './randomSpecs.ts';
import { findings, verified } from './run.ts';

// POSTERN_SEED=$RANDOM looks where nobody has looked before; what it finds becomes a case in test/verify/named.
const seed = process.env['POSTERN_SEED'] ?? 'slow';
/** Every fourth batch has hosts, TLS and pages of other origins, where each connection begins with a handshake. */
const isPublic = (batch: number) => batch % 4 === 3;
const batches = 8;
const specsEach = 26;
const requestsEach = 13_000;

/**
 * More than 100,000 requests over more than 200 specs, the same ones for every engine. A slow engine has them in several
 * files, of which this is one.
 */
export async function scale(name: keyof typeof engineVersions, part = 1, parts = 1): Promise<void> {
  const { target } = engineVersions[name];
  const { test, engines } = await engineSuite(`random specs on ${name}`, [name]);

  for (let batch = part - 1; batch < batches; batch += parts) {
    test(`specs ${batch * specsEach} to ${(batch + 1) * specsEach - 1}`, async () => {
      const own = `${seed} ${batch}`;
      const run = await verified({
        spec: randomSpecs(own, specsEach, isPublic(batch)),
        target,
        program: engines[name].path,
        requests: requestsEach,
        seed: own,
      });
      assert.is(findings(run), '', `POSTERN_SEED=${seed}`);
      assert.is(run.sent, requestsEach);
    });
  }

  test.run();
}
