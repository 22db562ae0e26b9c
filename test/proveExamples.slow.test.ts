import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { exampleFiles, proof, told } from './support/proofs.ts';

const proofs = suite('proofs of the examples');

const NAMES = [
  'gitlab-proxy',
  'runner',
  'dependency-proxy',
  'environments/envs/prod.yaml',
  'environments/envs/staging.yaml',
];

for (const name of NAMES)
  for (const engine of ['caddy', 'nginx'] as const)
    proofs(`${name} on ${engine}`, () => {
      const example = exampleFiles(name, engine);
      assert.is(told(proof(example), example), 'proved');
    });

proofs.run();
