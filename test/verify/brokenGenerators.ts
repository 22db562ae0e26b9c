import * as assert from 'uvu/assert';
import type { RenderedFile } from '../../src/targets/target.ts';
import { engineSuite } from '../engines/suite.ts';
import { mutations } from './mutations.ts';
import { proxyTargets } from './proxyTargets.ts';
import { verified } from './run.ts';

/** A generator that makes a mistake is found out within 10,000 requests, whatever the mistake is. */
export async function brokenGenerators(name: keyof typeof mutations): Promise<void> {
  const subject = proxyTargets.find(({ engine }) => engine === name);
  if (!subject) throw new Error(`no target for ${name}`);
  const { engine, target } = subject;
  const { test, engines } = await engineSuite(`a broken generator for ${engine}`, [engine]);

  for (const { name: mistake, tamper } of mutations[name]) {
    test(`${mistake} is found`, async () => {
      let changed = false;
      const watched = (file: RenderedFile): RenderedFile => {
        const result = tamper(file);
        changed ||= result.text !== file.text;
        return result;
      };
      const run = await verified({
        target,
        program: engines[engine].path,
        tamper: watched,
        requests: 10_000,
        enough: 1,
      });
      assert.ok(changed, 'the mutation changed nothing');
      assert.ok(run.disagreements > 0, `nothing was found in ${run.sent} requests`);
    });
  }

  test.run();
}
