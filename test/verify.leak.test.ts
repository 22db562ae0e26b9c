import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { leakBelow } from '../src/verify/engineRun.ts';
import { temporaryFolder } from '../src/verify/folder.ts';

const test = suite('verify.leak');
const secret = `pstrn-${'s'.repeat(122)}`;
const secrets = { leakIn: (text: string) => /pstrn-s{122}/.exec(text)?.[0] };

test('a secret in a large file is found wherever it stands', async () => {
  const folder = await temporaryFolder();
  // Files are read in pieces of 64 KiB.
  for (const before of [0, 65_536 - 127, 65_536 - 64, 65_536 - 1, 65_536, 3 * 65_536 - 5]) {
    await writeFile(join(folder.path, 'access.log'), `${'.'.repeat(before)}${secret}${'.'.repeat(65_536)}`);
    assert.is(await leakBelow(folder.path, new Set(), secrets), secret, `behind ${before} characters`);
    assert.is(await leakBelow(folder.path, new Set(['access.log']), secrets), undefined);
  }
  await folder.remove();
});

test.run();
