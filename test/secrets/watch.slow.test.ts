import { EventEmitter, once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { watchSecrets } from '../../src/commands/secretsWatch.ts';
import { type Server, startServer } from '../../src/verify/process.ts';
import { recordingIo } from '../support/captured.ts';
import { entry } from '../support/cli.ts';
import type { Issuer } from './issuer.ts';
import { given, withIssuer } from './leased.ts';

const FILE = 'generated/caddy/secrets/keys';

function startWatch(path: string, issuer: Issuer, ...more: readonly string[]): Promise<Server> {
  return startServer({
    command: process.execPath,
    args: [...entry, 'secrets', 'render', '--watch', ...more],
    cwd: path,
    env: { ...process.env, ...given(issuer).settings },
    ready: async () => existsSync(join(path, FILE)),
  });
}

async function until(holds: () => boolean, { output }: Pick<Server, 'output'>): Promise<void> {
  for (const end = Date.now() + 60_000; !holds(); await pause(20)) {
    if (Date.now() > end) throw new Error(`waited in vain: ${output()}`);
  }
}

const watch = suite('render --watch');

watch('asks again in time, runs what it is told to, and stops when it is told to', () =>
  withIssuer(async ({ path, read, write }, issuer) => {
    issuer.lease = 2;
    write('reload.mjs', "import { appendFileSync } from 'node:fs'; appendFileSync('reloads', 'x');\n");
    write('reloads', '');
    const watching = await startWatch(path, issuer, '--reload', JSON.stringify([process.execPath, 'reload.mjs']));
    await until(() => read('reloads').length >= 3, watching);
    issuer.mood = 'sealed';
    await until(() => /it is sealed/.test(watching.output()), watching);
    const held = read(FILE);
    const reloads = read('reloads').length;
    assert.ok(held.includes(issuer.issued.at(-1) ?? '?'));
    issuer.mood = 'whole';
    await until(() => read('reloads').length > reloads, watching);
    watching.signal('SIGTERM');
    assert.equal(await watching.exited, { code: 0, signal: null }, watching.output());
    assert.ok(read(FILE).includes(issuer.issued.at(-1) ?? '?'));
    for (const token of issuer.issued) assert.not.ok(watching.output().includes(token));
  }),
);

watch('two at once would request every token twice: the second one says so and ends', () =>
  withIssuer(async ({ path, run }, issuer) => {
    const first = await startWatch(path, issuer, '--reload', '["/nothing/here"]');
    const second = await run('secrets render --watch', given(issuer));
    assert.is(second.status, 2);
    assert.match(second.stderr, /another "postern secrets render --watch" runs for this folder \[secret\/watched\]/);
    assert.is(issuer.issued.length, 1);
    // One run in between is no matter, and neither is a watch for another folder.
    assert.is((await run('secrets render', { env: given(issuer).settings })).status, 0);
    assert.is((await run('secrets render --watch --out elsewhere', given(issuer))).status, 0);
    assert.is(issuer.issued.length, 2);
    // A reload that is not there is told, and the files are as they should be.
    await until(() => /ENOENT/.test(first.output()), first);
    first.signal('SIGTERM');
    assert.equal(await first.exited, { code: 2, signal: null }, first.output());
    assert.equal(
      readdirSync(join(path, 'generated')).filter((name) => name.endsWith('.postern-tmp')),
      [],
    );

    const killed = await startWatch(path, issuer);
    killed.signal('SIGKILL');
    await killed.exited;
    assert.is((await run('secrets render --watch', given(issuer))).status, 0);
    assert.is(issuer.issued.length, 2);
  }),
);

watch('keeps its place from a watch that cannot see it, and ends where it has lost it', () =>
  withIssuer(async ({ path, run }, issuer) => {
    issuer.lease = 2;
    const lock = join(path, 'generated/.watch.postern-tmp');
    const elevenMinutesAgo = new Date(Date.now() - 11 * 60_000);
    // As if of another container: it tells by nothing but the time of its file that it runs.
    const stranger = join(lock, '1.1.0123456789ab');
    mkdirSync(lock, { recursive: true });
    writeFileSync(stranger, '');
    assert.is((await run('secrets render --watch', given(issuer))).status, 2);
    assert.is(issuer.issued.length, 0);
    utimesSync(stranger, elevenMinutesAgo, elevenMinutesAgo);
    const watching = await startWatch(path, issuer);
    const [own = ''] = readdirSync(lock);
    utimesSync(join(lock, own), elevenMinutesAgo, elevenMinutesAgo);
    await until(() => statSync(join(lock, own)).mtimeMs > Date.now() - 60_000, watching);
    renameSync(join(lock, own), stranger);
    assert.equal(await watching.exited, { code: 2, signal: null }, watching.output());
    assert.match(watching.output(), /another "postern secrets render --watch" runs for this folder/);
    assert.ok(existsSync(stranger));
  }),
);

watch('keeps its place however long a round takes', () =>
  withIssuer(async ({ path }, issuer) => {
    const lock = join(path, 'generated/.watch.postern-tmp');
    const isOld = () => statSync(join(lock, readdirSync(lock)[0] ?? '')).mtimeMs < Date.now() - 60_000;
    const elevenMinutesAgo = new Date(Date.now() - 11 * 60_000);
    const stop = new AbortController();
    const round = new EventEmitter();
    const isAsking = once(round, 'asks');
    issuer.meanwhile = async () => {
      round.emit('asks');
      await once(round, 'ends');
      issuer.meanwhile = async () => {};
    };
    mock.timers.enable({ apis: ['setInterval'] });
    try {
      const env = { ...given(issuer).settings, VAULT_CLIENT_TIMEOUT: '3600' };
      const { io, said } = recordingIo('', env);
      const args = { action: 'render', watch: true, spec: path, format: 'text' } as const;
      const watching = watchSecrets(args, { ...io, untilStopped: () => stop.signal });
      await isAsking;
      for (let minutes = 0; minutes < 20; minutes += 1) {
        utimesSync(join(lock, readdirSync(lock)[0] ?? ''), elevenMinutesAgo, elevenMinutesAgo);
        mock.timers.tick(60_000);
        assert.not.ok(isOld(), `after ${minutes} minutes`);
      }
      stop.abort();
      round.emit('ends');
      assert.is(await watching, 0, said().err);
      assert.equal(
        readdirSync(join(path, 'generated')).filter((name) => name.startsWith('.watch')),
        [],
      );
    } finally {
      mock.timers.reset();
    }
  }),
);

watch('writes nothing where another has taken its place while it asked', () =>
  withIssuer(async ({ path }, issuer) => {
    const lock = join(path, 'generated/.watch.postern-tmp');
    const stranger = join(lock, '1.1.0123456789ab');
    issuer.meanwhile = async () => {
      const [own = ''] = readdirSync(lock);
      if (!existsSync(stranger)) renameSync(join(lock, own), stranger);
    };
    const { io, said } = recordingIo('', given(issuer).settings);
    const args = { action: 'render', watch: true, spec: path, format: 'text' } as const;
    assert.is(await watchSecrets(args, { ...io, untilStopped: () => new AbortController().signal }), 2);
    assert.match(said().err, /another "postern secrets render --watch" runs for this folder/);
    assert.not.ok(existsSync(join(path, FILE)));
    assert.ok(existsSync(stranger));
  }),
);

watch('needs a spec that it can read again', () =>
  withIssuer(async ({ run }, issuer) => {
    const { status, stderr } = await run('secrets render - --watch', { ...given(issuer), input: 'version: 1\n' });
    assert.is(status, 2);
    assert.match(stderr, /--watch has no meaning beside -/);
  }),
);

watch.run();
