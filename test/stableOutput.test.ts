import { suite } from 'uvu';
import { examples, ofRoutes } from './support/additions.ts';
import { testAdditions } from './support/stableOutput.ts';

const test = suite('stable output');

for (const base of [...examples(), ofRoutes(10), ofRoutes(1_000)]) testAdditions(test, base);

test.run();
