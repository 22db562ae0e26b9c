import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pullHops, registryOf } from '../../src/plan/pulls.ts';
import { registryMirrors } from '../../src/policy/mirrors.ts';
import { resolveName } from '../../src/policy/names.ts';
import { policyOf, problemsOf } from '../support/policy.ts';

const policy = policyOf({
  upstreams: { gitlab: { url: 'https://gitlab.example.com' }, registry: { url: 'https://registry.example.com:5000' } },
  domainRewrites: [
    { from: '*.example.com', to: '*.example.net' },
    {
      from: 'Registry.example.com.',
      to: 'gitlab-registry.private.example',
      upstream: 'registry',
      containerRegistry: true,
    },
    { from: 'gitlab.example.com', to: 'gitlab.private.example', upstream: 'gitlab' },
    { from: '*.pages.example.com', to: '*.pages.private.example' },
    { from: '*.dev.example.com', to: 'ingress.private.example' },
    { from: '*.own.example.com', to: 'ingress.own.example.com' },
    { from: '*.up.example.com', to: 'up.example.com.private.example' },
    { from: 'plain.example.com', to: 'plain.private.example', containerRegistry: true },
  ],
});

const names = suite('names');
for (const [name, expected] of [
  ['gitlab.example.com', 'gitlab.private.example'],
  ['GITLAB.Example.com.', 'gitlab.private.example'],
  ['registry.example.com', 'gitlab-registry.private.example'],
  ['foo.gitlab.example.com', 'foo.gitlab.example.net'],
  ['a.b.pages.example.com', 'a.b.pages.private.example'],
  ['pages.example.com', 'pages.example.net'],
  ['a.dev.example.com', 'ingress.private.example'],
  ['a.b.dev.example.com', 'ingress.private.example'],
  ['dev.example.com', 'dev.example.net'],
  ['ingress.own.example.com', 'ingress.own.example.com'],
  ['x.own.example.com', 'ingress.own.example.com'],
  ['example.com', 'example.com'],
  ['notexample.com', 'notexample.com'],
  ['gitlab.example.com.svc.cluster.local', 'gitlab.example.com.svc.cluster.local'],
  ['.example.com', '.example.net'],
  ['', ''],
] as const) {
  names(`${name} is ${expected}`, () => assert.is(resolveName(policy, name).name, expected));
}
names.run();

const pulls = suite('pulls');
for (const [image, registry] of [
  ['alpine', 'docker.io'],
  ['library/alpine:3', 'docker.io'],
  ['docker.io/library/alpine:3', 'docker.io'],
  ['index.docker.io/library/alpine', 'docker.io'],
  ['registry.example.com/group/app:v1', 'registry.example.com'],
  ['gitlab.example.com:443/group/app@sha256:00', 'gitlab.example.com:443'],
  ['localhost/app', 'localhost'],
  ['localhost:5000/app', 'localhost:5000'],
  ['Group/app', 'Group'],
  ['group/app', 'docker.io'],
] as const) {
  pulls(`${image} is of ${registry}`, () => assert.is(registryOf(image), registry));
}

const hops = (image: string) => pullHops(policy, image).map(({ kind, host }) => `${kind} ${host}`);
pulls('a mirrored registry is reached through its site, and its tokens through that of GitLab', () => {
  assert.equal(hops('registry.example.com/group/app:v1'), [
    'node gitlab-registry.private.example',
    'site gitlab-registry.private.example',
    'upstream registry.example.com:5000',
    'realm gitlab.example.com',
    'token gitlab.private.example',
  ]);
});
pulls('without a site nothing is known behind the mirror', () => {
  assert.equal(hops('plain.example.com/app'), ['node plain.private.example']);
});
pulls('rewrites of DNS do not reach nodes, and mirrors are found by the exact text', () => {
  for (const registry of [
    'gitlab.example.com',
    'a.pages.example.com',
    'registry.example.com:443',
    'Registry.example.com',
    'docker.io',
  ]) {
    assert.equal(hops(`${registry}/group/app`), [`node ${registry}`]);
  }
});
const mirror = (registry: string, ...hosts: string[]) => ({
  registry,
  endpoints: hosts.map((host) => `https://${host}`),
  origin: ['targets', 'containerd', 'mirrors', registry],
});
const node = {
  mirrors: [
    mirror('*', 'cache.private.example/v2/all'),
    mirror('gitlab.example.com:443', 'gitlab.private.example', 'second.private.example:8443'),
  ],
  fallsBack: true,
};
const nodeHops = (image: string, fallsBack = true) =>
  pullHops(policy, image, { ...node, fallsBack }).map(({ kind, host }) => `${kind} ${host}`);
