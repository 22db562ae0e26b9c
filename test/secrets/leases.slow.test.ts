import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NOW } from '../support/commands.ts';
import type { Mood } from './behind.ts';
import { given, LEASES, setTimes, spec, withIssuer } from './leased.ts';
import { PLUGIN } from './plugged.ts';
import { secretSpec } from './spec.ts';

const FILE = 'generated/caddy/secrets/keys';

const leases = suite('leases');

leases('the next run takes what is still good, and asks again once two thirds are over', () =>
  withIssuer(async (workspace, issuer) => {
    const { run, read, path } = workspace;
    for (let runs = 0; runs < 2; runs++) assert.is((await run('secrets render', given(issuer))).status, 0);
    assert.is(issuer.issued.length, 1);
    assert.is(statSync(join(path, LEASES)).mode & 0o777, 0o600);
    assert.is((await run('secrets render --check', given(issuer))).status, 0);
    setTimes(workspace, { since: NOW - 100, until: NOW + 400 });
    await run('secrets render', given(issuer));
    assert.is(issuer.issued.length, 1);
    setTimes(workspace, { since: NOW - 400, until: NOW + 100 });
    const stale = await run('secrets render --check', given(issuer));
    assert.is(stale.status, 1, stale.stderr);
    assert.match(stale.stdout, /has no lease that lasts.*\[secret\/ended\]/);
    assert.is(issuer.issued.length, 1, 'a check issues nothing');
    await run('secrets render', given(issuer));
    assert.is(issuer.issued.length, 2);
    assert.ok(read(FILE).includes(issuer.issued[1] ?? '?'));
  }),
);

leases('a deploy token is sent with the user that it was issued for', () =>
  withIssuer(async ({ run, read, write }, issuer) => {
    write(
      'postern.yaml',
      secretSpec({ token: 'vault:gitlab/token/pull#token' }).replace(
        '.com"',
        '.com", tokenHeader: Authorization, tokenScheme: Basic',
      ),
    );
    const { status, stderr } = await run('secrets render', given(issuer));
    assert.is(status, 0, stderr);
    const sent = Buffer.from(`gitlab+deploy-token-1:${issuer.issued[0]}`).toString('base64');
    assert.ok(read(FILE).includes(sent) && issuer.issued.length === 1);
  }),
);

leases('a token is out of use once its lease is over, and the next run has another', () =>
  withIssuer(async ({ run, read }, issuer) => {
    issuer.lease = 2;
    // By the clock of the machine, as the lease is.
    const render = () => run('secrets render', { env: given(issuer).settings });
    assert.is((await render()).status, 0);
    const [first = ''] = issuer.issued;
    assert.ok(read(FILE).includes(first));
    for (const end = Date.now() + 30_000; issuer.lasts(first); await pause(50)) assert.ok(Date.now() < end);
    assert.is((await render()).status, 0);
    assert.ok(read(FILE).includes(issuer.issued[1] ?? '?'));
  }),
);

leases('secrets check looks, and issues nothing', () =>
  withIssuer(async ({ run, path }, issuer) => {
    const { status, stdout } = await run('secrets check', given(issuer));
    assert.is(status, 0, stdout);
    assert.match(stdout, /1 secret found, 1 would be issued/);
    assert.is(issuer.issued.length, 0);
    assert.not.ok(existsSync(join(path, 'generated')));
  }),
);

leases('a Vault that is ill changes nothing, and what it says is shown nowhere', () =>
  withIssuer(async ({ run, read, write }, issuer) => {
    assert.is((await run('secrets render', given(issuer))).status, 0);
    const before = read(FILE);
    write(LEASES, '{}');
    const moods: [Mood, RegExp][] = [
      ['sealed', /it is sealed/],
      ['slow', /did not answer in time/],
      ['cut', /broke off its answer/],
      ['failing', /answers with status 500/],
      ['broken', /GitLab refuses to make the token/],
      ['not-json', /is not JSON/],
      ['odd-token', /is not a token/],
    ];
    for (const [mood, words] of moods) {
      issuer.mood = mood;
      const { status, stderr } = await run('secrets render', given(issuer));
      assert.is(status, 2, mood);
      assert.match(stderr, words);
      assert.not.ok(stderr.includes('glpat-') || stderr.includes('token-of-the-caller'), stderr);
      assert.is(read(FILE), before);
    }
    issuer.mood = 'whole';
    write('postern.yaml', spec.replace('token/partner', 'token/nobody'));
    assert.match((await run('secrets render', given(issuer))).stderr, /there is no such role/);
  }),
);

leases('a lease from the future, as the clock was set back, is not relied on', () =>
  withIssuer(async (workspace, issuer) => {
    const { run, read } = workspace;
    assert.is((await run('secrets render', given(issuer))).status, 0);
    setTimes(workspace, { since: NOW + 86_400, until: NOW + 90_000 });
    assert.is((await run('secrets render', given(issuer))).status, 0);
    assert.is(issuer.issued.length, 2);
    assert.ok(read(FILE).includes(issuer.issued[1] ?? '?'));
  }),
);

// The plugin makes no such lease, whatever its mount says.
if (PLUGIN === undefined)
  leases('a lease without an end is not relied on', () =>
    withIssuer(async ({ run, read, write }, issuer) => {
      assert.is((await run('secrets render', given(issuer))).status, 0);
      const before = read(FILE);
      issuer.lease = 0;
      write(LEASES, '{}');
      const { status, stderr } = await run('secrets render', given(issuer));
      assert.is(status, 2);
      assert.match(stderr, /it issues a secret without saying until when/);
      assert.is(read(FILE), before);
    }),
  );

leases.run();
