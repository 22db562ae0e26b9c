import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { explain } from '../src/commands/explain.ts';
import type { ExplainArguments } from '../src/commands/question.ts';
import { runTests } from '../src/commands/specTests.ts';
import { compile } from '../src/compile.ts';
import { namesInAnswers } from '../src/targets/coredns/index.ts';
import { temporaryFolder } from '../src/verify/folder.ts';
import { type Captured, captured } from './support/captured.ts';
import { RECORDS } from './targets/coredns/lookups.ts';

const spec = `version: 1
name: names
upstreams:
  gitlab: { url: https://10.0.0.7 }
  registry: { url: https://registry.example.com:5000 }
domainRewrites:
  - { from: gitlab.example.com, to: gitlab.link.example, upstream: gitlab }
  - { from: registry.example.com, to: registry.link.example, upstream: registry, containerRegistry: true }
  - { from: "*.pages.example.com", to: "*.pages.link.example" }
targets:
  coredns: {}
  bottlerocket: {}
  containerd: { fallback: false, mirrors: { "gitlab.example.com:443": [https://gitlab.link.example] } }
  crio: { mirrors: { registry.example.com: [https://other.link.example, https://third.link.example] } }
  k3sRegistries: { mirrors: { "*": [https://cache.link.example:8443/v2] } }
  talos: {}
`;

/** What the command says; the words of a question are separated by blanks. */
async function told(
  question: string,
  options: Partial<ExplainArguments> = {},
  text = spec,
  beside: Readonly<Record<string, string>> = {},
): Promise<Captured> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(beside)) await folder.write(name, content);
  const file = await folder.write('postern.yaml', text);
  const args = { words: [...question.split(' '), file], format: 'text', ...options } as const;
  const { status, out, err } = captured((io) => explain(args, io));
  await folder.remove();
  return { status, out: out.replaceAll(file, 'postern.yaml'), err };
}

const names = suite('explain dns');
names('shows each station with its line, and what comes back', async () => {
  const { status, out } = await told('dns GitLab.example.com.');
  assert.is(status, 0);
  assert.is(
    out,
    `GitLab.example.com. is looked up as gitlab.link.example
  CoreDNS looks up gitlab.link.example (postern.yaml:7:5)
  the proxy site there is gitlab.link.example (postern.yaml:7:5)
  its upstream gets Host gitlab.example.com (postern.yaml:4:11)
  spec      postern.yaml:7:5
            7 |   - { from: gitlab.example.com, to: gitlab.link.example, upstream: gitlab }
  spec      postern.yaml:4:11
            4 |   gitlab: { url: https://10.0.0.7 }
  the answer comes back under the old name
  nodes ask their own resolver and get the public address; see explain pull
  no target of the spec makes that site
`,
  );
  const json = JSON.parse((await told('dns a.pages.example.com', { type: 'srv', format: 'json' })).out);
  assert.equal(json, {
    asked: 'a.pages.example.com',
    name: 'a.pages.link.example',
    rewritten: true,
    at: 'postern.yaml:9:5',
    hops: [{ kind: 'lookup', host: 'a.pages.link.example', at: 'postern.yaml:9:5' }],
    diagnostics: [],
  });
});
names('shows the one target of every name below', async () => {
  const one = spec.replace('"*.pages.link.example"', 'ingress.link.example');
  const { out } = await told('dns a.b.pages.example.com', {}, one);
  assert.match(out, /^a\.b\.pages\.example\.com is looked up as ingress\.link\.example\n/);
  assert.match(
    (await told('dns pages.example.com', {}, one)).out,
    'only names below are rewritten by *.pages.example.com',
  );
});
names('warns of records whose targets CoreDNS does not map back, and only of these', async () => {
  for (const type of ['HTTPS', 'svcb']) {
    const { out } = await told('dns gitlab.example.com', { type });
    assert.match(out, /^postern\.yaml:7:5: warning: .*gitlab\.link\.example.* \[coredns\/inner-target\]$/m);
    assert.match(out, 'only the owner of the answer');
    assert.not.match((await told('dns other.example.com', { type })).out, 'warning');
  }
  for (const type of ['A', 'SRV', 'TXT']) {
    const { out } = await told('dns gitlab.example.com', { type });
    assert.not.match(out, 'warning');
    assert.is(out.includes('in the owner and in the data'), type === 'SRV');
  }
});
names('says of types what the real CoreDNS was seen to do', () => {
  for (const [name, type, records] of RECORDS) {
    const found = records.some((record) => record.includes('privatelink'));
    const mapped = records.some((record) => / [A-Z]+ .*[a-z]\.example\.com\./.test(record) && !found);
    const says = namesInAnswers(type === 'A' && records[0]?.includes('CNAME') ? 'CNAME' : type);
    assert.ok(found ? says === 'kept' : !mapped || says === 'mapped', `${name} ${type} ${says}`);
  }
});
names('says what is right beside a rewrite, which people mistake for rewritten', async () => {
  for (const [name, words] of [
    [
      'foo.gitlab.example.com',
      /left alone.*\n {2}names below are not rewritten by gitlab\.example\.com \(postern\.yaml:7:5\)/,
    ],
    [
      'pages.example.com',
      /left alone.*\n {2}only names below are rewritten by \*\.pages\.example\.com \(postern\.yaml:9:5\)/,
    ],
    ['notgitlab.example.com', /^notgitlab\.example\.com is left alone: no rewrite applies\n$/],
  ] as const) {
    assert.match((await told(`dns ${name}`)).out, words);
  }
});
names('does not answer for what is no name or no type', async () => {
  for (const [question, type, words] of [
    ['bücher.example.com', 'A', /A-labels/],
    [`${'a'.repeat(64)}.example.com`, 'A', /64 characters/],
    ['10.0.0.1', 'A', /an address, not a name/],
    ['a..example.com', 'A', /empty label/],
    ['*.pages.example.com', 'A', /ask for one of them, such as a\.pages/],
    ['gitlab.example.com', 'AAA', /no type of record/],
  ] as const) {
    const { status, out, err } = await told(`dns ${question}`, { type });
    assert.equal([status, out], [2, '']);
    assert.match(err, words);
  }
  assert.is((await told('dns _ssh._tcp.pages.example.com', { type: 'SRV' })).status, 0);
});
names('says where no target tells pods', async () => {
  const { out } = await told('dns gitlab.example.com', {}, spec.replace('  coredns: {}\n', ''));
  assert.match(out, /no target of the spec tells pods so/);
});
names.run();

