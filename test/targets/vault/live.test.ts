import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { vault } from '../../../src/targets/vault/index.ts';
import { policyOf } from '../../support/policy.ts';

const test = suite('roles and configs that were read out');

const role = {
  config: 'main',
  type: 'group',
  path: 'partners',
  name: 'p-{{ .unix_timestamp_utc }}',
  accessLevel: 'reporter',
  scopes: ['read_api', 'read_registry'],
  ttl: '1h',
};
const mounted = (roles: object = { partner: role }) => ({
  configs: { main: { url: 'https://gitlab.example.com', type: 'self-managed' } },
  roles,
});
const policyWith = (section: object) => policyOf({ vault: section });

/** As the plugin answers, without what is not compared. */
const roleRead = {
  access_level: 'reporter',
  config_name: 'main',
  dynamic_path: false,
  gitlab_revokes_token: false,
  name: 'p-{{ .unix_timestamp_utc }}',
  path: 'partners',
  role_name: 'partner',
  scopes: 'read_registry, read_api',
  token_type: 'group',
  ttl: 3600,
};
const configRead = {
  auto_rotate_before: '24h0m0s',
  auto_rotate_token: false,
  base_url: 'https://gitlab.example.com',
  gitlab_is_enterprise: true,
  gitlab_revision: 'abc',
  gitlab_version: '18.11.0',
  name: 'main',
  scopes: 'api',
  token_created_at: '2026-01-01T00:00:00Z',
  token_expires_at: '2027-01-01T00:00:00Z',
  token_id: 1,
  token_sha1_hash: '9441e6e07d77a2d5601ab5d7cac5868d358d885c',
  type: 'self-managed',
};
const printed = (...all: object[]) =>
  all.map((data) => JSON.stringify({ request_id: 'x', lease_id: '', data }, null, 2)).join('\n');

function compare(text: string, section: object = { gitlab: mounted() }) {
  const options = vault.options.parse({});
  const input = { policy: policyWith(section), options, at: ['targets', 'vault'], read: () => undefined };
  const { value, diagnostics } = vault.live?.(
    { name: 'live.json', text },
    { ...input, target: 'vault', files: [] },
  ) ?? {
    diagnostics: [],
  };
  return value ? value.drift.map(({ message }) => message) : diagnostics.map(({ message }) => `cannot: ${message}`);
}

test('are in sync one after the other, as a list, and in any order', () => {
  assert.equal(compare(printed(roleRead, configRead)), []);
  assert.equal(compare(printed(configRead, roleRead).replaceAll('\n', '')), []);
  assert.equal(compare(JSON.stringify([{ data: roleRead }, { data: configRead }])), []);
});

test('every field that is another is drift, and so is one that nobody knows', () => {
  const others: Readonly<Record<string, unknown>> = { string: 'another', number: 7, boolean: true };
  for (const [field, value] of Object.entries(roleRead)) {
    if (field === 'role_name') continue;
    const [message = '', ...more] = compare(printed({ ...roleRead, [field]: others[typeof value] }, configRead));
    assert.match(message, `live.json: role "partner" has ${field} `);
    assert.equal(more, []);
    const { [field as keyof typeof roleRead]: _, ...without } = roleRead;
    if (field !== 'token_type') assert.is(compare(printed(without, configRead)).length, 1, field);
  }
  for (const field of ['auto_rotate_before', 'auto_rotate_token', 'base_url', 'type'] as const)
    assert.is(compare(printed(roleRead, { ...configRead, [field]: 'another' })).length, 1, field);
  for (const scopes of ['read_api', 'read_api, read_registry, sudo', 'read_api, read_api', ['read_api'], 7, null])
    assert.is(compare(printed({ ...roleRead, scopes }, configRead)).length, 1, JSON.stringify(scopes));
  for (const field of ['later', 'constructor'])
    assert.equal(compare(printed({ ...roleRead, [field]: 'hvs.not-to-be-shown-to-anybody' }, configRead)), [
      `live.json: role "partner" has the field ${field}, which the spec does not make`,
    ]);
  assert.equal(compare(printed(roleRead, { ...configRead, token: 'glpat-not-to-be-shown' })), [
    'live.json: config "main" has the field token, which the spec does not make',
  ]);
});

test('what is missing, and what the spec does not have', () => {
  assert.equal(compare(printed(configRead)), ['live.json lacks the role "partner"']);
  assert.equal(compare(printed(roleRead, configRead, { ...roleRead, role_name: 'left' })), [
    'live.json has the role "left", which the spec does not make',
  ]);
});

test('what cannot be compared is said, and is never in sync', () => {
  for (const [text, words] of [
    ['', 'it is empty'],
    [' \n', 'it is empty'],
    ['Key    Value', 'it is not whole JSON'],
    [printed(roleRead, configRead).slice(0, -20), 'it is not whole JSON'],
    [`${printed(roleRead)} trailing`, 'it is not whole JSON'],
    ['}{', 'it is not whole JSON'],
    ['[]', 'it holds no role and no config'],
    ['{}', 'neither a role nor a config'],
    [printed({ keys: ['partner'] }), 'neither a role nor a config'],
    [printed(roleRead, { ttl: 1 }), 'neither a role nor a config'],
    [printed(roleRead, roleRead), 'it has the role "partner" twice'],
  ] as const) {
    const [message = '', ...more] = compare(text);
    assert.match(message, /^cannot: /, text);
    assert.match(message, words);
    assert.equal(more, []);
  }
  assert.match(
    compare(printed(roleRead), { one: mounted(), two: mounted() })[0] ?? '',
    'two mounts have a config "main"',
  );
});

test.run();
