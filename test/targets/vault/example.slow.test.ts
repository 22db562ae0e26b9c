import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { run } from '../../engines/run.ts';
import { engineSuite } from '../../engines/suite.ts';
import { PLUGIN, type Plugged, startBaoWithPlugin } from '../../secrets/plugged.ts';
import { entry } from '../../support/cli.ts';

const example = fileURLToPath(new URL('../../../examples/vault/', import.meta.url));
const page = readFileSync(join(example, 'README.md'), 'utf8');
const [setUp = '', agent = '', compare = ''] = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(
  ([, block = '']) => block,
);

const { test, engines } = await engineSuite('the commands of examples/vault', ['openbao']);
let vault: Plugged;
test.before(async () => {
  vault = await startBaoWithPlugin(engines.openbao.path);
  await vault.bao('auth', 'enable', 'approle');
});
test.after(async () => vault.stop());

/** A copy that logs in without Kubernetes, and the page's programs on the path. */
async function inCopy(work: (sh: (script: string) => ReturnType<typeof run>, path: string) => Promise<void>) {
  const folder = await temporaryFolder();
  const { path } = folder;
  try {
    cpSync(example, path, { recursive: true });
    const spec = readFileSync(join(path, 'postern.yaml'), 'utf8');
    const elsewhere = spec
      .replace('https://vault.example.com:8200', vault.url)
      .replace(/(main: \{ url: )[^,]+/, `$1"${vault.gitlab}"`)
      .replace(/login: .*/, 'login: { appRole: { roleIdFile: role-id, secretIdFile: secret-id } }')
      .replace(/ {4}injector:.*\n.*\n.*\n/, '')
      .replace(/ {4}externalSecrets:.*\n/, '')
      .replace(/reload:[\s\S]*?(?= {4}terraform)/, 'reload: { nginx: ["true"], caddy: ["true"] }\n');
    writeFileSync(join(path, 'postern.yaml'), elsewhere);
    mkdirSync(join(path, 'bin'));
    const programs = { vault: engines.openbao.path, postern: [process.execPath, ...entry].join("' '") };
    for (const [name, program] of Object.entries(programs)) {
      writeFileSync(join(path, 'bin', name), `#!/bin/sh\nexec '${program}' "$@"\n`);
      chmodSync(join(path, 'bin', name), 0o755);
    }
    const { VAULT_ADDR, VAULT_TOKEN, HOME } = vault.env;
    const PATH = `${join(path, 'bin')}:${process.env['PATH']}`;
    const env = { PATH, HOME, VAULT_ADDR, VAULT_TOKEN, BAO_ADDR: VAULT_ADDR, BAO_TOKEN: VAULT_TOKEN };
    await work((script) => run('sh', ['-eu', '-c', script], { cwd: path, env }), path);
  } finally {
    await folder.remove();
  }
}

test('set Vault up, and an Agent writes what the engines read', () =>
  inCopy(async (sh, path) => {
    writeFileSync(join(path, 'the-token-of-the-plugin'), vault.ownToken);
    const done = await sh(setUp);
    assert.is(done.code, 0, done.text);
    const { data }: { data: Record<string, unknown> } = JSON.parse(
      await vault.bao('read', '-format=json', 'gitlab/config/main'),
    );
    assert.equal(
      [data['auto_rotate_before'], data['auto_rotate_token'], data['base_url'], data['type']],
      ['48h0m0s', true, vault.gitlab, 'self-managed'],
    );
    // The plugin does not say its token.
    if (PLUGIN === undefined) assert.is(data['token'], vault.ownToken);
    await vault.issues('partner', 'glpat-issued-for-the-partner', 60);
    const role = 'auth/approle/role/vault-proxy';
    for (const [file, ...args] of [
      ['role-id', 'read', '-field=role_id', `${role}/role-id`],
      ['secret-id', 'write', '-f', '-field=secret_id', `${role}/secret-id`],
    ] as const)
      writeFileSync(join(path, 'generated', file), await vault.bao(...args));
    // An Agent goes on: it is ended once both files are there.
    const [render = '', start = ''] = agent.trimEnd().split('\n');
    const written = '[ -s nginx/secrets/tokens.conf ] && [ -s caddy/secrets/keys ]';
    const both = `${render}\n${start} & agent=$!\nuntil (cd generated && ${written}); do sleep 0.1; done\nkill $agent`;
    const ran = await sh(
      both.replace('cd generated && vault', 'cd generated; exec vault').replace(/(cd generated;.*)&/, '($1) &'),
    );
    assert.is(ran.code, 0, ran.text);
    const files = ['nginx/secrets/tokens.conf', 'caddy/secrets/keys', 'nginx/secrets/keys.conf'];
    const [tokens = '', table = '', keys = ''] = files.map((file) =>
      readFileSync(join(path, 'generated', file), 'utf8'),
    );
    assert.match(tokens, '"partner" "glpat-issued-for-the-partner";');
    assert.match(table, '"partner first glpat-issued-for-the-partner"');
    assert.match(keys, '"hash:');
  }));

test('compare what Vault has with the spec', () =>
  inCopy(async (sh, path) => {
    const generated = await sh('postern generate');
    assert.is(generated.code, 0, generated.text);
    const written = (file: string): object => JSON.parse(readFileSync(join(path, 'generated/vault', file), 'utf8'));
    const applied = await sh('sh generated/vault/apply.sh');
    assert.is(applied.code, 0, applied.text);
    await vault.write('gitlab/config/main', { ...written('config/gitlab/main.json') });
    const role = written('roles/gitlab/partner.json');
    await vault.write('gitlab/roles/partner', { ...role });
    const same = await sh(compare);
    assert.is(same.code, 0, same.text);
    await vault.write('gitlab/roles/partner', { ...role, scopes: ['api'] });
    const other = await sh(compare);
    assert.is(other.code, 1, other.text);
    assert.match(other.text, /live\.json: gitlab\/roles\/partner has scopes "api" in place of scopes "read_api"/);
  }));

test.run();
