import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PHASES, wholeBody } from '../../src/plan/bounds.ts';

const test = suite('bounds');
const table = readFileSync(new URL('../../examples/all-options/README.md', import.meta.url), 'utf8');

test('the table that people read says what the engines are told', () => {
  assert.match(table, `head, together | ${PHASES.head / 1000} s | ${PHASES.head / 1000} s |`);
  assert.match(
    table,
    `| ${PHASES.idle / 1000} s; closed earlier where connections run short | ${PHASES.idle / 1000} s |`,
  );
  assert.match(table, `own | ${PHASES.unwantedBody / 1000} s | ${PHASES.unwantedBody / 1000} s |`);
});

test('a body may take as long as its size at the slowest rate, and one pause', () => {
  assert.is(wholeBody({ maxBody: 1024 ** 2 }, { timeouts: { connect: 1, read: 1, send: 60_000 } }), 76_000);
});

test.run();
