import { rootCertificates } from 'node:tls';
import { dump, load } from 'js-yaml';
import { parse, stringify } from 'smol-toml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseNginx } from '../src/targets/nginx/liveConfig.ts';
import { IN_SYNC, liveCase } from './support/live.ts';

const specWith = (targets: string) => `version: 1
name: live
domainRewrites:
  - { from: git.example.com, to: git.link.example.com }
  - { from: registry.example.com, to: registry.link.example.com, containerRegistry: true }
  - { from: "*.pages.example.com", to: "*.pages.link.example.com" }
targets:
  ${targets}
`;

const coredns = suite('live CoreDNS');
const plain = liveCase(specWith('coredns: { form: corefile }'));
const corefile = plain.file('coredns');

const withForm = (form: string) =>
  liveCase(specWith(`coredns: { form: ${form}${form === 'nodeLocal' ? ', bind: [169.254.20.10]' : ''} }`));
for (const form of ['corefile', 'configMap', 'eks', 'helm', 'import', 'aks', 'k3s', 'nodeLocal']) {
  coredns(`the file of the form ${form} is in sync`, () => {
    const made = withForm(form);
    assert.equal(made.compare('coredns', made.file('coredns')), IN_SYNC);
  });
}
for (const form of ['corefile', 'configMap', 'eks', 'helm', 'nodeLocal']) {
  coredns(`where all of a Corefile is ours, as in the form ${form}, so are its other plugins`, () => {
    const made = withForm(form);
    const { drift } = made.compare(
      'coredns',
      made.file('coredns').replace(/cache 30|"30"/, (text) => text.replace('30', '3600')),
    );
    assert.match(drift.join(), /has "cache 3600.*" in place of "cache 30.*" \[drift\/changed\]$/);
  });
}

const MAP = liveCase(specWith('coredns: { form: configMap }'));
const manifest = load(MAP.file('coredns')) as { metadata: object };
const served = { ...manifest, metadata: { ...manifest.metadata, resourceVersion: '7', annotations: { note: 'a: b' } } };

coredns('a ConfigMap as kubectl prints it is in sync', () => {
  for (const text of [
    JSON.stringify(served, null, 4),
    dump(served),
    dump(served, { lineWidth: -1, quoteStyle: 'double', forceQuotes: true }),
  ]) {
    assert.equal(MAP.compare('coredns', text), IN_SYNC, text);
  }
});

