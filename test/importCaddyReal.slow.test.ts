import * as assert from 'uvu/assert';
import { freePort } from '../src/verify/ports.ts';
import { randomOf } from '../src/verify/random.ts';
import { startRecorder } from '../src/verify/recorder.ts';
import { engineSuite } from './engines/suite.ts';
import { oldCaddyfile } from './support/oldCaddy/config.ts';
import { type Counts, requestsTo, smallest, tried } from './support/oldCaddy/trial.ts';

/** POSTERN_IMPORT_CONFIGS=3000 looks for hours, POSTERN_SEED=$RANDOM where nobody has looked before. */
const count = Number(process.env['POSTERN_IMPORT_CONFIGS'] ?? 60);
const seed = process.env['POSTERN_SEED'] ?? 'old caddy';
const REQUESTS = 60;

const { test, engines } = await engineSuite('import caddyfile, against the old server', ['caddy']);

test('the spec allows what was forwarded and nothing else, and what it refuses is listed', async () => {
  const recorders = [await startRecorder(), await startRecorder()];
  const upstreams = [recorders[0]?.port ?? 0, recorders[1]?.port ?? 0] as const;
  const ports = { listen: await freePort(), upstreams };
  const counts: Counts = { configs: 0, refused: 0, requests: 0, allowed: 0, told: 0 };
  const bench = { program: engines.caddy.path, ports, recorders, counts };
  const faults: string[] = [];
  try {
    for (let number = 0; number < count && faults.length < 40; number += 1) {
      const random = randomOf(`${seed} ${number}`);
      const lines = oldCaddyfile(random, ports);
      const [fault] = await tried(lines, requestsTo(random, REQUESTS), bench);
      if (!fault) continue;
      const { kind, text } = await smallest(lines, fault, { ...bench, counts: { ...counts } });
      faults.push(`#${number} ${kind}\n${text}`);
    }
  } finally {
    for (const one of recorders) await one.close();
  }
  console.log(JSON.stringify(counts));
  assert.equal(faults, [], `${faults.length} of ${count}, POSTERN_SEED=${seed}\n${faults.join('\n\n')}`);
});

test.run();
