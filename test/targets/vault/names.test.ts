import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { VaultRole } from '../../../src/policy/types.ts';
import { generatorName, propertyOf, valueName } from '../../../src/targets/vault/external.ts';
import { terraform } from '../../../src/targets/vault/payloads.ts';

const test = suite('names that the vault target makes');

const LETTERS = ['a', '1', '_', '-', '.', '/', 'A'];
/** All texts of up to four of these characters, so that every kind of likeness occurs. */
const TEXTS = [1, 2, 3, 4].reduce<string[][]>(
  (all) => [...all, (all.at(-1) ?? ['']).flatMap((text) => LETTERS.map((letter) => text + letter))],
  [],
);

const role = (id: string): VaultRole => ({
  id,
  config: { name: 'default', url: 'https://gitlab.example.com', type: 'self-managed', origin: [] },
  type: 'project',
  path: 'group/project',
  dynamicPath: false,
  name: 'token',
  scopes: ['read_api'],
  ttl: 3600,
  gitlabRevokes: false,
  origin: [],
});

test('Terraform gets as many resources as there are roles, under names that it takes', () => {
  const short = TEXTS.slice(0, 2).flat();
  const vault = short.map((path) => ({ path, configs: [], roles: short.map(role) }));
  const made = terraform({ policyName: 'p', policyText: '', login: undefined, vault, namespace: undefined });
  const { resource } = JSON.parse(JSON.stringify(made));
  const names = Object.keys(resource.vault_generic_endpoint);
  assert.is(names.length, short.length ** 2);
  assert.equal(
    names.filter((name) => !/^[A-Za-z_][\w-]*$/.test(name)),
    [],
  );
});

test('Terraform takes the name of the policy, whatever the spec is called', () => {
  for (const policyName of ['p', '1p', 'a.b-', '0']) {
    const made = terraform({ policyName, policyText: '', login: undefined, vault: [], namespace: undefined });
    const { resource } = JSON.parse(JSON.stringify(made));
    for (const name of Object.keys(resource.vault_policy)) assert.match(name, /^[A-Za-z_][\w-]*$/);
  }
});

test('no two paths of Vault share a name in External Secrets, and Kubernetes takes each', () => {
  const names = new Set(TEXTS.flat().map((path) => generatorName({ path: `gitlab/token/${path}` })));
  assert.is(names.size, TEXTS.flat().length);
  assert.equal(
    [...names].filter((name) => !/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name) || name.length > 253),
    [],
  );
});

test('no two fields share a name in External Secrets, which a Secret takes, or lead to the same place', () => {
  const parts = ['a', 'b', 'a.b', 'a-b', 'a_b', 'a@b', 'A', '@a', 'a-b-', '1'];
  const fields = parts.flatMap((one) => [
    [one],
    ...parts.flatMap((two) => [[one, two], ...parts.map((three) => [one, two, three])]),
  ]);
  const all = ['kv/a', 'kv/a.a', 'kv/a-a', 'kv/a/a'].flatMap((path) => fields.map((field) => ({ path, field })));
  const names = new Set(all.map(valueName));
  assert.is(names.size, all.length);
  assert.equal(
    [...names].filter((name) => !/^[-._a-zA-Z0-9]+$/.test(name) || name.length > 253),
    [],
  );
  assert.is(new Set(fields.map((field) => propertyOf({ field }))).size, fields.length);
});

test('usual names stay readable', () => {
  assert.is(generatorName({ path: 'gitlab/token/read' }), 'gitlab-token-read');
  assert.is(generatorName({ path: 'gitlab/token/read-api' }), 'gitlab-token-read--api');
  assert.is(valueName({ path: 'gitlab/token/read', field: ['token'] }), 'gitlab-token-read.token');
  assert.is(propertyOf({ field: ['key'] }), 'key');
});

test.run();