pulls(
  'a mirror of the node itself leads to the site of its endpoint, and from there to the token and to what is left',
  () => {
    const expected = [
      'node gitlab.private.example',
      'site gitlab.private.example',
      'upstream gitlab.example.com',
      'realm gitlab.example.com',
      'token gitlab.private.example',
      'fallback second.private.example:8443',
    ];
    assert.equal(nodeHops('gitlab.example.com:443/group/app'), [...expected, 'fallback gitlab.example.com:443']);
    assert.equal(nodeHops('gitlab.example.com:443/group/app', false), expected);
  },
);
pulls('a mirror for everything takes what has none of its own', () => {
  assert.equal(nodeHops('alpine'), ['node cache.private.example', 'fallback docker.io']);
  assert.equal(pullHops(policy, 'alpine', node)[0]?.at, ['targets', 'containerd', 'mirrors', '*']);
});
pulls('a mirror on the node itself is named with its port, for plain HTTP has another than nodes would take', () => {
  for (const [endpoint, host] of [
    ['http://127.0.0.1', '127.0.0.1:80'],
    ['http://localhost:5000/v2', 'localhost:5000'],
  ] as const) {
    const local = { mirrors: [{ registry: '*', endpoints: [endpoint], origin: [] }], fallsBack: false };
    assert.is(pullHops(policy, 'alpine', local)[0]?.host, host);
  }
});
pulls('a registry on a port of its own is a mirror and nothing else', () => {
  const own = policyOf({
    upstreams: { gitlab: { url: 'https://gitlab.example.com' } },
    domainRewrites: [
      { from: 'gitlab.example.com', to: 'gitlab.private.example', upstream: 'gitlab' },
      { from: 'GitLab.example.com.:5050', to: 'gitlab.private.example:5050', containerRegistry: true },
      { from: 'gitlab.example.com:443', to: 'gitlab.private.example', containerRegistry: true },
      { from: 'r.example.com', to: 'r.private.example:5000', containerRegistry: true },
      { from: 'r.example.com', to: 'pods.private.example' },
    ],
  });
  const of = (image: string) => pullHops(own, image).map(({ kind, host }) => `${kind} ${host}`);
  assert.equal(of('gitlab.example.com:5050/group/app'), ['node gitlab.private.example:5050']);
  assert.equal(of('r.example.com/group/app'), ['node r.private.example:5000']);
  assert.equal(of('gitlab.example.com/group/app'), ['node gitlab.example.com']);
  assert.is(resolveName(own, 'gitlab.example.com').name, 'gitlab.private.example');
  assert.is(resolveName(own, 'r.example.com').name, 'pods.private.example');
});
pulls('a GitLab that is a registry too may still be the one that gives tokens', () => {
  const both = policyOf({
    upstreams: { gitlab: { url: 'https://gitlab.example.com' }, registry: { url: 'https://registry.example.com' } },
    domainRewrites: [
      { from: 'registry.example.com', to: 'r.private.example', upstream: 'registry', containerRegistry: true },
      { from: 'gitlab.example.com', to: 'g.private.example', upstream: 'gitlab', containerRegistry: true },
    ],
  });
  const realms = pullHops(both, 'registry.example.com/app').filter(({ kind }) => kind === 'realm');
  assert.equal(
    realms.map(({ host, at }) => `${host} ${at?.join('.')}`),
    ['gitlab.example.com domainRewrites.1', 'registry.example.com domainRewrites.0'],
  );
});
pulls('mirrors come in the order of their names', () => {
  assert.equal(
    registryMirrors(policy).map(({ registry }) => registry),
    ['plain.example.com', 'registry.example.com'],
  );
});
pulls.run();