const pulls = suite('explain pull');
const hops = async (image: string, node?: string) => {
  const { out } = await told(`pull ${image}`, { node, format: 'json' });
  const { ways } = JSON.parse(out) as {
    ways: { nodes: string[]; hops: { kind: string; host: string; at?: string }[] }[];
  };
  return ways.map((way) => ({
    nodes: way.nodes.join(),
    hops: way.hops.map(({ kind, host, at = '' }) => `${kind} ${host} ${at.replace('postern.yaml:', '')}`.trim()),
  }));
};
const SITE = [
  'site registry.link.example 8:5',
  'upstream registry.example.com:5000 5:13',
  'realm gitlab.example.com 7:5',
  'token gitlab.link.example 7:5',
];
pulls('goes each way that some kind of node takes, station by station', async () => {
  assert.equal(await hops('registry.example.com/group/app:v1'), [
    {
      nodes: 'bottlerocket,k3sRegistries,talos',
      hops: ['node registry.link.example 8:5', ...SITE, 'fallback registry.example.com'],
    },
    { nodes: 'containerd', hops: ['node registry.link.example 8:5', ...SITE] },
    {
      nodes: 'crio',
      hops: ['node other.link.example 14:44', 'fallback third.link.example 14:44', 'fallback registry.example.com'],
    },
  ]);
});
for (const [node, image, first] of [
  ['containerd', 'gitlab.example.com:443/group/app', 'node gitlab.link.example 13:71'],
  ['bottlerocket', 'gitlab.example.com:443/group/app', 'node gitlab.example.com:443'],
  ['k3sRegistries', 'alpine', 'node cache.link.example:8443 15:36'],
  ['talos', 'alpine', 'node docker.io'],
] as const) {
  pulls(`${image} on ${node}: ${first}`, async () => {
    const ways = await hops(image, node);
    assert.equal(
      ways.map((way) => [way.nodes, way.hops[0]]),
      [[node, first]],
    );
  });
}
/** Nodes with containerd 2 keep endpoints by name, and ask no mirror of "*" for a registry that they have credentials for. */
const twoKinds = (mirrors: string, test = '') => `version: 1
name: kinds
targets: { bottlerocket: { merge: user-data.toml, mirrors: ${mirrors} } }
${test && `tests: [${test}]\n`}`;
const USER_DATA = `[settings.host]
[[settings.container-registry.credentials]]
registry = "paid.example.com"
auth = "x"
[[settings.container-registry.mirrors]]
registry = "theirs.example.com"
endpoint = ["https://theirs.example.net"]
`;
const nodesFirst = async (image: string, mirrors: string) => {
  const { out } = await told(`pull ${image}`, { format: 'json' }, twoKinds(mirrors), { 'user-data.toml': USER_DATA });
  const { ways } = JSON.parse(out) as { ways: { nodes: string[]; hops: { host: string }[] }[] };
  return ways.map(({ nodes, hops: [first] }) => `${nodes.join()}: ${first?.host}`);
};
pulls('follows the order in which nodes really ask endpoints', async () => {
  const order = '{ docker.io: [https://b.example, https://a.example] }';
  assert.equal(await nodesFirst('alpine', order), [
    'bottlerocket (containerd 1.7): b.example',
    'bottlerocket (containerd 2): a.example',
  ]);
  assert.equal(await nodesFirst('alpine', '{ docker.io: [https://a.example, https://b.example] }'), [
    'bottlerocket: a.example',
  ]);
});
pulls('knows which registries the mirror of all others is not asked for', async () => {
  const all = '{ "*": [https://cache.example] }';
  assert.equal(await nodesFirst('paid.example.com/app', all), [
    'bottlerocket (containerd 1.7): cache.example',
    'bottlerocket (containerd 2): paid.example.com',
  ]);
  assert.equal(await nodesFirst('free.example.com/app', all), ['bottlerocket: cache.example']);
  const own = '{ "*": [https://cache.example], paid.example.com: [https://paid.link.example] }';
  assert.equal(await nodesFirst('paid.example.com/app', own), ['bottlerocket: paid.link.example']);
});
pulls('knows the mirrors of the given user data', async () => {
  assert.equal(await nodesFirst('theirs.example.com/app', '{ "*": [https://cache.example] }'), [
    'bottlerocket: theirs.example.net',
  ]);
});
pulls('says where no target makes the site', async () => {
  const text = spec.replace('  coredns: {}\n', '  coredns: {}\n  caddy: {}\n');
  for (const question of ['pull registry.example.com/a', 'dns gitlab.example.com']) {
    assert.match((await told(question)).out, 'no target of the spec makes that site');
    assert.not.match((await told(question, {}, text)).out, 'makes that site');
  }
});
pulls('knows a product that can mirror one registry only', async () => {
  const text = `version: 1\nname: docker\ntargets: { docker: { mirrors: { docker.io: [https://hub.link.example] } } }\n`;
  assert.match(
    (await told('pull alpine', {}, text)).out,
    /mirror on docker\n {2}the node contacts hub\.link\.example /,
  );
  assert.match((await told('pull r.example.com/a', {}, text)).out, /left alone.* on docker\n/);
});
pulls('says it in words, with the lines of the spec', async () => {
  const { out } = await told('pull registry.example.com/app', { node: 'containerd' });
  assert.match(
    out,
    /^registry\.example\.com\/app is pulled through a mirror on containerd\n {2}the node contacts registry\.link\.example \(postern\.yaml:8:5\)\n/,
  );
  assert.match(out, /\n {2}the node asks for its token at gitlab\.link\.example \(postern\.yaml:7:5\)\n/);
  assert.match(out, /\n {12}8 \| {3}- \{ from: registry\.example\.com/);
});
pulls('says why a registry has no mirror although its name is rewritten', async () => {
  const byPort = await told('pull gitlab.example.com:443/app', { node: 'talos' });
  assert.match(byPort.out, /left alone.*on talos\n.*\n {2}nodes compare names letter by letter/);
  assert.match((await told('pull gitlab.example.com/app', { node: 'talos' })).out, /containerRegistry: true would/);
});
pulls('does not answer for what is no image and no node', async () => {
  for (const [image, node, words] of [
    ['https://registry.example.com/app', undefined, /is no image/],
    ['alpine', 'windows', /no target for nodes named "windows"; it has bottlerocket, containerd/],
    ['alpine', 'coredns', /no target for nodes named "coredns"/],
  ] as const) {
    const { status, out, err } = await told(`pull ${image}`, { node });
    assert.equal([status, out], [2, '']);
    assert.match(err, words);
  }
});
pulls.run();

const tests = suite('tests of pulls');
const outcome = (
  test: string,
  targets = '{ bottlerocket: {}, containerd: { mirrors: { docker.io: [https://hub.link.example] } } }',
) => {
  const text = `version: 1\nname: t\ndomainRewrites: [{ from: r.example.com, to: r.link.example, containerRegistry: true }]\ntargets: ${targets}\ntests: [${test}]\n`;
  const { policy, spec: parsed, diagnostics } = compile(text, { file: 'postern.yaml', read: () => undefined });
  if (!policy || !parsed) throw new Error(diagnostics.map(({ message }) => message).join());
  const { outcomes, diagnostics: found } = runTests({ policy, spec: parsed, read: () => undefined });
  return outcomes[0]?.passed ? 'passed' : found.map(({ message }) => message).join();
};
tests('ask every kind of node, or the one that is named', () => {
  assert.is(outcome('{ pull: r.example.com/app, expect: r.link.example }'), 'passed');
  assert.is(
    outcome('{ pull: alpine, expect: hub.link.example }'),
    'pull of alpine: expected hub.link.example, got docker.io on bottlerocket, hub.link.example on containerd (a mirror is for it)',
  );
  assert.is(outcome('{ pull: alpine, node: containerd, expect: hub.link.example }'), 'passed');
  assert.is(outcome('{ pull: alpine, node: bottlerocket, expect: docker.io }'), 'passed');
  assert.match(outcome('{ pull: alpine, node: caddy, expect: docker.io }'), 'no target for nodes named "caddy"');
  assert.is(outcome('{ pull: r.example.com/app, expect: r.link.example }', '{ coredns: {} }'), 'passed');
  assert.match(
    outcome(
      '{ pull: alpine, expect: b.example }',
      '{ bottlerocket: { mirrors: { docker.io: [https://b.example, https://a.example] } } }',
    ),
    'got b.example on bottlerocket (containerd 1.7), a.example on bottlerocket (containerd 2)',
  );
});
tests.run();
