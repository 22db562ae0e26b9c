import * as assert from 'uvu/assert';
import { engineSuite } from './engines/suite.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { findings, verified } from './verify/run.ts';
import { alike, shadow, spec } from './verify/shadowed.ts';

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`the log tells what the shadow decides on ${engine}`, [engine]);

  for (const [title, pair] of [
    ['as the evaluator does, and nothing else changes', { spec, shadow }],
    ['also where the two are much alike', alike],
  ] as const)
    test(title, async () => {
      const found = await verified({ ...pair, target, program: engines[engine].path, requests: 1500 });
      assert.is(findings(found), '');
      assert.is(found.disagreements, 0);
    });

  test.run();
}
