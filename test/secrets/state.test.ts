import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startIssuer } from './issuer.ts';
import { given, LEASES, spec, withIssuer } from './leased.ts';
import { KEY, secretSpec } from './spec.ts';

const FILE = 'generated/caddy/secrets/keys';

const state = suite('what a render leaves for the next one');

state('two specs do not overwrite the secrets of each other, and a folder can change its spec', () =>
  withIssuer(async ({ run, write, read, path }) => {
    const settings = { PARTNER_KEY: KEY, TOKEN: 'glpat-of-the-first-spec', OTHER: 'glpat-of-the-second-spec' };
    write('postern.yaml', secretSpec({ token: 'env:TOKEN' }));
    write('other.yaml', secretSpec({ token: 'env:OTHER' }).replace('name: secrets', 'name: another'));
    assert.is((await run('secrets render --out shared', { settings })).status, 0);
    const before = read('shared/caddy/secrets/keys');
    for (const command of ['render', 'render --check', 'render --watch', 'render --keys']) {
      const { status, stdout, stderr } = await run(`secrets ${command} other.yaml --out shared`, { settings });
      assert.is(status, 2, command);
      assert.match(`${stdout}${stderr}`, /this folder is of the spec "secrets".*\[secret\/other-spec\]/);
      assert.is(read('shared/caddy/secrets/keys'), before);
    }
    assert.is((await run('secrets check other.yaml', { settings })).status, 0);
    rmSync(join(path, 'shared/.postern-leases.json'));
    assert.is((await run('secrets render other.yaml --out shared', { settings })).status, 0);
    assert.not.equal(read('shared/caddy/secrets/keys'), before);
    assert.is((await run('secrets render --out shared', { settings })).status, 2);
    assert.is((await run('generate --out generated/elsewhere', { settings })).status, 0);
    assert.is((await run('secrets render other.yaml --out generated/elsewhere', { settings })).status, 2);
  }),
);

const DAMAGES: readonly (readonly [what: string, damage: (text: string, token: string) => string])[] = [
  ['is cut off', (text) => text.slice(0, -20)],
  ['has half a token', (text, token) => text.replace(token, token.slice(0, -3))],
  ['has another token', (text, token) => text.replace(token, `${token}0`)],
  ['lasts for ever', (text) => text.replace(/"until": (\d+)/, '"until": 9$1')],
  ['is of another form', () => '{"leases":{"vault:gitlab/token/partner#token":{"value":"x","since":0,"until":9e9}}}'],
  ['is a list', () => '[]'],
];
for (const [what, damage] of DAMAGES)
  state(`a state that ${what} is none: another token is asked for`, () =>
    withIssuer(async ({ run, read, write }, issuer) => {
      assert.is((await run('secrets render', given(issuer))).status, 0);
      const text = damage(read(LEASES), issuer.issued[0] ?? '?');
      assert.is.not(text, read(LEASES));
      write(LEASES, text);
      const { status, stderr } = await run('secrets render', given(issuer));
      assert.is(status, 0, stderr);
      assert.is(issuer.issued.length, 2);
      assert.ok(read(FILE).includes(issuer.issued[1] ?? '?'));
    }),
  );

state('a token is of its Vault, its namespace and its upstream, and of no other', () =>
  withIssuer(async ({ run, read, write }, issuer) => {
    const other = await startIssuer();
    try {
      const { settings } = given(issuer);
      const render = async (more: Readonly<Record<string, string>> = {}) => {
        for (let runs = 0; runs < 2; runs += 1)
          assert.is((await run('secrets render', { settings: { ...settings, ...more } })).status, 0);
        return [issuer.issued.length, other.issued.length];
      };
      assert.equal(await render(), [1, 0]);
      assert.equal(await render({ VAULT_ADDR: other.env['VAULT_ADDR'] ?? '' }), [1, 1]);
      assert.ok(read(FILE).includes(other.issued[0] ?? '?'));
      assert.equal(await render({ VAULT_NAMESPACE: 'team' }), [2, 1]);
      assert.equal(await render(), [3, 1]);
      write('postern.yaml', spec.replace('gitlab.example.com', 'gitlab.example.org'));
      assert.equal(await render(), [4, 1]);
      write('postern.yaml', spec.replace('gitlab.example.com', 'gitlab.example.org').replace('8080', '8081'));
      assert.equal(await render(), [4, 1]);
    } finally {
      await other.stop();
    }
  }),
);

state.run();
