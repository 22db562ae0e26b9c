import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { proof, specFiles, told } from './support/proofs.ts';
import { randomSpecs } from './verify/randomSpecs.ts';

// POSTERN_SEED=$RANDOM POSTERN_SPECS=12 looks where nobody has looked before.
const seed = process.env['POSTERN_SEED'] ?? 'slow';
const count = Number(process.env['POSTERN_SPECS'] ?? 3);

const proofs = suite('proofs of random specs');

for (let number = 0; number < count; number += 1)
  for (const engine of ['nginx', 'caddy'] as const)
    proofs(`spec ${number} on ${engine}`, () => {
      const spec = {
        version: 1,
        name: 'random',
        ...randomSpecs(`${seed} ${number}`, 1),
        targets: { nginx: {}, caddy: {} },
      };
      const made = specFiles(JSON.stringify(spec), engine);
      assert.is(told(proof(made), made), 'proved', `POSTERN_SEED=${seed}`);
    });

proofs.run();
