import * as assert from 'uvu/assert';
import { run as runProgram } from '../../engines/run.ts';
import { engineSuite } from '../../engines/suite.ts';
import { type Plugged, startBaoWithPlugin } from '../../secrets/plugged.ts';
import { inWorkspace } from '../../support/workspace.ts';

const { test, engines } = await engineSuite('what an OpenBao has, compared with the spec', ['openbao']);
let vault: Plugged;
test.before(async () => {
  vault = await startBaoWithPlugin(engines.openbao.path);
  for (const method of ['kubernetes', 'approle']) await vault.bao('auth', 'enable', method);
});
test.after(async () => vault.stop());

const LOGINS = {
  kubernetes: '{ kubernetes: { serviceAccount: postern, namespace: access, audience: vault } }',
  approle: '{ appRole: { roleIdFile: role-id, secretIdFile: secret-id } }',
};

const specWith = (login: string) => `version: 1
name: live-test
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes: { read: { upstream: gitlab, allow: [GET /api/v4/user] } }
apiKeys:
  partner: { key: "vault:secret/partner#key", token: "vault:gitlab/token/partner#token", routes: [read] }
vault:
  gitlab:
    configs: { main: { url: "${vault.gitlab}", type: self-managed } }
    roles:
      partner: { config: main, type: group, path: partners, name: "p-{{ .unix_timestamp_utc }}", accessLevel: reporter, scopes: [read_api], ttl: 24h, gitlabRevokes: true }
proxies: { api: { listen: 8080, ipRanges: any } }
targets: { nginx: {}, vault: { stores: { secret: 2 }, login: ${login} } }
`;

interface Applied {
  /** Sets up everything as it was generated. */
  apply(): Promise<void>;
  /** Runs `read.sh`, whoever the token is of. */
  capture(token?: string): ReturnType<typeof runProgram>;
  /** Status and errors of `diff --live` for what `read.sh` prints. */
  compared(token?: string): Promise<readonly [status: number | null, ...errors: string[]]>;
}

/** Everything is set up as it was generated, and then work goes on by hand. */
const applied = (login: keyof typeof LOGINS, work: (there: Applied) => Promise<void>) =>
  inWorkspace(async ({ path, run, read, write }) => {
    write('postern.yaml', specWith(LOGINS[login]));
    const { status, stderr } = await run('generate');
    assert.is(status, 0, stderr);
    const { PATH, VAULT_TOKEN, HOME } = { ...process.env, ...vault.env };
    const script = (name: string, token = VAULT_TOKEN) => {
      const env = { PATH, HOME, BAO_ADDR: vault.url, BAO_TOKEN: token, VAULT: engines.openbao.path };
      return runProgram('sh', ['-c', `sh generated/vault/${name} > live.json`], { cwd: path, env });
    };
    const capture = (token?: string) => script('read.sh', token);
    const apply = async () => {
      const done = await script('apply.sh');
      assert.is(done.code, 0, done.text);
      for (const [at, file] of Object.entries(PLUGIN_FILES))
        await vault.write(at, JSON.parse(read(`generated/vault/${file}`)));
    };
    await apply();
    const compared = async (token?: string) => {
      await capture(token);
      const told = await run('diff --live vault=live.json --format json');
      const { diagnostics }: { diagnostics: Told[] } = JSON.parse(told.stdout);
      const errors = diagnostics.filter(({ severity }) => severity === 'error');
      assert.ok(
        errors.every(({ file, line }) => file === 'postern.yaml' && line > 0),
        told.stdout,
      );
      return [told.status, ...errors.map(({ message }) => message.replace('live.json: ', ''))] as const;
    };
    await work({ apply, capture, compared });
  });

interface Told {
  readonly severity: string;
  readonly message: string;
  readonly file: string;
  readonly line: number;
}

/** Where each file of the plugin belongs. `apply.sh` cannot write them into the store that plays the plugin. */
const PLUGIN_FILES = {
  'gitlab/config/main': 'config/gitlab/main.json',
  'gitlab/roles/partner': 'roles/gitlab/partner.json',
};

for (const login of ['kubernetes', 'approle'] as const)
  test(`what was applied is in sync, and is so again after changes by hand: ${login}`, () =>
    applied(login, async ({ apply, compared }) => {
      assert.equal(await compared(), [0]);
      const role = `auth/${login}/role/live-test`;
      const another = login === 'kubernetes' ? 'alias_name_source=serviceaccount_name' : 'secret_id_ttl=5m';
      await vault.bao('write', role, 'token_bound_cidrs=10.0.0.0/8', 'token_max_ttl=6m', another);
      assert.is((await compared()).length, 4);
      await apply();
      assert.equal(await compared(), [0]);
    }));

