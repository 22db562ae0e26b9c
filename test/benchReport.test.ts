import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { costRow, type Row, worse } from './bench/report.ts';

const row = (cpu: number, controlCpu = 100, size = 10): Row =>
  costRow({ bench: 'routes', engine: 'nginx', case: 'first', size, control: 'bare', cpu, controlCpu });

test('what costs a tenth more is worse, by the quotient of both sides', () => {
  assert.is(worse([row(100)], [row(109)]).isWorse, false);
  const { isWorse, lines } = worse([row(100), row(50, 100, 1_000)], [row(121), row(50, 100, 1_000)]);
  assert.is(isWorse, true);
  assert.equal(lines, [
    'worse by 21 %: routes nginx first 10 against bare',
    '2 of 2 rows compared, 1 worse by more than 10 %',
  ]);
  assert.is(worse([row(100)], [row(200, 200)]).isWorse, false, 'a machine that is busy slows both');
});

test('what cannot be compared is not green', () => {
  assert.is(worse([row(100)], [row(100, 100, 20)]).isWorse, true);
  assert.is(worse([row(100)], [row(Number.NaN)]).isWorse, true);
});

test.run();
