import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { engineSuite } from '../engines/suite.ts';
import { inWorkspace } from '../support/workspace.ts';
import { type Bao, startBao } from './bao.ts';
import { allowAccounts, jwt, jwtOf, publicKey, startReviewer } from './reviewer.ts';
import { KEY, secretSpec } from './spec.ts';

const TOKEN = 'glpat-the-token-of-this-test';
const { test, engines } = await engineSuite('logins to OpenBao', ['openbao']);
let vault: Bao;
test.before(async () => {
  vault = await startBao(engines.openbao.path);
  await vault.bao('kv', 'put', '-mount=secret', 'gitlab', `token=${TOKEN}`);
});
test.after(async () => vault.stop());

const SPEC = secretSpec({ token: 'vault:secret/gitlab#token' });
const env = (more: Record<string, string>) => ({
  settings: { ...vault.env, VAULT_TOKEN: '', PARTNER_KEY: KEY, ...more },
});

test('by a JWT that its key signs, and by no other', () =>
  inWorkspace(async ({ run, write, path, read }) => {
    write('postern.yaml', SPEC);
    write('reader.hcl', 'path "secret/data/gitlab" { capabilities = ["read"] }\n');
    write('key.pem', publicKey.export({ type: 'spki', format: 'pem' }).toString());
    await vault.bao('policy', 'write', 'reader', join(path, 'reader.hcl'));
    await vault.bao('auth', 'enable', 'jwt');
    await vault.bao('write', 'auth/jwt/config', `jwt_validation_pubkeys=@${join(path, 'key.pem')}`);
    const role = [
      'role_type=jwt',
      'bound_audiences=postern',
      'user_claim=sub',
      'token_policies=reader',
      'token_ttl=60s',
    ];
    await vault.bao('write', 'auth/jwt/role/postern', ...role);
    const login = { POSTERN_VAULT_AUTH: 'jwt', POSTERN_VAULT_ROLE: 'postern', POSTERN_VAULT_JWT_FILE: 'jwt' };
    write('jwt', jwt({ sub: 'ci', aud: 'postern' }));
    const done = await run('secrets render', env(login));
    assert.is(done.status, 0, done.stderr);
    assert.ok(read('generated/caddy/secrets/keys').includes(TOKEN));
    for (const wrong of [
      jwt({ sub: 'ci', aud: 'other' }),
      jwt({ sub: 'ci', aud: 'postern' }).replace(/.{6}$/, 'AAAAAA'),
    ]) {
      write('jwt', wrong);
      const refused = await run('secrets render', env(login));
      assert.is(refused.status, 2);
      assert.match(refused.stderr, /the login by jwt is refused \(status 400\)/);
      assert.not.ok(refused.stderr.includes(wrong.slice(-40)));
    }
  }));

test('by Kubernetes, with the role that was generated for it', () =>
  inWorkspace(async ({ run, write, path, read }) => {
    const reviewer = await startReviewer();
    try {
      const target =
        'vault: { stores: { secret: 2 }, login: { kubernetes: { serviceAccount: postern, namespace: access } } }';
      write('postern.yaml', secretSpec({ token: 'vault:secret/gitlab#token', targets: `caddy: {}, ${target}` }));
      assert.is((await run('generate')).status, 0);
      await allowAccounts(vault, reviewer, path);
      await vault.bao('policy', 'write', 'secrets', join(path, 'generated/vault/policy.hcl'));
      await vault.bao('write', 'auth/kubernetes/role/secrets', `@${join(path, 'generated/vault/login.json')}`);
      const login = { POSTERN_VAULT_AUTH: 'kubernetes', POSTERN_VAULT_ROLE: 'secrets', POSTERN_VAULT_JWT_FILE: 'jwt' };
      write('jwt', jwtOf('access', 'postern'));
      const done = await run('secrets render', env(login));
      assert.is(done.status, 0, done.stderr);
      assert.ok(read('generated/caddy/secrets/keys').includes(TOKEN));
      write('jwt', jwtOf('access', 'default'));
      const refused = await run('secrets render', env(login));
      assert.is(refused.status, 2);
      assert.match(refused.stderr, /the login by kubernetes is refused \(status 403\)/);
    } finally {
      await reviewer.stop();
    }
  }));

test('within a namespace, where the same path is another secret', () =>
  inWorkspace(async ({ run, write, read }) => {
    await vault.bao('namespace', 'create', 'team-a');
    await vault.bao('secrets', 'enable', '-namespace=team-a', '-path=secret', '-version=1', 'kv');
    await vault.bao('write', '-namespace=team-a', 'secret/gitlab', 'token=glpat-of-the-team-alone');
    write('postern.yaml', SPEC);
    const { VAULT_TOKEN = '' } = vault.env;
    const done = await run('secrets render', env({ VAULT_TOKEN, VAULT_NAMESPACE: 'team-a' }));
    assert.is(done.status, 0, done.stderr);
    assert.ok(read('generated/caddy/secrets/keys').includes('glpat-of-the-team-alone'));
    const other = await run('secrets render', env({ VAULT_TOKEN, BAO_NAMESPACE: 'team-b' }));
    assert.is(other.status, 2, other.stderr);
    assert.ok(read('generated/caddy/secrets/keys').includes('glpat-of-the-team-alone'));
  }));

test('a token that may read one path and nothing else, not even what it is', () =>
  inWorkspace(async ({ run, write, path, read }) => {
    write('one.hcl', 'path "secret/data/gitlab" { capabilities = ["read"] }\n');
    await vault.bao('policy', 'write', 'one', join(path, 'one.hcl'));
    const VAULT_TOKEN = (
      await vault.bao('token', 'create', '-policy=one', '-no-default-policy', '-field=token')
    ).trim();
    write('postern.yaml', SPEC);
    for (const command of ['secrets render', 'secrets check', 'secrets render --check']) {
      const { status, stderr } = await run(command, env({ VAULT_TOKEN }));
      assert.is(status, 0, `${command}: ${stderr}`);
    }
    assert.ok(read('generated/caddy/secrets/keys').includes(TOKEN));
    // What is mounted there is not said either: that is no reason to think that a read would issue something.
    write('postern.yaml', secretSpec({ token: 'vault:elsewhere/gitlab#token' }));
    for (const command of ['secrets render', 'secrets check', 'secrets render --check']) {
      const { status, stdout, stderr } = await run(command, env({ VAULT_TOKEN }));
      assert.is(status, command === 'secrets check' ? 1 : 2, command);
      assert.match(stdout + stderr, /permission denied/);
    }
  }));

test.run();
