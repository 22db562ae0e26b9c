import * as assert from 'uvu/assert';
import type { RenderedFile } from '../src/targets/target.ts';
import { engineSuite } from './engines/suite.ts';
import { mutations } from './verify/mutations.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { verified } from './verify/run.ts';

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`a broken generator for ${engine}`, [engine]);

  for (const { name, tamper } of mutations[engine]) {
    test(`${name} is found`, async () => {
      let changed = false;
      const watched = (file: RenderedFile): RenderedFile => {
        const result = tamper(file);
        changed ||= result.text !== file.text;
        return result;
      };
      const run = await verified({ engine, target, program: engines[engine].path, tamper: watched, requests: 10_000, enough: 1 });
      assert.ok(changed, 'the mutation changed nothing');
      assert.ok(run.disagreements > 0, `nothing was found in ${run.sent} requests`);
    });
  }

  test.run();
}
