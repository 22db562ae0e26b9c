import { suite } from 'uvu';
import { KEYS, ofRoutes, withNeighbours } from './support/additions.ts';
import { testOthers } from './support/stableOutput.ts';

const test = suite('stable output, 10,000 routes: keys');

testOthers(test, withNeighbours(ofRoutes(10_000)), KEYS);

test.run();