const refused = suite('refused names');
const label = 'a'.repeat(63);
const conflict = 'policy/rewrite-conflict';
for (const [what, rewrites, problems] of [
  ['an empty label', [['a..example', 'b.example']], ['0.from policy/bad-domain']],
  [
    'a name of 254 characters',
    [[`${label}.${label}.${label}.${label.slice(0, 62)}`, 'b.example']],
    ['0.from policy/bad-domain'],
  ],
  ['a star for part of a label', [['a*.example', 'b.example']], ['0.from policy/bad-domain']],
  ['two stars', [['*.*.example', '*.b.example']], ['0.from policy/bad-domain']],
  ['an underscore', [['a_b.example', 'b.example']], ['0.from policy/bad-domain']],
  ['a hyphen at the end', [['a-.example', 'b.example']], ['0.from policy/bad-domain']],
  ['an IPv6 address', [['a.example', '2001:db8::1']], ['0.to policy/bad-domain']],
  ['a port of what is no registry', [['a.example:443', 'b.example']], [`0.from ${conflict}`]],
  ['a port of what is no registry, on the other side', [['a.example', 'b.example:443']], [`0.to ${conflict}`]],
  ['the root', [['.', 'b.example']], ['0.from policy/bad-domain']],
  [
    'one name in two cases',
    [
      ['a.example', 'b.example'],
      ['A.Example.', 'c.example'],
    ],
    [`1.from ${conflict}`],
  ],
  [
    'a loop',
    [
      ['a.example', 'b.example'],
      ['b.example', 'a.example'],
    ],
    [`0.to ${conflict}`, `1.to ${conflict}`],
  ],
  [
    'a target under a wildcard',
    [
      ['a.example', 'b.c.example'],
      ['*.c.example', '*.d.example'],
    ],
    [`0.to ${conflict}`],
  ],
  ['a name to a wildcard', [['a.example', '*.b.example']], [`0.to ${conflict}`]],
  [
    'a wildcard to one name that is rewritten',
    [
      ['*.a.example', 'x.b.example'],
      ['x.b.example', 'c.example'],
    ],
    [`0.to ${conflict}`],
  ],
  [
    'a wildcard to one name of another wildcard',
    [
      ['*.a.example', 'x.b.example'],
      ['*.b.example', 'x.a.example'],
    ],
    [`0.to ${conflict}`, `1.to ${conflict}`],
  ],
  [
    'a wildcard to names with a rewrite',
    [
      ['*.a.example', '*.b.example'],
      ['x.b.example', 'c.example'],
    ],
    [`0.to ${conflict}`],
  ],
  [
    'a wildcard to names with a wildcard',
    [
      ['*.a.example', '*.b.example'],
      ['*.x.b.example', '*.c.example'],
    ],
    [`0.to ${conflict}`],
  ],
] as const) {
  refused(what, () => {
    const found = problemsOf({ domainRewrites: rewrites.map(([from, to]) => ({ from, to })) });
    assert.equal(
      found,
      problems.map((problem) => `domainRewrites.${problem}`),
    );
  });
}
refused('a wildcard that takes a label away is none of these', () => {
  const domainRewrites = [
    { from: '*.ci.example.com', to: '*.example.com' },
    { from: 'x.ci.example.com', to: 'x.example.net' },
  ];
  assert.equal(problemsOf({ domainRewrites }), []);
});
const registry = (from: string, to: string, more: object = {}) => ({ from, to, containerRegistry: true, ...more });
for (const [what, rewrites, problems] of [
  [
    'the same registry twice',
    [registry('a.example:1', 'b.example'), registry('A.example:1', 'c.example')],
    [`1.from ${conflict}`],
  ],
  [
    'a registry with a port on one side, twice',
    [registry('a.example', 'b.example'), registry('a.example', 'c.example:1')],
    [`1.from ${conflict}`],
  ],
  ['itself', [registry('a.example:1', 'A.example:1')], [`0.to ${conflict}`]],
  ['no port', [registry('a.example:', 'b.example')], ['0.from policy/bad-domain']],
  ['port 0', [registry('a.example:0', 'b.example')], ['0.from policy/bad-domain']],
  ['a port too high', [registry('a.example', 'b.example:65536')], ['0.to policy/bad-domain']],
  ['a word for a port', [registry('a.example:https', 'b.example')], ['0.from policy/bad-domain']],
  ['a wildcard', [registry('*.a.example:1', 'b.example')], ['0.from policy/bad-domain']],
  ['an address', [registry('10.0.0.1:5000', 'b.example')], ['0.from policy/bad-domain']],
  ['a site', [registry('a.example:1', 'b.example', { upstream: 'u' })], [`0.upstream ${conflict}`]],
] as const) {
  refused(`a registry with a port: ${what}`, () => {
    const upstreams = { u: { url: 'https://a.example' } };
    assert.equal(
      problemsOf({ upstreams, domainRewrites: rewrites }),
      problems.map((problem) => `domainRewrites.${problem}`),
    );
  });
}
refused('10,000 rewrites are looked through without trying every pair', () => {
  const domainRewrites = Array.from({ length: 10_000 }, (_, i) => ({
    from: `h${i}.example.com`,
    to: `h${i}.example.net`,
  }));
  assert.equal(problemsOf({ domainRewrites }), []);
});
refused.run();
