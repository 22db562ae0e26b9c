import { suite } from 'uvu';
import { ofRewrites, ofRoutes } from './support/additions.ts';
import { testAdditions } from './support/stableOutput.ts';

const test = suite('stable output, 1,000 routes and 2,000 rewrites');

for (const base of [ofRoutes(1_000), ofRewrites(2_000)]) testAdditions(test, base);

test.run();
