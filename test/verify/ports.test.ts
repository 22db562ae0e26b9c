import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePorts } from '../../src/verify/ports.ts';

const ports = suite('free ports');

ports('many trials one after another leave ports for other processes', async () => {
  const found = new Set<number>();
  let before: readonly number[] = [];
  for (let trial = 0; trial < 60; trial++) {
    const own = await freePorts(30);
    assert.is(new Set([...own, ...before]).size, own.length + before.length);
    for (const port of own) found.add(port);
    before = own;
  }
  assert.ok(found.size <= 600, String(found.size));
});

ports.run();