const ROLE = 'auth/kubernetes/role/live-test';
const POLICY = 'sys/policies/acl/live-test';
const ours = '# by hand\npath "gitlab/token/partner" { capabilities = ["read"] }\n';
const stored = 'path "secret/data/partner" { capabilities = ["read"] }\n';

test('a policy is compared by what it allows', () =>
  applied('kubernetes', async ({ compared }) => {
    const told = async (policy: string) => {
      await vault.bao('write', POLICY, `policy=${policy}`);
      return compared();
    };
    assert.equal(await told(`${stored}// in another order\n${ours}`), [0]);
    assert.equal(await told(`${ours}${stored}path "secret/*" { capabilities = ["read", "list"] }`), [
      1,
      `${POLICY} has the path "secret/*" with list, read, which the spec does not make`,
    ]);
    assert.equal(await told(`${ours}path "secret/data/partner" { capabilities = ["read", "update"] }`), [
      1,
      `${POLICY} has read, update of the path "secret/data/partner" in place of read of the path "secret/data/partner"`,
    ]);
    assert.equal(await told(`${ours}${stored}path "secret/data/partner" { capabilities = ["sudo"] }`), [
      1,
      `${POLICY} has sudo of the path "secret/data/partner" in place of read of the path "secret/data/partner"`,
    ]);
    assert.equal(await told(stored), [1, `${POLICY} lacks the path "gitlab/token/partner"`]);
    assert.equal(await told('{ "path": { "secret/*": { "capabilities": ["sudo"] } } }'), [
      1,
      `${POLICY} has a text in other words in place of what is generated`,
    ]);
    await vault.bao('policy', 'delete', 'live-test');
    assert.equal(await compared(), [1, `live.json lacks ${POLICY}`]);
  }));

const BY_HAND: readonly (readonly [field: string, value: string, drift: string])[] = [
  ['alias_name_source', 'serviceaccount_name', '"serviceaccount_name" in place of'],
  ['audience', 'another', '"another" in place of audience "vault"'],
  ['bound_service_account_names', 'postern,other', '["postern","other"] in place of'],
  ['bound_service_account_namespace_selector', '{"matchLabels":{"a":"b"}}', 'in place of'],
  ['bound_service_account_namespaces', '*', '["*"] in place of'],
  ['token_bound_cidrs', '0.0.0.0/0', '["0.0.0.0/0"] in place of token_bound_cidrs []'],
  ['token_explicit_max_ttl', '5m', '300 in place of'],
  ['token_max_ttl', '800h', '2880000 in place of token_max_ttl 0'],
  ['token_no_default_policy', 'true', 'true in place of'],
  ['token_num_uses', '7', '7 in place of'],
  ['token_period', '720h', '2592000 in place of token_period 3600'],
  ['token_policies', 'live-test,admins', 'in place of token_policies ["live-test"]'],
];

test('every field of the role that logs in is compared', () =>
  applied('kubernetes', async ({ compared }) => {
    await vault.bao('write', ROLE, ...BY_HAND.map(([field, value]) => `${field}=${value}`));
    const [status, ...messages] = await compared();
    assert.is(status, 1);
    assert.is(messages.length, BY_HAND.length, messages.join('\n'));
    for (const [field, , drift] of BY_HAND)
      assert.ok(
        messages.some((one) => one.startsWith(`${ROLE} has ${field} `) && one.includes(drift)),
        field,
      );
    await vault.bao('delete', ROLE);
    assert.equal(await compared(), [1, `live.json lacks ${ROLE}`]);
    await vault.bao('delete', 'gitlab/roles/partner');
    assert.equal(await compared(), [1, 'live.json lacks gitlab/roles/partner', `live.json lacks ${ROLE}`]);
  }));

test('what may not be read is not in sync', () =>
  applied('kubernetes', async ({ capture, compared }) => {
    const paths = [POLICY, ROLE, 'gitlab/config/main', 'gitlab/roles/partner'];
    for (const hidden of paths) {
      const policy = paths
        .filter((one) => one !== hidden)
        .map((one) => `path "${one}" { capabilities = ["read"] }`)
        .join('\n');
      await vault.bao('write', 'sys/policies/acl/reader', `policy=${policy}`);
      const token = (await vault.bao('token', 'create', '-policy=reader', '-field=token')).trim();
      const asked = await capture(token);
      assert.is(asked.code, 1);
      assert.match(asked.text, 'permission denied');
      const [status, message = ''] = await compared(token);
      assert.is(status, 2, hidden);
      assert.match(message, 'cannot be compared: ');
    }
  }));

test.run();
