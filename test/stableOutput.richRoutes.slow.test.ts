import { suite } from 'uvu';
import { ofRoutes, withNeighbours } from './support/additions.ts';
import { testRichRoutes } from './support/stableOutput.ts';

const test = suite('stable output, 10,000 routes: routes that bring more than their path');

testRichRoutes(test, withNeighbours(ofRoutes(10_000)));

test.run();
