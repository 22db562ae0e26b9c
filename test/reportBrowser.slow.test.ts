import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { engineSuite } from './engines/suite.ts';
import { inBrowser } from './support/browser.ts';
import { EXAMPLES, probesOf } from './support/probes.ts';
import { inWorkspace } from './support/workspace.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const { test, engines } = await engineSuite('report in a browser', ['chromium']);

for (const [example, count] of Object.entries(EXAMPLES))
  test(`${example}: the page answers ${count} requests as the command does`, () =>
    inWorkspace((workspace) =>
      inBrowser(engines.chromium.path, async (tab) => {
        const spec = `${root}examples/${example}`;
        assert.is((await workspace.run(`report ${spec} --out page.html`)).status, 0);
        const probes = await probesOf(spec, count, workspace);
        await tab.open(join(workspace.path, 'page.html'));
        const questions = JSON.stringify(probes.map(({ question }) => question));
        const got = await tab.evaluate<object[]>(`${questions}.map(ask)`);
        assert.is(got.length, count);
        for (const [index, { question, verdict }] of probes.entries()) {
          const { reason: _, proxy: __, ...said } = got[index] as Record<string, unknown>;
          assert.equal(said, verdict, JSON.stringify(question));
        }
      }),
    ));

test.run();
