import * as assert from 'uvu/assert';
import type { EngineRun } from '../src/verify/engineRun.ts';
import { expectationOf } from '../src/verify/expect.ts';
import { openScope, type Scope } from '../src/verify/scope.ts';
import { judgeAlone } from '../src/verify/send.ts';
import { engineSuite } from './engines/suite.ts';
import { broadSpec } from './support/broad.ts';
import { checkCase, findCases } from './support/golden.ts';
import { decisionsOf, probeFrom } from './verify/named.ts';
import { proxyTargets } from './verify/proxyTargets.ts';
import { broadRun, findings, verified } from './verify/run.ts';

for (const { engine, target } of proxyTargets) {
  const { test, engines } = await engineSuite(`verify on ${engine}`, [engine]);
  let scope: Scope;
  let run: EngineRun;

  test.before(async () => {
    scope = openScope();
    run = await broadRun({ target, program: engines[engine].path, seed: 'named' }, scope);
  });
  test.after(() => scope.close());

  // Every disagreement that was ever found is one of these.
  for (const { path, title } of findCases('test/verify/named')) {
    test(title, () =>
      checkCase(path, async (read) => {
        const now = Date.now() / 1000;
        const probe = probeFrom(read('request') ?? '', read('proxy') ?? '', run.secrets);
        const fixture = run.fixtures.get(probe.proxy);
        assert.ok(fixture, `no proxy ${probe.proxy}`);
        const disagreement = await judgeAlone(probe, run, now);
        assert.equal(disagreement?.problems.map(({ text }) => text) ?? [], []);
        return new Map([['decision', fixture ? decisionsOf(expectationOf(probe, fixture, now)) : '']]);
      }),
    );
  }

  test('probes of a spec with something of everything', async () => {
    const run = await verified({ target, program: engines[engine].path, requests: 1_000, seed: 'npm test' });
    assert.is(findings(run), '');
    assert.is(run.sent, 1_000);
  });

  test('an upstream that is an IPv6 address names itself in brackets', async () => {
    const spec = { ...broadSpec, upstreams: { ...broadSpec.upstreams, gitlab: { url: 'http://[2001:db8::1]:8080' } } };
    const run = await verified({ spec, target, program: engines[engine].path, requests: 300 });
    assert.is(findings(run), '');
  });

  test.run();
}
