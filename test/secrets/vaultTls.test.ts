import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { certificateFor } from '../engines/certificate.ts';
import { engineSuite } from '../engines/suite.ts';
import { inWorkspace } from '../support/workspace.ts';
import { type Bao, startBao } from './bao.ts';
import { KEY, secretSpec } from './spec.ts';

const TOKEN = 'glpat-the-token-of-this-test';

const { test, engines } = await engineSuite('OpenBao over TLS', ['openbao', 'openssl']);
let vault: Bao;
test.before(async () => {
  vault = await startBao(engines.openbao.path);
  await vault.bao('kv', 'put', '-mount=secret', 'gitlab', `token=${TOKEN}`);
});
test.after(async () => vault.stop());

/** OpenBao behind TLS with a certificate for "vault.example.com", which signs itself. */
async function overTls(use: (port: number, certFile: string) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  const { certFile, keyFile } = await certificateFor(['vault.example.com'], engines.openssl.path, folder);
  const { hostname, port } = new URL(vault.env['VAULT_ADDR'] ?? '');
  const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (client) => {
    const inside = connect(Number(port), hostname);
    client.on('error', () => inside.destroy()).pipe(inside);
    inside.on('error', () => client.destroy()).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use((server.address() as AddressInfo).port, certFile);
  } finally {
    server.close();
    await folder.remove();
  }
}

test('the authority is the one that is named, and the name the one that is said', () =>
  overTls((port, certFile) =>
    inWorkspace(async ({ run, write, read, path }) => {
      write('postern.yaml', secretSpec({ token: 'vault:secret/gitlab#token' }));
      write('other.pem', 'no certificate\n');
      const render = (more: Record<string, string>) => {
        const { VAULT_TOKEN = '', HOME = '' } = vault.env;
        const settings = { PARTNER_KEY: KEY, HOME, VAULT_TOKEN, VAULT_ADDR: `https://127.0.0.1:${port}`, ...more };
        return run('secrets render', { settings });
      };
      const refused: [Record<string, string>, RegExp][] = [
        [{ VAULT_TLS_SERVER_NAME: 'vault.example.com' }, /VAULT_CACERT/],
        [{ VAULT_CACERT: certFile }, /VAULT_TLS_SERVER_NAME/],
        [{ VAULT_CACERT: 'nowhere.pem' }, /the file of VAULT_CACERT cannot be read/],
        [{ VAULT_CACERT: 'other.pem', VAULT_TLS_SERVER_NAME: 'vault.example.com' }, /VAULT_CACERT/],
        [{ VAULT_SKIP_VERIFY: 'true' }, /who does not verify hands the token to anybody/],
      ];
      for (const [settings, words] of refused) {
        const { status, stdout, stderr } = await render(settings);
        assert.is(status, 2, JSON.stringify(settings));
        assert.match(stderr, words);
        assert.not.match(stdout + stderr, new RegExp(vault.env['VAULT_TOKEN'] ?? 'none'));
        assert.not.ok(existsSync(`${path}/generated/caddy/secrets/keys`));
      }
      const settings = { VAULT_CACERT: certFile, VAULT_TLS_SERVER_NAME: 'vault.example.com' };
      const { status, stderr } = await render(settings);
      assert.is(status, 0, stderr);
      assert.ok(read('generated/caddy/secrets/keys').includes(TOKEN));
    }),
  ));

test.run();
