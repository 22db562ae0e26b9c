import fs, { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { tryLock } from '../src/output/lock.ts';
import { exclusively, isUnfinished, type Write, writeAll } from '../src/output/write.ts';
import { inFolder } from './support/folder.ts';
import { contentOf, generation } from './support/kills.ts';

/** What changes something on disk; a killed process does none of it any more. */
const CHANGES = [
  'chmodSync',
  'copyFileSync',
  'fchmodSync',
  'linkSync',
  'mkdirSync',
  'openSync',
  'renameSync',
  'rmSync',
  'rmdirSync',
  'writeFileSync',
  'writeSync',
] as const;

/** Runs `work`, which dies at its n-th change: nothing that it does from then on happens. Whether it lived to the end. */
function dyingAt(n: number, work: () => void): boolean {
  const real = { ...fs };
  let changes = 0;
  const mutable = fs as unknown as Record<string, (...args: never[]) => unknown>;
  for (const name of CHANGES) {
    mutable[name] = (...args) => {
      changes += 1;
      if (changes >= n) throw new Error('killed');
      return (real[name] as (...args: never[]) => unknown)(...args);
    };
  }
  syncBuiltinESMExports();
  try {
    work();
  } catch (error) {
    if (!(error instanceof Error) || error.message !== 'killed') throw error;
  } finally {
    for (const name of CHANGES) mutable[name] = real[name] as (...args: never[]) => unknown;
    syncBuiltinESMExports();
  }
  return changes < n;
}

/** Makes the locks of this process those of one that has ended. */
function bury(folder: string): void {
  for (const name of readdirSync(folder).filter((one) => one.startsWith('.lock'))) {
    const buried = (text: string) => text.replace(`${process.pid}.`, '4194305.');
    for (const owner of readdirSync(join(folder, name)))
      renameSync(join(folder, name, owner), join(folder, name, buried(owner)));
    renameSync(join(folder, name), join(folder, buried(name)));
  }
}

const kills = suite('kills');

const modes = { file: 0o600, folder: 0o700 };
const changes: Readonly<Record<string, readonly (readonly Write[])[]>> = {
  'files that are changed, made and taken away': [generation(1), generation(2)],
  'the first files of all': [[], generation(1)],
  'secrets in a folder of their own': [
    [{ path: 'nginx/secrets/keys.conf', text: 'old\n' }],
    [
      { path: 'nginx/secrets/keys.conf', text: 'new\n' },
      { path: 'nginx/secrets/tokens.conf', text: 'new\n' },
    ],
  ],
};
for (const [what, [before = [], after = []]] of Object.entries(changes)) {
  kills(`at each change on disk: ${what} are all old or all new, and nothing is left`, async () => {
    let [dead, olds, news] = [0, 0, 0];
    for (let n = 1, alive = false; !alive; n += 1) {
      await inFolder((folder) => {
        const write = (writes: readonly Write[]) => exclusively(folder, () => writeAll(writes, { folder, modes }));
        write(before);
        const old = contentOf(folder);
        alive = dyingAt(n, () => write(after));
        bury(folder);
        if (!alive) dead += 1;
        assert.equal(
          exclusively(folder, () => 'recovered'),
          { value: 'recovered', diagnostics: [] },
          `death ${n}`,
        );
        assert.not.ok(isUnfinished(folder));
        const found = contentOf(folder);
        const isOld = JSON.stringify(found) === JSON.stringify(old);
        if (isOld) olds += 1;
        else news += 1;
        write(after);
        if (!isOld) assert.equal(found, contentOf(folder), `mixed after change ${n}`);
      });
    }
    assert.ok(dead > 20 && olds > 5 && news > 5, `${dead} deaths, ${olds} old, ${news} new`);
  });
}

kills('an edit that somebody makes between a kill and the next run stays', () =>
  inFolder((folder) => {
    const write = (text: string) =>
      exclusively(folder, () =>
        writeAll(
          ['a', 'b'].map((path) => ({ path, text })),
          { folder },
        ),
      );
    write('old\n');
    for (
      let n = 1;
      !readdirSync(folder).includes('.b.old.postern-tmp') || readFileSync(join(folder, 'a'), 'utf8') !== 'new\n';
      n += 1
    ) {
      exclusively(folder, () =>
        writeAll(
          ['a', 'b'].map((path) => ({ path, text: 'old\n' })),
          { folder },
        ),
      );
      dyingAt(n, () => write('new\n'));
      bury(folder);
    }
    writeFileSync(join(folder, 'b'), 'mine\n');
    exclusively(folder, () => {});
    assert.equal(contentOf(folder), { a: 'new\n', b: 'mine\n' });
  }),
);

kills('a journal that leads out of the folder, or cannot be read, moves nothing', () =>
  inFolder((folder) => {
    mkdirSync(join(folder, 'out'));
    for (const text of [
      '{',
      '{"phase":"replace","steps":[{"path":"../x","verb":"delete"}],"made":[]}',
      '{"phase":"x"}',
    ]) {
      writeFileSync(join(folder, 'x'), 'kept\n');
      writeFileSync(join(folder, 'out/.journal.postern-tmp'), text);
      const { value, diagnostics } = exclusively(join(folder, 'out'), () => 'done');
      assert.is(value, undefined);
      assert.equal(
        diagnostics.map(({ code }) => code),
        ['output/damaged-journal'],
      );
      assert.is(readFileSync(join(folder, 'x'), 'utf8'), 'kept\n');
    }
  }),
);

kills.run();

const lock = suite('lock');

lock('is held by one, and free again when it is given back', () =>
  inFolder((folder) => {
    const path = join(folder, '.lock.postern-tmp');
    const release = tryLock(path);
    assert.ok(release);
    assert.is(tryLock(path), undefined);
    release?.();
    release?.();
    assert.equal(readdirSync(folder), []);
    tryLock(path)?.();
    assert.equal(readdirSync(folder), []);
  }),
);

lock('of a process that has ended is free, one of another machine only after ten minutes', () =>
  inFolder((folder) => {
    const path = join(folder, '.lock.postern-tmp');
    tryLock(path);
    bury(folder);
    const release = tryLock(path);
    assert.ok(release, 'the owner is dead');
    release?.();
    const elsewhere = join(path, '1.1.anothermachine');
    mkdirSync(path);
    writeFileSync(elsewhere, '');
    assert.is(tryLock(path), undefined);
    const past = new Date(Date.now() - 11 * 60_000);
    fs.utimesSync(elsewhere, past, past);
    assert.ok(tryLock(path));
  }),
);

lock.run();
