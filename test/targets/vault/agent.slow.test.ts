import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { startEngine } from '../../../src/verify/engines.ts';
import { freePort } from '../../../src/verify/ports.ts';
import { accepts, startServer } from '../../../src/verify/process.ts';
import { startRecorder } from '../../../src/verify/recorder.ts';
import type { Scope } from '../../../src/verify/scope.ts';
import { mustRun } from '../../engines/run.ts';
import { engineSuite } from '../../engines/suite.ts';
import { type Plugged, startBaoWithPlugin } from '../../secrets/plugged.ts';
import { scoped } from '../../support/scoped.ts';
import { inWorkspace, type Workspace } from '../../support/workspace.ts';
import { proxyTarget } from '../../verify/proxyTargets.ts';

const { test, engines } = await engineSuite('an Agent with what was generated', ['openbao', 'nginx', 'caddy']);
const KEY = 'kV3yMuch-Random_and.Not~Guessed+0';
const TOKEN = 'glpat-the-token-of-this-test';
let vault: Plugged;
test.before(async () => {
  vault = await startBaoWithPlugin(engines.openbao.path);
  await vault.bao('auth', 'enable', 'approle');
});
test.after(async () => vault.stop());

interface Ports {
  readonly nginx: number;
  readonly caddy: number;
  readonly upstream: number;
}

const specFor = ({ nginx, upstream }: Ports, engine: string) => `version: 1
name: agent-test
upstreams: { gitlab: { url: "http://127.0.0.1:${upstream}" } }
routes: { read: { upstream: gitlab, allow: [GET /api/v4/user] } }
apiKeys:
  partner: { key: "vault:secret/partner#key", token: "vault:gitlab/token/partner#token" }
  other: { key: "vault:secret/other#key", token: "vault:gitlab/token/other#token" }
vault:
  gitlab:
    configs: { main: { url: "${vault.gitlab}", type: self-managed } }
    roles:
      partner: &role { config: main, type: group, path: partners, name: "{{ .role_name }}-{{ .unix_timestamp_utc }}", accessLevel: reporter, scopes: [read_api], ttl: 1h }
      other: *role
proxies: { api: { listen: "127.0.0.1:${nginx}", ipRanges: [127.0.0.1] } }
targets:
  ${engine}: {}
  vault:
    stores: { secret: 2 }
    login: { appRole: { roleIdFile: role-id, secretIdFile: secret-id } }
    agent: { reload: { ${engine}: [touch, reloaded] } }
`;

async function putSecrets(token = TOKEN): Promise<void> {
  await vault.bao('kv', 'put', '-mount=secret', 'partner', `key=${KEY}`);
  await vault.bao('kv', 'put', '-mount=secret', 'other', 'key=kV3yMuch-Random_and.Not~Guessed+1');
  await vault.issues('partner', token, 5);
  await vault.issues('other', 'glpat-of-the-other-one', 5);
}

/** Generates, applies what was generated as its script does, and logs an Agent in. */
async function prepare({ run, read, write, path }: Workspace, spec: string): Promise<void> {
  write('postern.yaml', spec);
  const { status, stderr } = await run('generate');
  assert.is(status, 0, stderr);
  const { VAULT_ADDR = '', VAULT_TOKEN = '', HOME = '' } = vault.env;
  const env = {
    PATH: process.env['PATH'],
    HOME,
    BAO_ADDR: VAULT_ADDR,
    BAO_TOKEN: VAULT_TOKEN,
    VAULT: engines.openbao.path,
  };
  await vault.write('gitlab/config/main', JSON.parse(read('generated/vault/config/gitlab/main.json')));
  await mustRun('sh', [join(path, 'generated/vault/apply.sh')], { env });
  const field = async (...args: string[]) => (await vault.bao(...args)).trim();
  const role = 'auth/approle/role/agent-test';
  write('generated/role-id', await field('read', '-field=role_id', `${role}/role-id`));
  write('generated/secret-id', await field('write', '-f', '-field=secret_id', `${role}/secret-id`));
  await putSecrets();
}

