import * as assert from 'uvu/assert';
import type { Policy } from '../src/policy/types.ts';
import { freePorts } from '../src/verify/ports.ts';
import { randomOf } from '../src/verify/random.ts';
import { type Recorder, startRecorder } from '../src/verify/recorder.ts';
import { engineSuite } from './engines/suite.ts';
import { oldConfig } from './support/oldNginx/config.ts';
import type { Ports } from './support/oldNginx/http.ts';
import { requestsTo } from './support/oldNginx/requests.ts';
import { type Counts, SEEN, smallest, tried } from './support/oldNginx/trial.ts';

/** POSTERN_IMPORT_CONFIGS=3000 looks for hours, POSTERN_SEED=$RANDOM where nobody has looked before. */
const count = Number(process.env['POSTERN_IMPORT_CONFIGS'] ?? 60);
const seed = process.env['POSTERN_SEED'] ?? 'old nginx';
const REQUESTS = 80;

const { test, engines } = await engineSuite('import nginx, against the old server', ['nginx', 'nginx-newest']);

async function upstream(): Promise<Recorder> {
  let made: Recorder | undefined;
  made = await startRecorder({ answer: () => ({ fields: [[SEEN, `${made?.port} 0`]] }) });
  return made;
}

for (const name of ['nginx', 'nginx-newest'] as const)
  test(`${name}: the spec allows what was forwarded and nothing else, and what it refuses is listed`, async () => {
    const recorders = [await upstream(), await upstream()];
    const [first = 0, second = 0] = await freePorts(2);
    const ports: Ports = { listen: [first, second], upstreams: [recorders[0]?.port ?? 0, recorders[1]?.port ?? 0] };
    const counts: Counts = { configs: 0, refused: 0, requests: 0, allowed: 0, told: 0, unusual: 0 };
    const bench = { program: engines[name].path, ports, recorders, counts };
    const faults: string[] = [];
    try {
      for (let number = 0; number < count && faults.length < 400; number += 1) {
        const random = randomOf(`${seed} ${name} ${number}`);
        const old = oldConfig(random, ports);
        const asking = (policy: Policy | undefined) =>
          requestsTo(old, policy, random, { ports: ports.listen, count: REQUESTS });
        const [fault] = await tried(old, asking, bench);
        if (!fault) continue;
        const { kind, text } = await smallest(old.lines, fault, { ...bench, counts: { ...counts } });
        faults.push(`#${number} ${kind}\n${text}`);
      }
    } finally {
      for (const one of recorders) await one.close();
    }
    console.log(`${name}: ${JSON.stringify(counts)}`);
    assert.equal(faults, [], `${faults.length} of ${count}, POSTERN_SEED=${seed}\n${faults.join('\n\n')}`);
  });

test.run();