coredns('comments, blanks, quotes, case and the form of a rule are no drift', () => {
  const rewritten = corefile
    .replace(/ *#.*\n/g, '')
    .replaceAll('    ', '\t')
    .replace('exact git.example.com.', 'exact "GIT.example.com."')
    .replace(/rewrite stop name (exact registry\S*) (\S+)/, 'rewrite {\n name $1 $2\n }')
    .replace('    errors\n', '')
    .replace('    rewrite stop name suffix', '    errors\n    rewrite stop name suffix');
  assert.is.not(rewritten, corefile);
  assert.equal(plain.compare('coredns', rewritten), IN_SYNC);
});

coredns('parts of others in the same ConfigMap count as CoreDNS imports them', () => {
  const aks = liveCase(specWith('coredns: { form: aks }'));
  const custom = load(aks.file('coredns')) as { data: Record<string, string> };
  const withPart = (name: string, text: string) =>
    aks.compare(
      'coredns',
      dump({ ...custom, data: Object.fromEntries([...Object.entries(custom.data), [name, text]].sort()) }),
    );
  assert.equal(withPart('a.override', 'log\n'), IN_SYNC);
  assert.equal(withPart('z.override', 'rewrite name suffix .example.com. .org.\n').drift, []);
  assert.is(withPart('a.override', 'rewrite name suffix .example.com. .org.\n').drift.length, 3);
  assert.is(withPart('a.server', 'git.example.com:53 {\n  forward . 9.9.9.9\n}\n').drift.length, 1);
});

const DRIFTS: readonly [title: string, edit: (text: string) => string, expected: readonly string[]][] = [
  [
    'a target changed',
    (text) => text.replace('git.link.example.com', 'git.evil.example.com'),
    [
      '4: live has "rewrite stop name exact git.example.com. git.evil.example.com." in place of "rewrite stop name exact git.example.com. git.link.example.com." [drift/changed]',
    ],
  ],
  [
    'another plugin changed',
    (text) => text.replace('cache 30', 'cache 3600').replace('    loop\n', ''),
    ['8: live (.) has "cache 3600" in place of "cache 30" [drift/changed]', '8: live (.) lacks "loop" [drift/missing]'],
  ],
  [
    'a rule removed',
    (text) => text.replace(/.*rewrite.*pages.*\n/, ''),
    [
      '6: live lacks "rewrite stop name suffix .pages.example.com. .pages.link.example.com. answer auto" [drift/missing]',
    ],
  ],
  [
    'a rule of somebody else before ours',
    (text) =>
      text.replace('    rewrite', '    rewrite name regex (.*)\\.example\\.com\\.$ {1}.other.org.\n    rewrite'),
    [4, 5, 6].map((line) => `${line}: `),
  ],
  [
    'a block that takes the name away',
    (text) => `${text}\nexample.com {\n    forward . 9.9.9.9\n}\n`,
    [4, 5, 6].map((line) => `${line}: `),
  ],
];
for (const [title, edit, expected] of DRIFTS) {
  coredns(title, () => {
    const { drift, problems } = plain.compare('coredns', edit(corefile));
    assert.equal(problems, []);
    assert.is(drift.length, expected.length, drift.join('\n'));
    for (const [index, line] of expected.entries()) assert.ok(drift[index]?.startsWith(line), drift[index]);
  });
}

coredns('a rule of somebody else that takes nothing of ours is told apart', () => {
  const told = plain.compare(
    'coredns',
    corefile.replace('    rewrite', '    rewrite name exact a.org b.org\n    rewrite'),
  );
  assert.equal(told.drift, []);
  assert.equal(told.foreign, [
    '8: live also has "rewrite stop name exact a.org. b.org.", which is not ours and was not compared [drift/foreign]',
  ]);
});

const UNREADABLE: readonly [text: string, problem: RegExp][] = [
  ['', /it is empty/],
  [' \n', /it is empty/],
  [corefile.slice(0, corefile.lastIndexOf('}')), /opens a block that is never closed/],
  ['server { listen 80; }\n', /line 1 /],
  ['{"kind":"Status","message":"configmaps \\"x\\" not found"}', /an error of Kubernetes: configmaps "x" not found/],
  ['{"kind":"ConfigMapList","items":[]}', /it is a list/],
  ['apiVersion: v1\nkind: Secret\ndata: {}\n', /it is a Secret/],
  ['apiVersion: v1\nkind: ConfigMap\ndata: {}\n', /no Corefile/],
  [JSON.stringify(served).slice(0, -20), /not whole YAML or JSON/],
];
for (const [text, problem] of UNREADABLE) {
  coredns(`cannot tell: ${JSON.stringify(text.slice(0, 40))}`, () => {
    const told = plain.compare('coredns', text);
    assert.is(told.problems.length, 1, JSON.stringify(told));
    assert.match(told.problems[0] ?? '', problem);
    assert.match(told.problems[0] ?? '', /\[drift\/unreadable-live\]/);
  });
}
coredns.run();

const bottlerocket = suite('live Bottlerocket');
const node = liveCase(
  specWith('bottlerocket: { mirrors: { docker.io: ["https://one.example.com", "https://two.example.com"] } }'),
);
const settings = parse(node.file('bottlerocket'));
const printed = (mirrors: unknown) => JSON.stringify({ settings: { 'container-registry': { mirrors } } });
const ours = [
  { endpoint: ['https://registry.link.example.com'], registry: 'registry.example.com' },
  { registry: 'docker.io', endpoint: ['https://one.example.com', 'https://two.example.com'] },
];

bottlerocket('user data, a TOML round trip of it and what apiclient prints are in sync', () => {
  assert.equal(node.compare('bottlerocket', node.file('bottlerocket')), IN_SYNC);
  assert.equal(node.compare('bottlerocket', stringify(settings)), IN_SYNC);
  assert.equal(node.compare('bottlerocket', printed(ours)), IN_SYNC);
});
bottlerocket('a mirror that is changed, missing or foreign', () => {
  const [first, second] = ours;
  const told = node.compare(
    'bottlerocket',
    printed([
      { ...second, endpoint: [...(second?.endpoint ?? [])].reverse() },
      { ...first, registry: 'quay.io' },
    ]),
  );
  assert.equal(told.drift, [
    '5: live lacks the mirror of registry.example.com from https://registry.link.example.com [drift/missing]',
    '8: live has https://two.example.com, https://one.example.com in place of docker.io from https://one.example.com, https://two.example.com [drift/changed]',
  ]);
  assert.equal(told.foreign, [
    '8: live also has a mirror of quay.io, which is not ours and was not compared [drift/foreign]',
  ]);
});
bottlerocket('a node where nothing is set, and older user data with a table', () => {
  const bare = node.compare('bottlerocket', '{}\n');
  assert.equal([bare.problems, bare.drift.length], [[], 2]);
  const table =
    '[settings.container-registry.mirrors]\n"registry.example.com" = ["https://registry.link.example.com"]\n';
  const [two] = ours.slice(1);
  assert.equal(node.compare('bottlerocket', `${table}"docker.io" = ${JSON.stringify(two?.endpoint)}\n`), IN_SYNC);
});
bottlerocket('a mirror that may not do all that ours may is changed', () => {
  const [first, second] = ours;
  const told = node.compare('bottlerocket', printed([first, { ...second, capabilities: ['resolve'] }]));
  assert.is(told.drift.length, 1);
  assert.match(told.drift[0] ?? '', /two\.example\.com \(only to resolve\) in place of docker\.io/);
});
bottlerocket('credentials beside the mirrors are not looked at', () => {
  const credentials = [{ registry: 'docker.io', username: 'me', password: 'hunter2' }];
  const text = JSON.stringify({ settings: { 'container-registry': { mirrors: ours, credentials } } });
  assert.equal(node.compare('bottlerocket', text), IN_SYNC);
});
bottlerocket('what leads a node elsewhere under the same name is drift, and its value is not shown', () => {
  const told = (more: object, registry: object = {}) => {
    const text = JSON.stringify({ settings: { 'container-registry': { mirrors: ours, ...registry }, ...more } });
    const { drift } = node.compare('bottlerocket', text);
    assert.not.match(drift.join(), 'hunter2');
    return drift.length;
  };
  assert.is(told({ motd: 'hello', kubernetes: { 'cluster-name': 'c' } }), 0);
  assert.is(told({ network: { 'https-proxy': 'http://me:hunter2@proxy.example.com' } }), 1);
  assert.is(told({ network: { hosts: [['192.0.2.66', ['registry.link.example.com']]] } }), 1);
  assert.is(told({ dns: { 'name-servers': ['192.0.2.66'] } }), 1);
  assert.is(told({}, { 'new-setting': 1 }), 1);
  const [first, second] = ours;
  assert.is(told({}, { mirrors: [first, second, { ...second, endpoint: ['https://evil.example.com'] }] }), 1);
  assert.is(told({}, { mirrors: [first, { ...second, 'skip-verify': true }] }), 1);
});
bottlerocket('credentials for a registry keep it from the mirror of all others', () => {
  const all = liveCase(specWith('bottlerocket: { mirrors: { "*": ["https://all.example.com"] } }'));
  const credentials = [{ registry: 'quay.io', username: 'me', password: 'hunter2' }];
  const { 'container-registry': registry } = parse(all.file('bottlerocket'))['settings'] as Record<string, object>;
  const text = JSON.stringify({ settings: { 'container-registry': { ...registry, credentials } } });
  const { drift } = all.compare('bottlerocket', text);
  assert.is(drift.length, 1);
  assert.match(drift[0] ?? '', /has credentials for quay\.io, and so no mirror for it/);
});
bottlerocket('certificate authorities', () => {
  const [pem = ''] = rootCertificates;
  const trusting = liveCase(specWith('bottlerocket: { pki: { ours: { file: ca.pem } } }'), { 'ca.pem': pem });
  const userData = trusting.file('bottlerocket');
  assert.equal(trusting.compare('bottlerocket', userData), IN_SYNC);
  const json = (pki: object) => JSON.stringify({ settings: { ...(parse(userData)['settings'] as object), pki } });
  const data = Buffer.from(pem).toString('base64');
  const told = (pki: object) => {
    const { drift, foreign, problems } = trusting.compare('bottlerocket', json(pki));
    return [drift.length, foreign.length, problems.length];
  };
  assert.equal(told({ ours: { data, trusted: true } }), [0, 0, 0]);
  assert.equal(told({}), [1, 0, 0]);
  assert.equal(told({ ours: { data, trusted: false } }), [1, 0, 0]);
  assert.equal(told({ ours: { data: Buffer.from('other').toString('base64'), trusted: true } }), [1, 0, 0]);
  assert.equal(told({ ours: { data, trusted: true }, theirs: { data, trusted: true } }), [0, 1, 0]);
  const other = Buffer.from(rootCertificates[1] ?? '').toString('base64');
  assert.equal(told({ ours: { data, trusted: true }, theirs: { data: other, trusted: true } }), [1, 0, 0]);
  assert.equal(told({ ours: { data, trusted: true }, theirs: { data: other, trusted: false } }), [0, 1, 0]);
  const without = trusting.compare('bottlerocket', printed(ours.slice(0, 1)));
  assert.match(without.problems.join(), /does not tell whom the node trusts/);
});
bottlerocket('what a merged file says of mirrors, trust and the way to others is expected too', () => {
  const base = `[settings.network]
https-proxy = "http://me:hunter2@proxy.example.com"
[settings.pki.former]
data = "Rk9STUVS"
trusted = false
[[settings.container-registry.mirrors]]
registry = "quay.io"
endpoint = ["https://quay.example.net"]
`;
  const merged = liveCase(specWith('bottlerocket: { merge: node.toml }'), { 'node.toml': base });
  const userData = merged.file('bottlerocket');
  assert.equal(merged.compare('bottlerocket', userData), IN_SYNC);
  const edits: readonly (readonly [from: string, to: string, told: RegExp])[] = [
    ['https-proxy = "http://me:hunter2@proxy.example.com"', '', /lacks settings\.network\.https-proxy/],
    ['https-proxy = "http://me', 'https-proxy = "http://you', /settings\.network\.https-proxy/],
    ['trusted = false', 'trusted = true', /has a certificate that is trusted in place of no trust in .* "former"/],
    ['settings.pki.former', 'settings.pki.later', /has no certificate authority "former"|"former"/],
    ['quay.example.net', 'evil.example.net', /quay\.io.*evil\.example\.net|evil\.example\.net.*quay\.io/],
    ['registry = "quay.io"', 'registry = "quay.example.com"', /mirror of quay\.io/],
  ];
  for (const [from, to, expected] of edits) {
    assert.ok(userData.includes(from), from);
    const { drift } = merged.compare('bottlerocket', userData.replace(from, to));
    assert.match(drift.join('\n'), expected);
    assert.not.match(drift.join(), 'hunter2');
  }
  const { network, ...others } = parse(userData)['settings'] as Record<string, object>;
  const without = merged.compare('bottlerocket', JSON.stringify({ settings: others }));
  assert.match(without.problems.join(), /holds no settings\.network, and so does not tell through whom the node asks/);
});
bottlerocket('cannot tell', () => {
  for (const text of [
    '',
    '{"settings":',
    '{"settings":{"motd":"x"}}',
    '# only a comment\n',
    'apiVersion: v1',
    printed({ a: 1 }),
    printed([{ registry: 'x' }]),
  ]) {
    const told = node.compare('bottlerocket', text);
    assert.is(told.problems.length, 1, text);
    assert.equal([...told.drift, ...told.foreign], []);
  }
});
bottlerocket.run();

const nginx = suite('reading nginx');
nginx('quotes, escapes, variables and comments as nginx reads them', () => {
  // Only four signs are blanks.
  assert.equal(parseNginx('a b\v\f\u00a0;'), [{ name: 'a', args: ['b\v\f\u00a0'], line: 1 }]);
  assert.equal(parseNginx('a  "b c" \'d;\' e\\;f # x;\n; map ${x}y $z { "~^/{2}" 1; }'), [
    { name: 'a', args: ['b c', 'd;', 'e\\;f'], line: 1 },
    { name: 'map', args: ['${x}y', '$z'], line: 2, block: [{ name: '~^/{2}', args: ['1'], line: 2 }] },
  ]);
});
nginx('what breaks off is a problem', () => {
  for (const text of ['a', 'a {', 'a { b; ', 'a; }', 'a "b;', 'a { b }'])
    assert.ok('problem' in parseNginx(text), text);
});
nginx.run();
