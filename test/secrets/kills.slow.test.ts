import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readState, stateText } from '../../src/secrets/state.ts';
import { startServer } from '../../src/verify/process.ts';
import { entry } from '../support/cli.ts';
import { inWorkspace } from '../support/workspace.ts';
import { startIssuer } from './issuer.ts';
import { KEY, secretSpec } from './spec.ts';

const spec = secretSpec({ token: 'vault:gitlab/token/partner#token', targets: 'caddy: {}, nginx: {}' });
/** Two hundred take ten minutes on a busy machine: POSTERN_KILLS=200 asks for them. */
const KILLS = Number(process.env['POSTERN_KILLS'] ?? 50);
const TOKEN = /glpat-issued-by-the-plugin-\d+/;

const STATE = '.postern-leases.json';
const FILES = ['caddy/secrets/keys', 'nginx/secrets/tokens.conf', STATE];

/** Whether a file that is there is not a whole one, old or new. */
function isTorn(folder: string, file: string): boolean {
  if (!existsSync(join(folder, file))) return false;
  const text = readFileSync(join(folder, file), 'utf8');
  // The folder is claimed before a token is asked for.
  return file === STATE ? text !== stateText(readState(folder)) : !TOKEN.test(text) || !text.endsWith('\n');
}

const kills = suite('render --watch');

kills(`killed ${KILLS} times while it writes: files of one token, and nothing left after the next run`, async () => {
  const issuer = await startIssuer();
  try {
    await inWorkspace(async ({ path, write, run }) => {
      write('postern.yaml', spec);
      issuer.lease = 1;
      const env = { ...issuer.env, PARTNER_KEY: KEY };
      const folder = join(path, 'generated');
      const found = { killed: 0, torn: 0, mixed: 0, left: 0 };
      while (found.killed < KILLS) {
        const before = issuer.issued.length;
        const watching = await startServer({
          command: process.execPath,
          args: [...entry, 'secrets', 'render', '--watch'],
          cwd: path,
          env: { ...process.env, ...env },
          ready: async () => issuer.issued.length > before,
        });
        await pause(Math.random() * 30);
        watching.signal('SIGKILL');
        await watching.exited;
        found.killed += 1;
        if (FILES.some((file) => isTorn(folder, file))) found.torn += 1;
        // Whoever comes next finds a whole generation, or finishes it before anything else.
        const next = await run('secrets render', { env });
        assert.is(next.status, 0, next.stderr);
        const tokens = FILES.map((file) => TOKEN.exec(readFileSync(join(folder, file), 'utf8'))?.[0]);
        if (new Set(tokens).size !== 1) found.mixed += 1;
        // The lock of a killed watch is for the next watch, which takes it over.
        const left = readdirSync(folder, { recursive: true })
          .map(String)
          .filter((file) => file.endsWith('.postern-tmp') && file !== '.watch.postern-tmp');
        if (left.length > 0) found.left += 1;
      }
      assert.equal(found, { killed: KILLS, torn: 0, mixed: 0, left: 0 });
    });
  } finally {
    await issuer.stop();
  }
});

kills.run();
