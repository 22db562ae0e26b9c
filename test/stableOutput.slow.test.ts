import { suite } from 'uvu';
import { ofRoutes } from './support/additions.ts';
import { testAdditions } from './support/stableOutput.ts';

const test = suite('stable output of a large spec');

testAdditions(test, ofRoutes(10_000));

test.run();
