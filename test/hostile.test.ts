import { suite } from 'uvu';
import { testHostile } from './support/hostile.ts';

const test = suite('hostile strings');

testHostile(test, { part: 6, runs: 4 });

test.run();
