import * as assert from 'uvu/assert';
import { engineSuite } from '../../engines/suite.ts';
import { liveCase } from '../../support/live.ts';
import { ask } from './kdig.ts';
import { type DnsServer, publicCorefile, publicZones, startCoredns } from './servers.ts';

const spec = `version: 1
name: live
domainRewrites:
  - { from: gitlab.example.com, to: gitlab.privatelink.example.com }
  - { from: "*.pages.example.com", to: "*.pages.privatelink.example.com" }
targets: { coredns: { merge: Corefile } }
`;
const oneTarget = spec.replace('"*.pages.privatelink.example.com"', 'site.pages.privatelink.example.com');
const given = '. {\n    bind 127.0.0.1\n    forward . 127.0.0.1:PORT\n}\n';
const { compare, file } = liveCase(spec, { Corefile: given });
const merged = file('coredns');
const EXACT = /rewrite stop name exact gitlab.*/;
const WILD = /rewrite stop name suffix .*/;
const before = (line: string) => merged.replace(/^ *# BEGIN/m, `    ${line}\n$&`);
const block = (zone: string, line = '') =>
  `${merged}${zone} {\n    bind 127.0.0.1\n    ${line}\n    forward . 127.0.0.1:PORT\n}\n`;

/** What somebody did to the Corefile, and what CoreDNS then answers for each name: `-` stands for a name that is not rewritten. */
const EDITS: readonly [what: string, text: string, gitlab: string, pages: string, also?: string][] = [
  ['nothing', merged, '10.0.0.1', '10.0.0.5'],
  [
    'exact without its type',
    merged.replace(EXACT, 'rewrite name gitlab.example.com gitlab.privatelink.example.com'),
    '10.0.0.1',
    '10.0.0.5',
  ],
  ['answer auto where it is implied', merged.replace(EXACT, '$& answer auto'), '10.0.0.1', '10.0.0.5'],
  [
    'capitals',
    merged.replace(EXACT, 'rewrite STOP Name EXACT GITLAB.example.com gitlab.PRIVATELINK.example.com'),
    '10.0.0.1',
    '10.0.0.5',
  ],
  [
    'a suffix without the dot of the root',
    merged.replace(WILD, 'rewrite name suffix .pages.example.com .pages.privatelink.example.com answer auto'),
    '10.0.0.1',
    '10.0.0.5',
  ],
  [
    'a rule in braces',
    merged.replace(
      WILD,
      'rewrite stop {\n name suffix .pages.example.com. .pages.privatelink.example.com.\n answer auto\n}',
    ),
    '10.0.0.1',
    '10.0.0.5',
  ],
  [
    'rules in a snippet',
    `(ours) {\n${merged.match(/.*rewrite.*\n/g)?.join('')}}\n${merged.replace(/# BEGIN(.*\n)*.*# END.*/, 'import ours')}`,
    '10.0.0.1',
    '10.0.0.5',
  ],
  [
    'a rule in capitals that comes first',
    before('rewrite NAME EXACT gitlab.example.com notgitlab.example.com'),
    '192.0.2.2',
    '10.0.0.5',
  ],
  [
    'a substring that comes first',
    before('rewrite name substring gitlab.example.com notgitlab.example.com answer auto'),
    '192.0.2.2',
    '10.0.0.5',
    // It takes gitlab.example.com.pages.example.com.
    '5',
  ],
  [
    'a snippet that comes first',
    `(mine) {\n    rewrite name gitlab.example.com notgitlab.example.com\n}\n${before('import mine')}`,
    '192.0.2.2',
    '10.0.0.5',
  ],
  ['a rule for options that stops everything', before('rewrite edns0 local set 0xffee 0x61'), '192.0.2.1', '-'],
  ['a rule for options that goes on', before('rewrite continue edns0 local set 0xffee 0x61'), '10.0.0.1', '10.0.0.5'],
  ['times to live of the name', before('rewrite ttl gitlab.example.com 30'), '192.0.2.1', '10.0.0.5'],
  ['times to live of another name', before('rewrite ttl suffix .example.org 30'), '10.0.0.1', '10.0.0.5'],
  ['answers of the names below', before('rewrite rcode suffix .pages.example.com NXDOMAIN NOERROR'), '10.0.0.1', '-'],
  ['a class that nobody asks for', before('rewrite class CH IN'), '10.0.0.1', '10.0.0.5'],
  ['a type that nobody asks for', before('rewrite stop type ANY HINFO'), '10.0.0.1', '10.0.0.5'],
  [
    'another rule below',
    merged.replace(/# END.*/, '$&\n    rewrite name substring example.com example.org'),
    '10.0.0.1',
    '10.0.0.5',
  ],
  ['a block for the name', block('gitlab.example.com'), '192.0.2.1', '10.0.0.5'],
  ['a block for what is below the name', block('x.gitlab.example.com'), '10.0.0.1', '10.0.0.5'],
  ['a block for a name of the wildcard', block('a.pages.example.com'), '10.0.0.1', '-'],
  ['such a block with the rule in it', block('a.pages.example.com', WILD.exec(merged)?.[0]), '10.0.0.1', '10.0.0.5'],
  ['a block for a name that only looks alike', block('notpages.example.com'), '10.0.0.1', '10.0.0.5'],
];

const RIGHT = ['10.0.0.1', '10.0.0.5'];
const one = liveCase(oneTarget, { Corefile: given });
const ONE = /rewrite stop name regex .*/;
/** The same for a wildcard that leads to one name, of which CoreDNS answers with an owner and an address. */
const ONE_EDITS: readonly [what: string, text: string, answer: string, isDrift: boolean][] = [
  ['nothing', one.file('coredns'), 'a.pages.example.com. 10.0.0.6', false],
  [
    'another spelling of the expression',
    one.file('coredns').replace(ONE, (rule) => rule.replaceAll('[.]', '\\.').replace('stop name', 'NAME')),
    'a.pages.example.com. 10.0.0.6',
    false,
  ],
  [
    'an expression of another kind, which nobody reads',
    one.file('coredns').replace(ONE, (rule) => rule.replace('^', '')),
    'a.pages.example.com. 10.0.0.6',
    true,
  ],
  [
    'names that keep their labels',
    one.file('coredns').replace(ONE, WILD.exec(merged)?.[0] ?? ''),
    'a.pages.example.com. 10.0.0.5',
    true,
  ],
  [
    'another target',
    one.file('coredns').replace('site.pages.privatelink', 'notpages'),
    'a.pages.example.com. 192.0.2.4',
    true,
  ],
  [
    'an answer that is not mapped back',
    one.file('coredns').replace(/(regex .*) answer auto/, '$1'),
    'site.pages.privatelink.example.com. 10.0.0.6',
    true,
  ],
];

for (const engine of ['coredns', 'coredns-oldest'] as const) {
  const { test, engines } = await engineSuite(`${engine} and drift`, [engine, 'coredns', 'kdig']);
  let behind: DnsServer;
  test.before(async () => {
    behind = await startCoredns(engines.coredns.path, publicCorefile, publicZones);
  });
  test.after(() => behind.stop());

  for (const [what, text, gitlab, pages, also] of EDITS) {
    const answers = [gitlab, pages];
    test(`${what}: drift where CoreDNS answers otherwise, and nowhere else`, async () => {
      const server = await startCoredns(engines[engine].path, text.replaceAll('PORT', String(behind.port)));
      try {
        const asked = await ask(engines.kdig.path, server.port, [['gitlab.example.com'], ['a.pages.example.com']]);
        assert.equal(
          asked.map(({ records }) => records[0]?.split(' ')[2] ?? '-'),
          answers,
        );
      } finally {
        await server.stop();
      }
      const { drift, problems } = compare('coredns', text);
      assert.equal(problems, []);
      const lines = answers.flatMap((answer, index) => (answer === RIGHT[index] ? [] : [`${4 + index}`]));
      if (also !== undefined) lines.push(also);
      assert.equal(
        drift.map((line) => line.replace(/:.*/s, '')),
        lines,
        drift.join('\n'),
      );
    });
  }

  for (const [what, text, answer, isDrift] of ONE_EDITS) {
    test(`a wildcard with one target, ${what}: ${isDrift ? 'drift' : 'none'}`, async () => {
      const server = await startCoredns(engines[engine].path, text.replaceAll('PORT', String(behind.port)));
      try {
        const [asked] = await ask(engines.kdig.path, server.port, [['a.pages.example.com']]);
        assert.is(asked?.records.join(), answer.replace(' ', ' A '));
      } finally {
        await server.stop();
      }
      const { drift, problems } = one.compare('coredns', text);
      assert.equal(problems, []);
      assert.equal(
        drift.map((line) => line.replace(/:.*/s, '')),
        isDrift ? ['5'] : [],
        drift.join('\n'),
      );
    });
  }

  test('autopath: drift, for it asks for the public name behind the rules', async () => {
    const text = merged.replace('    forward', '    autopath resolv.conf\n    forward');
    const files = { 'resolv.conf': 'nameserver 127.0.0.1\nsearch default.svc.cluster.local cluster.local\n' };
    const server = await startCoredns(engines[engine].path, text.replaceAll('PORT', String(behind.port)), files);
    try {
      const searched = 'gitlab.example.com.default.svc.cluster.local';
      const [answer] = await ask(engines.kdig.path, server.port, [[searched]]);
      assert.is(answer?.records.at(-1)?.split(' ')[2], '192.0.2.1');
    } finally {
      await server.stop();
    }
    assert.equal(
      compare('coredns', text).drift.map((line) => line.replace(/.*(is never reached: .*)/, '$1')),
      Array.from({ length: 2 }, () => 'is never reached: autopath comes first [drift/shadowed]'),
    );
  });
  test.run();
}

const { test: blocks } = await engineSuite('server blocks of a Corefile that is ours', []);
const nodeLocal = liveCase(spec.replace('merge: Corefile', 'form: nodeLocal, bind: [169.254.20.10]'));
blocks('one that is gone is drift, one that came is told apart', () => {
  const text = nodeLocal.file('coredns');
  const without = text.replace(/ {4}ip6\.arpa:53 \{.*?\n {4}\}\n/s, '');
  assert.is.not(without, text);
  assert.equal(nodeLocal.compare('coredns', without).drift, ['6: live lacks the block "ip6.arpa" [drift/missing]']);
  const more = nodeLocal.compare(
    'coredns',
    `${text.trimEnd()}\n    corp.example.net:53 {\n        forward . 10.1.1.1\n    }\n`,
  );
  assert.equal(more.drift, []);
  assert.match(more.foreign.join(), /^6: live also has the block "corp\.example\.net"/);
});
blocks('what files bring in is drift, for nobody knows it here', () => {
  const found = compare('coredns', merged.replace('    forward', '    import custom/*.override\n    forward'));
  assert.equal(found.drift, ['6: live (.) has "import custom/*.override", which the spec does not make [drift/added]']);
});

const NAMES = `
  - { from: gitlab.example.com, to: gitlab.privatelink.example.com }
  - { from: "*.pages.example.com", to: "*.pages.privatelink.example.com" }`;
const formCase = (form: string) =>
  liveCase(`version: 1\nname: live\ndomainRewrites:${NAMES}\ntargets: { coredns: { form: ${form} } }\n`);
const told = (here: typeof nodeLocal, text: string) => here.compare('coredns', text).drift;
const inFirst = (text: string, line: string) =>
  text.replace(/^( *)rewrite/m, (found, gap: string) => `${gap}${line}\n${found}`);

blocks('a rule that takes a single name out of the wildcard is drift', () => {
  for (const here of [formCase('corefile'), liveCase(spec, { Corefile: given })]) {
    const text = here.file('coredns');
    for (const rule of [
      'rewrite name exact a.pages.example.com evil.example.net',
      'rewrite name suffix .a.pages.example.com .evil.example.net',
      'rewrite name suffix a.pages.example.com evil.example.net',
      'rewrite name prefix intranet intranet',
      'rewrite name regex ^a\\.pages\\.example\\.com\\.$ evil.example.net',
      'rewrite name regex (one|two).*\\.org\\.$ evil.example.net',
      'rewrite continue name substring secret public',
      'rewrite ttl exact a.pages.example.com 5',
      'rewrite stop type AAAA A',
    ])
      assert.match(
        told(here, inFirst(text, rule)).join('\n'),
        /"rewrite stop name suffix .pages.*is never reached/,
        rule,
      );
    for (const rule of [
      'rewrite name exact a.notpages.example.com evil.example.net',
      'rewrite name suffix .pages.example.net .evil.example.net',
      'rewrite name regex (.*)\\.corp\\.example\\.com\\.$ {1}.example.net',
      'rewrite name exact pages.example.com evil.example.net',
    ])
      assert.equal(told(here, inFirst(text, rule)), [], rule);
  }
});
blocks('a rule of ours may take its own name out of our wildcard', () => {
  const more = liveCase(`version: 1
name: live
domainRewrites:${NAMES}
  - { from: a.pages.example.com, to: b.example.net }
  - { from: "*.eu.pages.example.com", to: "*.eu.example.net" }
targets: { coredns: { form: corefile } }
`);
  const text = more.file('coredns');
  assert.equal(told(more, text), []);
  const [wild = ''] = /^ *rewrite stop name suffix .pages.*\n/m.exec(text) ?? [];
  const first = inFirst(text.replace(wild, ''), wild.trim());
  assert.is(told(more, first).length, 2, told(more, first).join('\n'));
});
blocks('names that are added to a block of ours, or taken from it, are drift', () => {
  for (const [here, from, to] of [
    [formCase('corefile'), '. {', '. corp.example.net {'],
    [formCase('configMap'), '.:53 {', '.:53 corp.example.net:53 {'],
    [formCase('corefile'), '. {', 'example.com {'],
    [formCase('corefile'), '. {', '{$ZONE} {'],
    [liveCase(spec, { Corefile: given }), '. {', '. corp.example.net {'],
    [liveCase(spec, { Corefile: given }), '. {', 'example.com {'],
    [nodeLocal, 'in-addr.arpa:53', 'in-addr.arpa:53 example.org:53'],
  ] as const) {
    const text = here.file('coredns');
    assert.ok(text.includes(from), from);
    assert.ok(told(here, text.replace(from, to)).length > 0, to);
  }
});
blocks('what is added to our own file is drift, whatever it is', () => {
  for (const here of [formCase('aks'), formCase('k3s'), formCase('import')]) {
    const text = here.file('coredns');
    for (const line of [
      'template IN A gitlab.privatelink.example.com { answer "{{ .Name }} 60 IN A 192.0.2.66" }',
      'template IN A example.org { rcode NXDOMAIN }',
      'log',
      'hosts /etc/hosts',
    ])
      assert.match(told(here, inFirst(text, line)).join('\n'), /which the spec does not make/, line);
  }
});
blocks('files of others beside ours: what could answer for our names is drift', () => {
  const aks = formCase('aks');
  const withPart = (name: string, text: string) =>
    told(aks, `${aks.file('coredns').trimEnd()}\n  ${name}: |\n${text.replace(/^/gm, '    ')}\n`);
  for (const part of [
    'template IN A {\n    answer "{{ .Name }} 60 IN A 192.0.2.66"\n}',
    'template IN A privatelink.example.com {\n    rcode NXDOMAIN\n}',
    'hosts {\n    192.0.2.66 gitlab.privatelink.example.com\n    fallthrough\n}',
    'forward . 192.0.2.66',
    'forward privatelink.example.com 192.0.2.66',
    'file /etc/zone example.com',
    'erratic',
    'somethingNew',
    'import /etc/coredns/more/*',
    'view evil {\n    expr true\n}',
    'rewrite continue type A TXT',
  ])
    assert.is(withPart('z.override', part).length, 1, part);
  for (const part of [
    'log',
    'cache 5',
    'forward corp.example.net 10.1.1.1',
    'template IN A example.org {\n    rcode NXDOMAIN\n}',
  ])
    assert.equal(withPart('z.override', part), [], part);
  assert.is(withPart('z.server', 'gitlab.example.com:53 {\n    forward . 9.9.9.9\n}').length, 1);
  assert.is(withPart('z.server', 'import /etc/coredns/more/*').length, 1);
  assert.equal(withPart('z.server', 'corp.example.net:53 {\n    forward . 9.9.9.9\n}'), []);
});
blocks('what is around our rules is as it was when they were merged, or leaves their names alone', () => {
  const here = liveCase(spec, { Corefile: given });
  for (const [from, to] of [
    ['forward . 127.0.0.1:PORT', 'forward . 192.0.2.66'],
    ['    forward', '    hosts {\n        192.0.2.66 gitlab.privatelink.example.com\n    }\n    forward'],
    ['    forward', '    acl {\n        block\n    }\n    forward'],
    ['    bind 127.0.0.1\n', ''],
  ] as const) {
    assert.ok(merged.includes(from));
    assert.is(told(here, merged.replace(from, to)).length, 1, to);
  }
  assert.equal(told(here, merged.replace('    forward', '    log\n    cache 5\n    forward')), []);
  const around = (more: string) =>
    told(formCase('import'), `. {\n${formCase('import').file('coredns')}    ${more}\n    forward . 10.0.0.1\n}\n`);
  assert.equal(around('errors'), []);
  assert.is(around('template IN A').length, 1);
  assert.is(around('import more.conf').length, 1);
});
blocks('a ConfigMap of another namespace is not the one that runs', () => {
  for (const form of ['configMap', 'aks', 'k3s']) {
    const here = formCase(form);
    const live = here.file('coredns');
    assert.equal(here.compare('coredns', live).problems, [], form);
    const { drift, problems } = here.compare('coredns', live.replace('namespace: kube-system', 'namespace: team-a'));
    assert.equal(drift, []);
    assert.match(problems.join(), /it is of the namespace "team-a", and ours is of "kube-system"/, form);
  }
});

blocks.run();
