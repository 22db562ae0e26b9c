import { suite } from 'uvu';
import { ofRoutes, withNeighbours } from './support/additions.ts';
import { testRoutes } from './support/stableOutput.ts';

const test = suite('stable output, 10,000 routes: routes');

testRoutes(test, withNeighbours(ofRoutes(10_000)));

test.run();
