import * as assert from 'uvu/assert';
import { expectationOf } from '../src/verify/expect.ts';
import { openScope, type Scope } from '../src/verify/scope.ts';
import { judgeAlone } from '../src/verify/send.ts';
import type { Trial } from '../src/verify/trial.ts';
import { engineSuite } from './engines/suite.ts';
import { checkCase, findCases } from './support/golden.ts';
import { decisionsOf, probeFrom } from './verify/named.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { broadTrial, findings, verified } from './verify/run.ts';

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`verify on ${engine}`, [engine]);
  let scope: Scope;
  let trial: Trial;

  test.before(async () => {
    scope = openScope();
    trial = await broadTrial({ engine, target, program: engines[engine].path, seed: 'named' }, scope);
  });
  test.after(() => scope.close());

  // Every disagreement that was ever found is one of these.
  for (const { path, title } of findCases('test/verify/named')) {
    test(title, () =>
      checkCase(path, async (read) => {
        const now = Date.now() / 1000;
        const probe = probeFrom(read('request') ?? '', read('proxy') ?? '', trial.secrets);
        const ground = trial.grounds.get(probe.proxy);
        assert.ok(ground, `no proxy ${probe.proxy}`);
        const disagreement = await judgeAlone(probe, trial, now);
        assert.equal(disagreement?.problems.map(({ text }) => text) ?? [], []);
        return new Map([['decision', ground ? decisionsOf(expectationOf(probe, ground, now)) : '']]);
      }),
    );
  }

  test('probes of a spec with something of everything', async () => {
    const run = await verified({ engine, target, program: engines[engine].path, requests: 3_000, seed: 'npm test' });
    assert.is(findings(run), '');
    assert.is(run.sent, 3_000);
  });

  test.run();
}
