import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openScope } from '../src/verify/scope.ts';
import { type Verified, verifyEngine } from '../src/verify/verify.ts';
import { broadSpec } from './support/broad.ts';
import { policyOf } from './support/policy.ts';
import { referenceProgram } from './verify/reference.ts';
import { referenceTarget } from './verify/referenceTarget.ts';

const test = suite('verify');

async function verifyReference(fault: string, requests: number, signal = new AbortController().signal): Promise<Verified> {
  const scope = openScope();
  try {
    return await verifyEngine(
      {
        engine: 'nginx',
        program: await referenceProgram(fault),
        target: referenceTarget,
        options: {},
        policy: policyOf(broadSpec),
        read: () => undefined,
        requests,
        seed: '1',
        tests: [{ request: 'GET /api/v4/groups', apiKey: 'reader', proxy: 'api' }],
        progress: () => {},
        signal,
      },
      scope,
    );
  } finally {
    await scope.close();
  }
}

const messages = ({ diagnostics }: Verified) => diagnostics.map(({ message, hint = '' }) => `${message}\n${hint}`);

test('an engine that does as the evaluator says passes', async () => {
  const verified = await verifyReference('', 4_000);
  assert.equal(messages(verified), []);
  assert.is(verified.sent, 4_001);
});

test.run();
