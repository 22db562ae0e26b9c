import { suite } from 'uvu';
import { ofRoutes, THINGS, withNeighbours } from './support/additions.ts';
import { testOthers } from './support/stableOutput.ts';

const test = suite('stable output, 10,000 routes: ranges, upstreams and rewrites');

testOthers(test, withNeighbours(ofRoutes(10_000)), THINGS);

test.run();
