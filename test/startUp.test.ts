import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../src/compile.ts';
import { wholly } from '../src/prove/matching.ts';

const start = suite('start-up');

// The automata of the prover took half of the time of `generate`. This file is a process of its own, and the first
// automaton of a process has the number 1.
start('who proves nothing waits for no automaton', () => {
  const text = readFileSync('examples/gitlab-proxy/postern.yaml', 'utf8');
  const { files, diagnostics } = compile(text, { file: 'postern.yaml', read: () => undefined });
  assert.ok(files && files.length > 0, JSON.stringify(diagnostics));
  assert.is(wholly('a').id, 1);
});

start.run();
