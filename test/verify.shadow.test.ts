import * as assert from 'uvu/assert';
import { engineSuite } from './engines/suite.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { findings, verified } from './verify/run.ts';
import { shadow, spec } from './verify/shadowed.ts';

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`the log tells what the shadow decides on ${engine}`, [engine]);

  test('as the evaluator does, and nothing else changes', async () => {
    const found = await verified({ spec, shadow, target, program: engines[engine].path, requests: 1500 });
    assert.is(findings(found), '');
    assert.is(found.disagreements, 0);
  });

  test.run();
}
