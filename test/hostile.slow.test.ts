import { suite } from 'uvu';
import { testHostile } from './support/hostile.ts';

const test = suite('hostile strings, every one in every place');

testHostile(test, { part: 1, runs: 25 });

test.run();
