import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Workspace } from '../support/workspace.ts';
import type { Issuer } from './issuer.ts';
import { given, LEASES, withIssuer } from './leased.ts';

/** Counts its runs, and fails for as long as there is a file "broken". */
const RELOAD = `import { appendFileSync, existsSync } from 'node:fs';
appendFileSync('reloads', 'x');
process.exit(existsSync('broken') ? 7 : 0);
`;

interface Reloading extends Workspace {
  /** One round of a watch that is stopped then; returns how often there was a reload so far. */
  watchOnce(...more: readonly string[]): Promise<number>;
  render(): Promise<void>;
}

function withReload(work: (workspace: Reloading, issuer: Issuer) => Promise<void>): Promise<void> {
  return withIssuer(async (workspace, issuer) => {
    const { run, write, read } = workspace;
    write('reload.mjs', RELOAD);
    write('reloads', '');
    const watchOnce: Reloading['watchOnce'] = async (...more) => {
      const command = JSON.stringify([process.execPath, 'reload.mjs', ...more]);
      await run(`secrets render --watch --reload ${command}`, given(issuer));
      return read('reloads').length;
    };
    const render = async () => {
      // By the clock of the machine, as a watch.
      const { status, stderr } = await run('secrets render', { env: given(issuer).settings });
      assert.is(status, 0, stderr);
    };
    await work({ ...workspace, watchOnce, render }, issuer);
  });
}

const reload = suite('a reload that is due');

reload('is made up for where a watch was killed between the files and the reload, and once', () =>
  withReload(async ({ render, watchOnce }) => {
    await render();
    assert.is(await watchOnce(), 1);
    assert.is(await watchOnce(), 1);
    assert.is(await watchOnce('another'), 2);
  }),
);

reload('is made up for where it failed, also while the secrets cannot be told', () =>
  withReload(async ({ watchOnce, write, read, path, render }, issuer) => {
    assert.is(await watchOnce(), 1);
    rmSync(join(path, LEASES));
    await render();
    write('broken', '');
    // What was reloaded before is not known any more, and now is again.
    assert.is(await watchOnce(), 2);
    rmSync(join(path, 'broken'));
    assert.is(await watchOnce(), 3);
    write('postern.yaml', read('postern.yaml').replace('partner#token', 'partner#other'));
    issuer.mood = 'sealed';
    assert.is(await watchOnce(), 3);
    write('generated/caddy/secrets/keys', `${read('generated/caddy/secrets/keys')}\n`);
    assert.is(await watchOnce(), 4);
  }),
);

reload('is due for what another run has written meanwhile', () =>
  withReload(async ({ watchOnce, render, write, read }) => {
    assert.is(await watchOnce(), 1);
    write('postern.yaml', read('postern.yaml').replace('targets: { caddy: {}', 'targets: { caddy: {}, nginx: {}'));
    await render();
    assert.is(await watchOnce(), 2);
  }),
);

reload.run();
