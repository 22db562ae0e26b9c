import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import type { Probe } from '../src/verify/draft.ts';
import type { EngineRun } from '../src/verify/engineRun.ts';
import { openScope, type Scope } from '../src/verify/scope.ts';
import { type Disagreement, sendAll } from '../src/verify/send.ts';
import { engineSuite } from './engines/suite.ts';
import { corpusProbes } from './verify/corpora.ts';
import { engineVersions } from './verify/proxyTargets.ts';
import { broadRun } from './verify/run.ts';

const folder = fileURLToPath(new URL('../../shared/corpora/', import.meta.url));
const read = (name: string) =>
  existsSync(folder + name)
    ? readFileSync(folder + name, 'utf8')
        .trim()
        .split('\n')
    : [];

for (const name of ['caddy', 'nginx', 'nginx-newest'] as const) {
  const { target } = engineVersions[name];
  const { test, engines } = await engineSuite(`collected attacks on ${name}`, [name]);
  let scope: Scope;
  let run: EngineRun;

  test.before(async () => {
    scope = openScope();
    run = await broadRun({ target, program: engines[name].path, seed: 'corpora' }, scope);
  });
  test.after(() => scope.close());

  // The collections lie outside of the repository: a clone without them has the generated probes.
  for (const [file, probesOf] of corpusProbes) {
    const lines = read(file);
    if (lines.length === 0) console.log('skipped: no collections of attacks beside this repository');
    (lines.length === 0 ? test.skip : test)(`${file}: what others have found`, async () => {
      const probes = probesOf(lines, run.secrets);
      const found: Disagreement[] = [];
      const options = {
        now: () => Date.now() / 1000,
        found: (each: Disagreement) => void found.push(each),
        sent: () => {},
        signal: new AbortController().signal,
      };
      await sendAll(probes[Symbol.iterator](), run, options);
      assert.equal(
        found.map(({ probe, problems }) => [inWords(probe), ...problems.map(({ text }) => text)]),
        [],
      );
      assert.ok(probes.length >= lines.length - 1);
    });
  }

  test.run();
}

function inWords({ raw }: Probe): string {
  return JSON.stringify(raw).slice(0, 300);
}
