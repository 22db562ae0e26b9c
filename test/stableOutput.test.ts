import { suite } from 'uvu';
import { examples, ofRewrites, ofRoutes } from './support/additions.ts';
import { testAdditions } from './support/stableOutput.ts';

const test = suite('stable output');

for (const base of [...examples(), ofRoutes(10), ofRoutes(1_000), ofRewrites(50), ofRewrites(2_000)])
  testAdditions(test, base);

test.run();
