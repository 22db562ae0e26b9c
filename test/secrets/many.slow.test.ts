import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as assert from 'uvu/assert';
import { engineSuite } from '../engines/suite.ts';
import { inWorkspace } from '../support/workspace.ts';
import { type Bao, startBao } from './bao.ts';

const CALLERS = 10_000;
/** Fields of one secret: OpenBao refuses bodies with more than a thousand texts. */
const FIELDS = 250;

const { test, engines } = await engineSuite('ten thousand callers', ['openbao']);
let vault: Bao;
test.before(async () => {
  vault = await startBao(engines.openbao.path);
});
test.after(async () => vault.stop());

const keyOf = (caller: number) => `${String(caller).padStart(6, '0')}-kV3yMuchRandomAndNotGuessed`;
const callers = Array.from({ length: CALLERS }, (_, caller) => caller);

function specOf(referenceOf: (caller: number) => string): string {
  return JSON.stringify({
    version: 1,
    name: 'many',
    upstreams: { gitlab: { url: 'https://gitlab.example.com' } },
    routes: { read: { upstream: 'gitlab', allow: ['GET /api/v4/user'] } },
    apiKeys: Object.fromEntries(
      callers.map((caller) => [`caller-${caller}`, { key: referenceOf(caller), token: 'env:TOKEN' }]),
    ),
    proxies: { api: { listen: 8080, ipRanges: ['192.0.2.7'] } },
    targets: { caddy: {} },
  });
}

test('from the environment: all are written, and two that share a key are named', () =>
  inWorkspace(async ({ run, write, read }) => {
    write(
      'postern.yaml',
      specOf((caller) => `env:KEY_${caller}`),
    );
    const settings: Record<string, string> = { TOKEN: 'glpat-the-token-of-this-test' };
    for (const caller of callers) settings[`KEY_${caller}`] = keyOf(caller);
    assert.is((await run('secrets render', { settings })).status, 0);
    const keys = read('generated/caddy/secrets/keys');
    assert.is(callers.filter((caller) => keys.includes(keyOf(caller))).length, CALLERS);
    assert.is((await run('secrets render --check', { settings })).status, 0);
    const twice = await run('secrets check', { settings: { ...settings, KEY_9999: keyOf(17).toUpperCase() } });
    assert.is(twice.status, 1);
    assert.match(twice.stdout, /env:KEY_9999 holds .*"caller-17".*in other capitals \[secret\/same-but-case\]/);
    const weak = await run('secrets check', { settings: { ...settings, KEY_5000: 'short' } });
    assert.is(weak.status, 1);
    assert.is((weak.stdout.match(/error: /g) ?? []).length, 1, weak.stdout.slice(0, 500));
  }));

test('from OpenBao: each secret is read once, however many callers have a field of it', () =>
  inWorkspace(async ({ run, write, read }) => {
    for (let first = 0; first < CALLERS; first += FIELDS) {
      const data = Object.fromEntries(
        callers.slice(first, first + FIELDS).map((caller) => [`k${caller}`, keyOf(caller)]),
      );
      const said = await fetch(`${vault.url}/v1/secret/data/callers-${first / FIELDS}`, {
        method: 'POST',
        headers: { 'X-Vault-Token': vault.env['VAULT_TOKEN'] ?? '' },
        body: JSON.stringify({ data }),
      });
      assert.is(said.status, 200, await said.text());
    }
    const asked: string[] = [];
    const between = createServer(async ({ url = '', headers }, answer) => {
      asked.push(url);
      const token = String(headers['x-vault-token'] ?? '');
      const said = await fetch(`${vault.url}${url}`, { headers: { 'X-Vault-Token': token } });
      answer.writeHead(said.status, { 'Content-Type': 'application/json' }).end(await said.text());
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => between.once('listening', resolve));
      const { port } = between.address() as AddressInfo;
      write(
        'postern.yaml',
        specOf((caller) => `vault:secret/callers-${Math.floor(caller / FIELDS)}#k${caller}`),
      );
      const settings = { ...vault.env, VAULT_ADDR: `http://127.0.0.1:${port}`, TOKEN: 'glpat-the-token-of-this-test' };
      const { status, stderr } = await run('secrets render', { settings });
      assert.is(status, 0, stderr.slice(0, 500));
      const keys = read('generated/caddy/secrets/keys');
      assert.is(callers.filter((caller) => keys.includes(keyOf(caller))).length, CALLERS);
      const secrets = asked.filter((url) => url.includes('/callers-'));
      assert.is(new Set(secrets).size, secrets.length, 'no secret is read twice');
      assert.ok(asked.length <= 2 * (CALLERS / FIELDS), `${asked.length} requests`);
    } finally {
      between.close();
    }
  }));

test.run();