async function startAgent({ path }: Workspace, scope: Scope, done: () => boolean): Promise<void> {
  const { VAULT_ADDR = '', HOME = '' } = vault.env;
  const agent = await startServer({
    command: engines.openbao.path,
    args: ['agent', '-config=vault/agent.hcl'],
    cwd: join(path, 'generated'),
    env: { PATH: process.env['PATH'], HOME, BAO_ADDR: VAULT_ADDR },
    ready: async () => done(),
    patience: 60_000,
  });
  scope.defer(() => agent.stop());
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

/** An Agent runs its command after it has written. */
async function waitFor(holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 30_000; !holds(); await pause(20))
    if (Date.now() > deadline) throw new Error('it did not come true in 30 s');
}

const FILES = { nginx: 'nginx/secrets/tokens.conf', caddy: 'caddy/secrets/keys' } as const;

for (const engine of ['nginx', 'caddy'] as const)
  test(`${engine} takes the files of an Agent, which are those of "secrets render"`, () =>
    inWorkspace((workspace) =>
      scoped(async (scope) => {
        const upstream = await startRecorder({});
        scope.defer(() => upstream.close());
        const port = await freePort();
        const ports = { nginx: port, caddy: port, upstream: upstream.port };
        await prepare(workspace, specFor(ports, engine));
        const { path, run } = workspace;
        const keys = await run('secrets render', { env: vault.env });
        assert.is(keys.status, 0, keys.stderr);
        const file = join(path, 'generated', FILES[engine]);
        const rendered = readFileSync(file, 'utf8');
        await vault.issues('partner', 'glpat-the-next-token', 5);
        await startAgent(workspace, scope, () => textOf(file).includes('glpat-the-next-token'));
        const entries = (text: string) => text.replace(/^#.*\n/gm, '');
        assert.is(entries(readFileSync(file, 'utf8')), entries(rendered).replace(TOKEN, 'glpat-the-next-token'));
        assert.is(statSync(file).mode & 0o777, 0o600);
        await waitFor(() => existsSync(join(path, 'generated/reloaded')));
        const server = await startEngine(proxyTarget(engine), {
          program: engines[engine].path,
          folder: join(path, 'generated'),
          ready: () => accepts(port),
        });
        scope.defer(() => server.stop());
        const answer = await fetch(`http://127.0.0.1:${port}/api/v4/user`, { headers: { 'PRIVATE-TOKEN': KEY } });
        assert.is(answer.status, 200);
        assert.is(upstream.requests.at(-1)?.field('private-token'), 'glpat-the-next-token');
      })(),
    ));

test('a token that is none is left out, and the others stay', () =>
  inWorkspace((workspace) =>
    scoped(async (scope) => {
      await prepare(workspace, specFor({ nginx: 8080, caddy: 8080, upstream: 1 }, 'nginx'));
      await vault.issues('partner', 'glpat-"one$x";\nmap', 5);
      const file = join(workspace.path, 'generated', FILES.nginx);
      await startAgent(workspace, scope, () => textOf(file).includes('glpat-of-the-other-one'));
      assert.not.match(textOf(file), /partner|one\$x/);
    })(),
  ));

test('the policy is formatted as Vault does, suffices, and lets nothing else be read', () =>
  inWorkspace(async (workspace) => {
    await prepare(workspace, specFor({ nginx: 8080, caddy: 8080, upstream: 1 }, 'caddy'));
    const { path, read, run, write } = workspace;
    const before = read('generated/vault/policy.hcl');
    await vault.bao('policy', 'fmt', join(path, 'generated/vault/policy.hcl'));
    assert.is(read('generated/vault/policy.hcl'), before);
    const login = {
      ...vault.env,
      VAULT_TOKEN: '',
      POSTERN_VAULT_AUTH: 'approle',
      POSTERN_VAULT_ROLE_ID_FILE: 'generated/role-id',
      POSTERN_VAULT_SECRET_ID_FILE: 'generated/secret-id',
    };
    const { status, stderr } = await run('secrets render', { env: login });
    assert.is(status, 0, stderr);
    const spec = read('postern.yaml');
    await vault.issues('third', 'glpat-of-a-third-one', 5);
    for (const [from, to] of [
      ['vault:secret/other#key', 'vault:secret/third#key'],
      ['vault:gitlab/token/other#token', 'vault:gitlab/token/third#token'],
    ] as const) {
      write('postern.yaml', spec.replace(from, to).replaceAll('other: *role', 'other: *role\n      third: *role'));
      const refused = await run('secrets render', { env: login });
      assert.is(refused.status, 2, `${from} ${to}`);
      assert.match(refused.stderr, /permission denied/);
    }
  }));

test.run();
