import { suite } from 'uvu';
import { ofRoutes, PROXIES, withNeighbours, withProxy } from './support/additions.ts';
import { testOthers } from './support/stableOutput.ts';

const test = suite('stable output, 10,000 routes: proxies');

testOthers(test, withProxy(withNeighbours(ofRoutes(10_000))), PROXIES);

test.run();
