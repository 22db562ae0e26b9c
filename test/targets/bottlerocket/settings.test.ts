import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { parse as parseToml } from 'smol-toml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { bottlerocket } from '../../../src/targets/bottlerocket/index.ts';
import { policyOf } from '../../support/policy.ts';

const policy = policyOf({
  domainRewrites: [
    { from: 'registry.example.com', to: 'gitlab-registry.privatelink.example.com', containerRegistry: true },
    { from: 'gitlab.example.com', to: 'gitlab.privatelink.example.com' },
    { from: 'another.example.com', to: 'another.privatelink.example.com', containerRegistry: true },
  ],
});
// Without prototypes, objects would be equal to none that is written here.
const parse = (toml: string): unknown => structuredClone(parseToml(toml));

const at = ['targets', 'bottlerocket'];

function emit(
  options: object,
  { files = {}, rewrites = policy }: { files?: Record<string, string>; rewrites?: typeof policy } = {},
) {
  const checked = bottlerocket.options.parse(options);
  const { value = [], diagnostics } = bottlerocket.emit({
    policy: rewrites,
    options: checked,
    at,
    read: (path) => files[path],
  });
  return {
    file: value[0],
    text: value[0]?.text ?? '',
    problems: diagnostics.map(({ code, at: place }) => `${place.slice(2).join('.')} ${code}`),
  };
}

const ca = readFileSync(new URL('authority.pem', import.meta.url), 'utf8');
const key = ca.replaceAll('CERTIFICATE', 'PRIVATE KEY');

const MIRRORS = [
  { registry: 'another.example.com', endpoint: ['https://another.privatelink.example.com'] },
  { registry: 'registry.example.com', endpoint: ['https://gitlab-registry.privatelink.example.com'] },
];
const PKI = { 'privatelink-ca': { data: Buffer.from(ca).toString('base64'), trusted: true } };
const withPki = { pki: { 'privatelink-ca': { file: 'ca.pem' } } };
const files = { 'ca.pem': ca };

const test = suite('bottlerocket');

test('user data parses to exactly the mirrors', () => {
  const { file, text, problems } = emit({});
  assert.equal(problems, []);
  assert.is(file?.path, 'bottlerocket/user-data.toml');
  assert.equal(parse(text), { settings: { 'container-registry': { mirrors: MIRRORS } } });
});

test('endpoints that newer nodes try in another order are a warning', () => {
  const [a, b] = ['https://a.example.com', 'https://b.example.com'];
  assert.equal(emit({ mirrors: { 'docker.io': [a, b] } }).problems, []);
  assert.equal(emit({ mirrors: { 'docker.io': [b, a] } }).problems, ['mirrors.docker.io bottlerocket/own-order']);
});

test('certificate authorities are base64 of the PEM text', () => {
  assert.equal(parse(emit(withPki, { files }).text), {
    settings: { 'container-registry': { mirrors: MIRRORS }, pki: PKI },
  });
});

test('mirrors of the options join those of the rewrites, or take their place', () => {
  const mirrors = {
    '*': ['https://cache.example.com/v2/all'],
    'gitlab.example.com:443': ['https://gitlab.privatelink.example.com', 'https://backup.example.com:8443'],
    'another.example.com': ['https://other.example.com'],
  };
  const expected = [
    { registry: '*', endpoint: mirrors['*'] },
    { registry: 'another.example.com', endpoint: mirrors['another.example.com'] },
    { registry: 'gitlab.example.com:443', endpoint: mirrors['gitlab.example.com:443'] },
    MIRRORS[1],
  ];
  assert.equal(parse(emit({ mirrors }).text), { settings: { 'container-registry': { mirrors: expected } } });
});

test('every form says the same', () => {
  const settings = { 'container-registry': { mirrors: MIRRORS }, pki: PKI };
  const formOf = (form: string, more = {}) => emit({ form, ...withPki, ...more }, { files }).text;
  assert.equal(parse(`[settings.kubernetes]\n${formOf('terraform')}`), { settings: { kubernetes: {}, ...settings } });
  assert.equal(load(formOf('eksctl')), { bottlerocket: { settings } });
  assert.equal(JSON.parse(formOf('apiclient')), settings);
  const nodeClass = load(formOf('karpenter', { nodeClass: 'on' })) as {
    metadata: { name: string };
    spec: { userData: string };
  };
  assert.is(nodeClass.metadata.name, 'on');
  assert.equal(parse(nodeClass.spec.userData), { settings });
});

test('without a registry every form is still whole, and says that it is empty', () => {
  const rewrites = policyOf({});
  const emptyOf = (form: string) => emit({ form }, { rewrites });
  assert.equal(emptyOf('userData').problems, [' bottlerocket/no-mirror']);
  assert.equal(parse(emptyOf('userData').text), { settings: {} });
  assert.equal(parse(`[settings.kubernetes]\n${emptyOf('terraform').text}`), { settings: { kubernetes: {} } });
  assert.equal(load(emptyOf('eksctl').text), { bottlerocket: { settings: {} } });
  assert.equal(JSON.parse(emptyOf('apiclient').text), {});
});

for (const [what, text] of [
  ['is missing', undefined],
  ['has no certificate', 'hello\n'],
  ['holds a key', ca + key],
  ['holds a broken certificate', ca.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAAAAAAAAAAAAAAAAAA')],
] as const) {
  test(`a file of pki that ${what} is refused`, () => {
    const { file, problems } = emit(withPki, { files: text === undefined ? {} : { 'ca.pem': text } });
    assert.is(file, undefined);
    assert.equal(problems, ['pki.privatelink-ca.file bottlerocket/bad-pki']);
  });
}

test('user data that EC2 would not take is refused, JSON for a running node is not', () => {
  const large = { files: { 'ca.pem': ca.repeat(30) } };
  assert.equal(emit(withPki, large).problems, [' bottlerocket/too-large']);
  assert.equal(emit({ form: 'apiclient', ...withPki }, large).problems, []);
});

for (const mirrors of [
  { 'Registry.example.com': ['https://a.example.com'] },
  { 'registry.example.com/group': ['https://a.example.com'] },
  { 'registry.example.com:0': ['https://a.example.com'] },
  { '*.example.com': ['https://a.example.com'] },
  { 'registry.example.com': [] },
  ...[
    'http://a.example.com',
    'a.example.com',
    'https://a.example.com/',
    'https://u@a.example.com',
    'https://a.example.com/../v2',
    'https://a.example.com?x',
    'https://a.example.com/"\n',
  ].map((endpoint) => ({ 'registry.example.com': [endpoint] })),
]) {
  test(`${JSON.stringify(mirrors)} is not a mirror`, () => {
    assert.not(bottlerocket.options.safeParse({ mirrors }).success);
  });
}

test.run();
