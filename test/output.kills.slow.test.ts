import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inFolder } from './support/folder.ts';
import { killsOf } from './support/kills.ts';

const kills = suite('kills');

kills('1,000 processes killed while they write: no generations mixed, and nothing left after the next run', () =>
  inFolder(async (folder) => {
    const found = await killsOf(1000, folder);
    assert.equal(found, { killed: 1000, mixed: 0, left: 0 });
  }),
);

kills.run();
