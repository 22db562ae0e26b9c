import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addGiven, examples, ofDocker, ofRewrites, ofRoutes } from './support/additions.ts';
import { budgetOf, changesOf, countOf, outputOf } from './support/outputChanges.ts';
import { testAdditions } from './support/stableOutput.ts';

const test = suite('stable output');

const MADE = [ofDocker(), ofRoutes(10), ofRoutes(1_000), ofRewrites(50), ofRewrites(2_000)];
for (const base of [...examples(), ...MADE]) testAdditions(test, base);

test('the 257th path of a proxy makes the one jump there is: from then on paths share rows of Caddy', () => {
  const { spec, folder } = ofRoutes(256);
  const targets = { caddy: {} };
  const add = (count: number) => {
    const copy = { ...structuredClone(spec), targets };
    for (let number = 1; number <= count; number++) addGiven(`GET /more${number}`)(copy, (length) => length);
    return outputOf(copy, folder);
  };
  const [before, jump, after] = [add(0), add(1), add(2)];
  const jumped = countOf(changesOf(before, jump, 'caddy'));
  // 256 rows become 64; their comments stand above all of them now.
  assert.ok(jumped > 256 && jumped <= 256 * 3 + 64, String(jumped));
  assert.ok(countOf(changesOf(jump, after, 'caddy')) <= budgetOf('GET /more2', []) + 4);
});

test.run();
