import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { proof, specFiles, told } from './support/proofs.ts';
import { randomSpecs } from './verify/randomSpecs.ts';

// POSTERN_SEED=$RANDOM looks where nobody has looked before; a long run is one of many seeds.
const seed = process.env['POSTERN_SEED'] ?? 'slow';
const count = 12;

const proofs = suite('proofs of random specs');

/** Not every table of methods is understood; what matters is that nothing is said to differ. */
const NOT_UNDERSTOOD = /^cannot tell: \$verb is not one of a few texts$/;

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
      const said = told(proof(made), made);
      if (!NOT_UNDERSTOOD.test(said)) assert.is(said, 'proved', `POSTERN_SEED=${seed}`);
    });

proofs.run();
