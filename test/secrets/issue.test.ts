import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NOW } from '../support/commands.ts';
import { git } from '../support/repository.ts';
import { given, LEASES, spec, withIssuer } from './leased.ts';

const FILE = 'generated/caddy/secrets/keys';

const issue = suite('issuing');

type Fault = readonly [what: string, spec: string, settings: Readonly<Record<string, string>>, words: RegExp];
const faults: readonly Fault[] = [
  ['a reference to nothing', spec, { PARTNER_KEY: '' }, /env:PARTNER_KEY is not set/],
  ['a key that may be guessed', spec, { PARTNER_KEY: 'abababababababababababababab' }, /secret\/weak-key/],
  ['a target that cannot take a value', spec.replace('caddy: {}', 'caddy: {}, nginx: {}'), {}, /nginx\/selector/],
];

for (const [what, text, settings, words] of faults)
  issue(`nothing is issued before it is known that all else will do: ${what}`, () =>
    withIssuer(async ({ run, write }, issuer) => {
      const twin = 'Tw1n-of-the-Random_and.Not~Guessed+0';
      write('postern.yaml', text.replace('apiKeys: { ', 'apiKeys: { twin: { key: env:TWIN, token: env:TOKEN }, '));
      const all = { ...given(issuer).settings, TWIN: twin, TOKEN: 'glpat-of-the-twin', ...settings };
      for (let tries = 0; tries < 3; tries += 1) {
        const { status, stderr } = await run('secrets render', { settings: all });
        assert.is(status, 2);
        assert.match(stderr, words);
      }
      assert.is(issuer.issued.length, 0);
    }),
  );

issue('nothing is issued for a place where no secret may be written', () =>
  withIssuer(async ({ run, path }, issuer) => {
    mkdirSync(join(path, 'elsewhere'));
    symlinkSync(join(path, 'elsewhere'), join(path, 'linked'));
    mkdirSync(join(path, 'tree/out'), { recursive: true });
    git(join(path, 'tree'), 'init', '-q');
    mkdirSync(join(path, 'plain/caddy'), { recursive: true });
    symlinkSync(join(path, 'elsewhere'), join(path, 'plain/caddy/secrets'));
    for (const out of ['tree/out', 'plain'])
      assert.is((await run(`secrets render --out ${out}`, given(issuer))).status, 2);
    assert.is(issuer.issued.length, 0);
  }),
);

issue('what was issued is kept where another role fails', () =>
  withIssuer(async ({ run, write, read, path }, issuer) => {
    const other = 'apiKeys: { other: { key: env:OTHER_KEY, token: "vault:gitlab/token/nobody#token" }, ';
    write('postern.yaml', spec.replace('apiKeys: { ', other));
    const settings = { ...given(issuer).settings, OTHER_KEY: 'An0ther-Random_and.Not~Guessed+one' };
    for (let tries = 0; tries < 3; tries += 1) assert.is((await run('secrets render', { settings })).status, 2);
    assert.is(issuer.issued.length, 1);
    assert.not.ok(existsSync(join(path, 'generated/caddy')));
    write('postern.yaml', spec);
    assert.is((await run('secrets render', { settings })).status, 0);
    assert.is(issuer.issued.length, 1);
    assert.ok(read(FILE).includes(issuer.issued[0] ?? '?'));
  }),
);

issue('a field that is not there is found in what was issued, once the reference is mended', () =>
  withIssuer(async ({ run, write, read }, issuer) => {
    write('postern.yaml', spec.replace('#token', '#tokn'));
    for (let tries = 0; tries < 3; tries += 1)
      assert.match((await run('secrets render', given(issuer))).stderr, /secret\/no-field/);
    write('postern.yaml', spec);
    assert.is((await run('secrets render', given(issuer))).status, 0);
    assert.is(issuer.issued.length, 1);
    assert.ok(read(FILE).includes(issuer.issued[0] ?? '?'));
  }),
);

issue('a token that is of no use is not asked for again at each try', () =>
  withIssuer(async ({ run, read }, issuer) => {
    issuer.mood = 'odd-token';
    for (let tries = 0; tries < 3; tries += 1) {
      const { status, stderr } = await run('secrets render', given(issuer));
      assert.is(status, 2);
      assert.match(stderr, /is not a token/);
    }
    assert.is(issuer.issued.length, 1);
    assert.ok(read(LEASES).includes(String(NOW)));
  }),
);

issue.run();
