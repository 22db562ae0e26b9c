import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inFolder } from './support/folder.ts';
import { killsOf } from './support/kills.ts';

const kills = suite('kills');

/** A thousand take many minutes: POSTERN_KILLS=1000 asks for them. */
const count = Number(process.env['POSTERN_KILLS'] ?? 100);

kills(`${count} processes killed while they write: no generations mixed, and nothing left after the next run`, () =>
  inFolder(async (folder) => {
    const found = await killsOf(count, folder);
    assert.equal(found, { killed: count, mixed: 0, left: 0 });
  }),
);

kills.run();
