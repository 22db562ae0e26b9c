import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { engineSuite } from '../engines/suite.ts';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { inWorkspace } from '../support/workspace.ts';
import { type Bao, startBao } from './bao.ts';
import { jwtOf } from './reviewer.ts';
import { KEY, secretSpec } from './spec.ts';

const TOKEN = 'glpat-the-token-of-this-test';
const { test, engines } = await engineSuite('logins by service accounts of a real API server', [
  'openbao',
  'kubernetes',
  'kubectl',
]);
let vault: Bao;
let cluster: Cluster;
test.before(async () => {
  vault = await startBao(engines.openbao.path);
  cluster = await startCluster(engines.kubernetes.path, engines.kubectl.path);
});
test.after(async () => {
  await vault.stop();
  await cluster.stop();
});

const accountToken = async (name: string) =>
  (await cluster.mustKubectl('-n', 'access', 'create', 'token', name)).trim();

/** Accounts of the cluster, and an OpenBao that has their tokens reviewed. */
async function prepare(): Promise<void> {
  await cluster.mustKubectl('create', 'namespace', 'access');
  for (const name of ['postern', 'other', 'reviewer'])
    await cluster.mustKubectl('-n', 'access', 'create', 'serviceaccount', name);
  const delegator = ['--clusterrole=system:auth-delegator', '--serviceaccount=access:reviewer'];
  await cluster.mustKubectl('create', 'clusterrolebinding', 'reviewer', ...delegator);
  await vault.bao('kv', 'put', '-mount=secret', 'gitlab', `token=${TOKEN}`);
  await vault.bao('auth', 'enable', 'kubernetes');
  await vault.bao(
    'write',
    'auth/kubernetes/config',
    `kubernetes_host=${cluster.url}`,
    `kubernetes_ca_cert=@${cluster.authority}`,
    `token_reviewer_jwt=${await accountToken('reviewer')}`,
    'disable_local_ca_jwt=true',
  );
}

test('with the policy and the role that were generated, and by no other account', () =>
  inWorkspace(async ({ run, write, path, read }) => {
    await prepare();
    const target =
      'vault: { stores: { secret: 2 }, login: { kubernetes: { serviceAccount: postern, namespace: access } } }';
    write('postern.yaml', secretSpec({ token: 'vault:secret/gitlab#token', targets: `caddy: {}, ${target}` }));
    assert.is((await run('generate')).status, 0);
    await vault.bao('policy', 'write', 'secrets', join(path, 'generated/vault/policy.hcl'));
    await vault.bao('write', 'auth/kubernetes/role/secrets', `@${join(path, 'generated/vault/login.json')}`);
    const login = { POSTERN_VAULT_AUTH: 'kubernetes', POSTERN_VAULT_ROLE: 'secrets', POSTERN_VAULT_JWT_FILE: 'jwt' };
    const settings = { ...vault.env, VAULT_TOKEN: '', PARTNER_KEY: KEY, ...login };
    const own = await accountToken('postern');
    write('jwt', own);
    const done = await run('secrets render', { settings });
    assert.is(done.status, 0, done.stderr);
    assert.ok(read('generated/caddy/secrets/keys').includes(TOKEN));
    await cluster.mustKubectl('-n', 'access', 'delete', 'serviceaccount', 'postern');
    // The API server remembers for some seconds whom it has let in.
    while ((await run('secrets render', { settings })).status === 0) await pause(500);
    // Another account, one that says to be ours but was signed by somebody else, and ours once it is gone.
    for (const wrong of [await accountToken('other'), jwtOf('access', 'postern'), own]) {
      write('jwt', wrong);
      const { status, stdout, stderr } = await run('secrets render', { settings });
      assert.is(status, 2);
      assert.match(stderr, /the login by kubernetes is refused \(status 403\)/);
      assert.not.ok(`${stdout}${stderr}`.includes(wrong.slice(-40)));
    }
  }));

test.run();
