import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { vault } from '../../../src/targets/vault/index.ts';
import { statementsOf } from '../../../src/targets/vault/policyText.ts';
import { policyOf } from '../../support/policy.ts';

const test = suite('what was read out of Vault');

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
const partner = { path: 'gitlab/roles/partner', data: roleRead };
const main = { path: 'gitlab/config/main', data: configRead };
/** As `read.sh` prints it. */
const printed = (...all: { readonly path: string; readonly data: object | undefined }[]) =>
  all
    .map(
      ({ path, data }) =>
        `{ "path": "${path}", "answer":\n${data ? JSON.stringify({ request_id: 'x', data }) : null}\n}\n`,
    )
    .join('');

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

test('roles and configs are in sync in any order', () => {
  assert.equal(compare(printed(partner, main)), []);
  assert.equal(compare(printed(main, partner).replaceAll('\n', '')), []);
});

test('every field that is another is drift, and so is one that nobody knows', () => {
  const others: Readonly<Record<string, unknown>> = { string: 'another', number: 7, boolean: true };
  for (const [field, value] of Object.entries(roleRead)) {
    if (field === 'role_name') continue;
    const [message = '', ...more] = compare(
      printed({ ...partner, data: { ...roleRead, [field]: others[typeof value] } }, main),
    );
    assert.match(message, `live.json: gitlab/roles/partner has ${field} `);
    assert.equal(more, []);
    const { [field as keyof typeof roleRead]: _, ...without } = roleRead;
    assert.is(compare(printed({ ...partner, data: without }, main)).length, 1, field);
  }
  for (const field of ['auto_rotate_before', 'auto_rotate_token', 'base_url', 'type'] as const)
    assert.is(compare(printed(partner, { ...main, data: { ...configRead, [field]: 'another' } })).length, 1, field);
  for (const scopes of ['read_api', 'read_api, read_registry, sudo', 'read_api, read_api', ['read_api'], 7, null])
    assert.is(compare(printed({ ...partner, data: { ...roleRead, scopes } }, main)).length, 1, JSON.stringify(scopes));
  for (const field of ['later', 'constructor'])
    assert.equal(
      compare(printed({ ...partner, data: { ...roleRead, [field]: 'hvs.not-to-be-shown-to-anybody' } }, main)),
      [`live.json: gitlab/roles/partner has the field ${field}, which the spec does not make`],
    );
  assert.equal(compare(printed(partner, { ...main, data: { ...configRead, token: 'glpat-not-to-be-shown' } })), [
    'live.json: gitlab/config/main has the field token, which the spec does not make',
  ]);
});

test('what is missing, and what the spec does not have', () => {
  assert.equal(compare(printed({ ...partner, data: undefined }, main)), ['live.json lacks gitlab/roles/partner']);
  const left = { path: 'gitlab/roles/left', data: roleRead };
  assert.equal(compare(printed(partner, main, left)), [
    'live.json has gitlab/roles/left, which the spec does not make',
  ]);
  assert.equal(compare(printed(partner, main, { ...left, data: undefined })), []);
});

test('mounts are told apart by their paths', () => {
  const other = [
    { ...partner, path: 'two/roles/partner' },
    { ...main, path: 'two/config/main' },
  ];
  const section = { gitlab: mounted(), two: mounted() };
  assert.equal(compare(printed(partner, main, ...other), section), []);
  assert.equal(compare(printed(partner, main, { path: 'two/roles/partner', data: undefined }, main), section), [
    'cannot: what is live of vault cannot be compared: live.json: it has gitlab/config/main twice',
  ]);
});

test('what cannot be compared is said, and is never in sync', () => {
  for (const [text, words] of [
    ['', 'it is empty'],
    [' \n', 'it is empty'],
    ['Key    Value', 'it is not whole JSON'],
    [printed(partner, main).slice(0, -3), 'it is not whole JSON'],
    [`${printed(partner)} trailing`, 'it is not whole JSON'],
    ['}{', 'it is not whole JSON'],
    ['[]', 'with the path that was asked for'],
    ['{}', 'with the path that was asked for'],
    [JSON.stringify({ data: roleRead }), 'with the path that was asked for'],
    ['{ "path": "gitlab/roles/partner", "answer": { "errors": ["permission denied"] } }', 'is not an answer of Vault'],
    ['{ "path": "gitlab/roles/partner" }', 'is not an answer of Vault'],
    [printed(main), 'it does not say what is at gitlab/roles/partner'],
    [printed(partner, main, partner), 'it has gitlab/roles/partner twice'],
  ] as const) {
    const [message = '', ...more] = compare(text);
    assert.match(message, /^cannot: /, text);
    assert.match(message, words);
    assert.equal(more, []);
  }
});

test('a policy is read as Vault reads it', () => {
  const read = (text: string) => statementsOf(text)?.map((one) => [one.path, ...one.capabilities, ...one.others]);
  assert.equal(read('# nothing\n'), []);
  assert.equal(read('path "a#b" { capabilities = ["read", "list",] } // c\n/* path "x" {} */ "path" "c" {}'), [
    ['a#b', 'read', 'list'],
    ['c'],
  ]);
  assert.equal(read('path "a" { policy = "write" required_parameters = ["x"] allowed_parameters = { "*" = [] } }'), [
    ['a', 'policy', 'required_parameters', 'allowed_parameters'],
  ]);
  for (const text of [
    '{ "path": {} }',
    'path "a" {',
    'path "a\\u0062" {}',
    'path "a" { capabilities = ["read" }',
    'path { }',
    'paths "a" {}',
    'path "a" { capabilities = <<EOF\nread\nEOF\n}',
    'path "a" { capabilities ["read"] }',
  ])
    assert.is(read(text), undefined, text);
});

test.run();
