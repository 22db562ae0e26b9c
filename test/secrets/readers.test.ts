import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace, type Workspace } from '../support/workspace.ts';
import { KEY, secretSpec } from './spec.ts';

const readers = suite('a secret in a file');

/** What is said of a token in a file, in a folder that everybody may enter. */
async function saidOf(file: string, { run, write, path }: Workspace): Promise<string> {
  // As the folder for temporary files, so that it is no volume if that is in memory.
  chmodSync(path, 0o1777);
  write('postern.yaml', secretSpec({ token: `file:${file}` }));
  const { status, stdout } = await run('secrets check', { settings: { PARTNER_KEY: KEY } });
  assert.is(status, 0, stdout);
  return /file:\S+ may be read or changed by (.*) \[secret\/shared-file\]/.exec(stdout)?.[1] ?? 'nobody';
}

const TOKEN = 'glpat-of-the-test';
const MODES = [
  [0o600, 'nobody'],
  [0o400, 'nobody'],
  [0o711, 'nobody'],
  [0o640, 'its group'],
  [0o620, 'its group'],
  [0o644, 'everybody here'],
  [0o602, 'everybody here'],
] as const;

for (const [mode, whom] of MODES)
  readers(`with the permissions ${mode.toString(8)} is open to ${whom}, also through a link`, () =>
    inWorkspace(async (workspace) => {
      const { path, write } = workspace;
      write('token', TOKEN);
      chmodSync(join(path, 'token'), mode);
      symlinkSync('token', join(path, 'linked'));
      for (const file of ['token', 'linked']) assert.is(await saidOf(file, workspace), whom);
    }),
  );

readers('is closed where nobody else may enter its folder', () =>
  inWorkspace(async (workspace) => {
    workspace.write('closed/inner/token', TOKEN);
    chmodSync(join(workspace.path, 'closed'), 0o700);
    assert.is(await saidOf('closed/inner/token', workspace), 'nobody');
  }),
);

readers('of a volume has the permissions that Kubernetes gives it', () =>
  inWorkspace(async (workspace) => {
    const { path, write } = workspace;
    write('volume/..2026_11_26_10_00_00.123/token', TOKEN);
    symlinkSync('..2026_11_26_10_00_00.123', join(path, 'volume/..data'));
    symlinkSync('..data/token', join(path, 'volume/token'));
    assert.is(await saidOf('volume/token', workspace), 'nobody');
  }),
);

const MEMORY = '/dev/shm';
if (existsSync(MEMORY) && statfsSync(MEMORY).type === 0x01021994)
  readers('in memory is of whoever mounted it, but where everybody may write', () =>
    inWorkspace(async (workspace) => {
      const folder = mkdtempSync(join(MEMORY, 'postern-test-'));
      try {
        chmodSync(folder, 0o755);
        for (const [name, mode, whom] of [
          ['secrets', 0o755, 'nobody'],
          ['shared', 0o1777, 'everybody here'],
        ] as const) {
          mkdirSync(join(folder, name));
          chmodSync(join(folder, name), mode);
          writeFileSync(join(folder, name, 'token'), TOKEN, { mode: 0o644 });
          assert.is(await saidOf(join(folder, name, 'token'), workspace), whom);
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
  );

readers.run();
