import { statSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { engineSuite } from '../engines/suite.ts';
import { inWorkspace, type Workspace } from '../support/workspace.ts';
import { type Bao, startBao } from './bao.ts';
import { KEY, secretSpec } from './spec.ts';

const TOKEN = 'glpat-the-token-of-this-test';

const { test, engines } = await engineSuite('secrets in OpenBao', ['openbao']);
let vault: Bao;
test.before(async () => {
  vault = await startBao(engines.openbao.path);
  await vault.bao('secrets', 'enable', '-path=old', '-version=1', 'kv');
  await vault.bao('kv', 'put', '-mount=secret', 'gitlab', `token=${TOKEN}`, 'user/name=me');
  await vault.bao('write', 'old/gitlab', `token=${TOKEN}`, 'ttl=20s');
});
test.after(async () => vault.stop());

const rendered = ({ read }: Workspace) => read('generated/caddy/secrets/keys');
const withEnv = (more: Record<string, string> = {}) => ({ settings: { ...vault.env, PARTNER_KEY: KEY, ...more } });

test('are read from stores of both versions, by either name of the variables', () =>
  inWorkspace(async (workspace) => {
    const { run, write } = workspace;
    const { VAULT_ADDR = '', VAULT_TOKEN = '', HOME = '' } = vault.env;
    const bao = { settings: { PARTNER_KEY: KEY, HOME, BAO_ADDR: VAULT_ADDR, BAO_TOKEN: VAULT_TOKEN } };
    for (const reference of ['vault:secret/gitlab#token', 'vault:secret/data/gitlab#token', 'vault:old/gitlab#token'])
      for (const options of [withEnv(), bao]) {
        write('postern.yaml', secretSpec({ token: reference }));
        const { status, stdout, stderr } = await run('secrets render', options);
        assert.is(status, 0, stderr);
        assert.ok(rendered(workspace).includes(TOKEN));
        assert.not.ok(`${stdout}${stderr}`.includes(TOKEN));
        assert.is((await run('secrets render --check', options)).status, 0);
      }
  }));

test('a field is that of its name alone, also where a store of version 1 holds a field "data"', () =>
  inWorkspace(async (workspace) => {
    const { run, write, path } = workspace;
    write('nested.json', JSON.stringify({ token: TOKEN, data: { token: 'inner-token' }, metadata: {} }));
    await vault.bao('write', 'old/nested', `@${join(path, 'nested.json')}`);
    await vault.bao('kv', 'put', '-mount=secret', 'nested', `@${join(path, 'nested.json')}`);
    for (const mount of ['old', 'secret']) {
      write('postern.yaml', secretSpec({ token: `vault:${mount}/nested#token` }));
      const { status, stderr } = await run('secrets render', withEnv());
      assert.is(status, 0, stderr);
      assert.ok(rendered(workspace).includes(TOKEN), mount);
    }
  }));

test('a setting that no request can hold is told, and not shown', () =>
  inWorkspace(async ({ run, write }) => {
    write('postern.yaml', secretSpec({ token: 'vault:secret/gitlab#token' }));
    for (const setting of [
      { VAULT_TOKEN: 'hunter2-token\n' },
      { VAULT_TOKEN: 'hunter2-é' },
      { VAULT_NAMESPACE: 'a\nb' },
    ]) {
      const { status, stderr } = await run('secrets render', withEnv(setting));
      assert.is(status, 2);
      assert.match(stderr, /holds a character that none has \[secret\/vault-settings\]/);
      assert.not.match(stderr, /hunter2/);
    }
  }));

test('by AppRole, within what its policy allows', () =>
  inWorkspace(async (workspace) => {
    const { run, write, path } = workspace;
    await vault.bao('auth', 'enable', 'approle');
    write('reader.hcl', 'path "secret/data/gitlab" { capabilities = ["read"] }\n');
    await vault.bao('policy', 'write', 'reader', join(path, 'reader.hcl'));
    await vault.bao('write', 'auth/approle/role/postern', 'token_policies=reader', 'token_ttl=60s');
    const idOf = async (...args: string[]) => (await vault.bao(...args)).trim();
    write('id', await idOf('read', '-field=role_id', 'auth/approle/role/postern/role-id'));
    write('secret-id', await idOf('write', '-f', '-field=secret_id', 'auth/approle/role/postern/secret-id'));
    const login = {
      VAULT_TOKEN: '',
      POSTERN_VAULT_AUTH: 'approle',
      POSTERN_VAULT_ROLE_ID_FILE: 'id',
      POSTERN_VAULT_SECRET_ID_FILE: 'secret-id',
    };
    write('postern.yaml', secretSpec({ token: 'vault:secret/gitlab#token' }));
    const allowed = await run('secrets render', withEnv(login));
    assert.is(allowed.status, 0, allowed.stderr);
    assert.ok(rendered(workspace).includes(TOKEN));
    write('postern.yaml', secretSpec({ token: 'vault:old/gitlab#token' }));
    const before = rendered(workspace);
    const refused = await run('secrets render', withEnv(login));
    assert.is(refused.status, 2);
    assert.match(
      refused.stderr,
      /vault:old\/gitlab#token cannot be had from Vault: permission denied \[secret\/vault\]/,
    );
    assert.is(rendered(workspace), before);
    write('secret-id', 'wrong');
    const unknown = await run('secrets render', withEnv(login));
    assert.is(unknown.status, 2);
    assert.match(unknown.stderr, /the login by approle is refused \(status 400\)/);
  }));

test('what cannot be had is said, and what was there stays', () =>
  inWorkspace(async (workspace) => {
    const { run, write } = workspace;
    write('postern.yaml', secretSpec({ token: 'vault:secret/gitlab#token' }));
    assert.is((await run('secrets render', withEnv())).status, 0);
    const before = rendered(workspace);
    const cases: [string, Record<string, string>, RegExp][] = [
      ['vault:secret/nothing#token', {}, /there is nothing at that path/],
      ['vault:nowhere/gitlab#token', {}, /there is nothing at that path|permission denied/],
      ['vault:secret/gitlab#tokn', {}, /no such field with a text in it \[secret\/no-field\]/],
      ['vault:secret/gitlab#token', { VAULT_TOKEN: 'hvs.wrong' }, /does not know this token/],
      ['vault:secret/gitlab#token', { VAULT_TOKEN: '' }, /the token of "vault login": no such file/],
      ['vault:secret/gitlab#token', { VAULT_ADDR: '' }, /VAULT_ADDR is not set/],
      ['vault:secret/gitlab#token', { VAULT_ADDR: 'vault.example.com' }, /VAULT_ADDR is not an address/],
      ['vault:secret/gitlab#token', { BAO_ADDR: 'http://127.0.0.1:1' }, /VAULT_ADDR and BAO_ADDR differ/],
      ['vault:secret/gitlab#token', { VAULT_ADDR: 'http://127.0.0.1:1', VAULT_MAX_RETRIES: '0' }, /is not reached/],
      ['vault:secret/gitlab#token', { VAULT_SKIP_VERIFY: 'true' }, /VAULT_SKIP_VERIFY is set/],
      ['vault:secret/gitlab#token', { POSTERN_VAULT_AUTH: 'ldap' }, /write token, approle, kubernetes, jwt/],
      ['vault:secret/gitlab#token', { POSTERN_VAULT_AUTH: 'jwt' }, /POSTERN_VAULT_ROLE is not set/],
    ];
    for (const [reference, env, words] of cases) {
      write('postern.yaml', secretSpec({ token: reference }));
      const { status, stdout, stderr } = await run('secrets render', withEnv(env));
      assert.is(status, 2, String(words));
      assert.match(stderr, words);
      for (const secret of [TOKEN, KEY, vault.env['VAULT_TOKEN'] ?? ''])
        assert.not.ok(`${stdout}${stderr}`.includes(secret));
      assert.is(rendered(workspace), before);
    }
  }));

test('files are for the owner alone', () =>
  inWorkspace(async ({ run, write, path }) => {
    write('postern.yaml', secretSpec({ token: 'vault:secret/gitlab#token' }));
    assert.is((await run('secrets render', withEnv())).status, 0);
    assert.is(statSync(join(path, 'generated/caddy/secrets/keys')).mode & 0o777, 0o600);
  }));

test.run();
