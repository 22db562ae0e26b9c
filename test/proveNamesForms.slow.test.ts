import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../src/compile.ts';
import { prove } from '../src/library.ts';
import { engineSuite } from './engines/suite.ts';
import { inWorkspace } from './support/workspace.ts';

const names = suite('names are proved');

const REWRITES = `domainRewrites:
  - { from: gitlab.example.com, to: gitlab.link.example }
  - { from: special.pages.example.com, to: s.link.example }
  - { from: "*.pages.example.com", to: "*.pages.link.example" }
  - { from: "*.deep.pages.example.com", to: "*.x.link.example" }
  - { from: "*.dev.example.com", to: ingress.link.example }
`;
const row = (number: number, from: string, to: string) =>
  `  - { from: h${number}.${from}.example.com, to: h${number}.${to}.example }\n`;
const numbers = (count: number) => Array.from({ length: count }, (_, number) => number);
/** Names that share a rule, and names whose rules are too many for one block. */
const LISTED =
  REWRITES +
  numbers(30)
    .map((each) => row(each, 'svc', 'svc'))
    .join('');
const MANY =
  REWRITES +
  numbers(150)
    .map((each) => row(each, `a${each}`, `b${each}`))
    .join('');

const COREFILE = `.:53 {
    hosts {
        192.0.2.1 node.internal
    }
    kubernetes cluster.local
    forward . /etc/resolv.conf
}
`;
const GIVEN: Readonly<Record<string, string>> = {
  Corefile: COREFILE.replace(/ {4}hosts[^}]*\}\n/, 'rewrite name exact a.internal b.internal\n'),
  'given.json': JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'coredns', namespace: 'kube-system' },
    data: { Corefile: '.:53 {\n    forward . /etc/resolv.conf\n}\nexample.org:53 {\n    forward . 192.0.2.1\n}\n' },
  }),
};

function made(rewrites: string, options = '') {
  const spec = `version: 1\nname: names\n${rewrites}targets: { coredns: { ${options} } }\n`;
  const { policy, files, diagnostics } = compile(spec, { file: 'postern.yaml', read: (name) => GIVEN[name] });
  if (!policy || !files) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  return { policy, files: files.filter(({ path }) => path.startsWith('coredns/')) };
}

const FORMS = ['corefile', 'configMap', 'eks', 'aks', 'k3s', 'helm', 'import', 'nodeLocal, bind: [169.254.20.10]'];
const MERGED = ['corefile, merge: Corefile', 'eks, merge: Corefile', 'configMap, merge: given.json'];

for (const form of [...FORMS, ...MERGED])
  names(`in the form ${form}`, () => {
    for (const rewrites of [REWRITES, LISTED, MANY]) {
      const { policy, files } = made(rewrites, `form: ${form}`);
      assert.is(prove(policy, 'coredns', files).kind, 'proved');
    }
  });

/** What is said of our Corefile after an edit, which has to find what it changes. */
function edited(from: string, to: string, rewrites = REWRITES): string {
  const { policy, files } = made(rewrites);
  assert.ok(
    files.some(({ text }) => text.includes(from)),
    from,
  );
  const others = files.map(({ path, text }) => ({ path, text: text.replace(from, () => to) }));
  const { names: found } = prove(policy, 'coredns', others);
  if (found?.kind === 'differs') return `${found.name} ${found.type}: ${found.what}`;
  return found?.kind === 'unknown' ? `unknown: ${found.problem}` : 'proved';
}

const FIRST = '    rewrite stop';
const before = (line: string) => [FIRST, `    ${line}\n${FIRST}`] as const;

/** An edit of the Corefile, and the shortest name that shows it. */
const EDITS: readonly (readonly [edit: readonly [string, string], said: string])[] = [
  [['gitlab.link.', 'gitlab.lynk.'], 'gitlab.example.com A: looked up as gitlab.lynk.example instead of as'],
  [['gitlab.example.com.', 'gitlab.example.com.x'], 'gitlab.example.com A: looked up as gitlab.example.com'],
  [['suffix .pages.example.com. .pages', 'suffix .pages.example.com. .pagez'], 'a.pages.example.com A: looked up'],
  [['suffix .pages', 'suffix pages'], 'pages.example.com A: refused instead of'],
  [['.pages.link.example. answer auto', '.pages.link.example.'], 'a.pages.example.com A: answers keep the name'],
  [['[.]com[.]$', '[.]com[.]'], 'a.dev.example.com.a A: looked up as ingress.link.example instead'],
  [['[.]dev', '.dev'], 'aadev.example.com A: looked up as ingress.link.example instead'],
  [['^.+', '.+'], 'proved'],
  [['suffix .deep.pages', 'suffix .deap.pages'], 'a.deap.pages.example.com A: looked up as a.x.link'],
  [before('rewrite name suffix .example.com .example.net answer auto'), 'a.example.com A: looked up as a.example.net'],
  [before('rewrite name exact GitLab.example.com b.example'), 'gitlab.example.com A: looked up as b.example'],
  [before('rewrite {\n name exact gitlab.example.com\n b.example\n}'), 'gitlab.example.com A: looked up as b.example'],
  [before('rewrite name substring example.com example.net'), 'example.com A: looked up as example.net'],
  [before('rewrite name prefix x. y. answer auto'), 'x A: looked up as y instead of as x'],
  [
    before('rewrite continue name suffix .other.com .pages.example.com answer auto'),
    'a.other.com A: looked up as a.pages.link.example instead of as a.other.com',
  ],
  [
    before('rewrite continue name exact gitlab.example.com a.dev.example.com'),
    'gitlab.example.com A: looked up as ingress',
  ],
  [
    before('rewrite name regex ^(.*)\\.pages\\.example\\.com\\.$ {1}.pages.link.example answer auto'),
    'a.deep.pages.example.com A: looked up as a.deep.pages.link',
  ],
  [
    before('rewrite name regex (.*)\\.pages\\.example\\.com {1}.pages.link.example answer auto'),
    'a.pages.example.coma A: looked up as a.pages.link.example instead of as a.pages.example.coma',
  ],
  [
    before('rewrite name regex ^x(-[0-9])?\\.(org|net)\\.$ {2}{1}.example answer auto'),
    'x.net A: looked up as net.example',
  ],
  [before('rewrite ttl regex lab\\.ex 30'), 'gitlab.example.com A: looked up as gitlab.example.com instead'],
  [before('rewrite continue ttl regex lab\\.ex 30'), 'proved'],
  [before('rewrite type AAAA A'), 'a.dev.example.com AAAA: looked up as a.dev.example.com instead'],
  [before('rewrite type ANY HINFO'), 'proved'],
  [before('rewrite edns0 local set 0xffee 0x61'), 'unknown: the rewrite in line'],
  [before('rewrite continue edns0 local set 0xffee 0x61'), 'proved'],
  [before('hosts {\n 192.0.2.1 s.link.example\n fallthrough\n}'), 'special.pages.example.com A: answered by hosts'],
  [
    before('hosts {\n 192.0.2.1 t.link.example\n fallthrough\n}'),
    'unknown: line 7 has hosts, which reads a file that is not seen',
  ],
  [before('hosts x.internal'), 'a.dev.example.com A: answered by hosts in line 7'],
  [
    before('template IN A link.example {\n answer "{{ .Name }} 60 IN A 192.0.2.1"\n}'),
    'a.dev.example.com A: answered by template in line 7',
  ],
  [before('template IN AAAA . {\n match ^s\\.\n fallthrough\n}'), 's.pages.example.com AAAA: answered by template'],
  [before('template IN A internal {\n answer "{{ .Name }} 60 IN A 192.0.2.1"\n}'), 'proved'],
  [before('import others/*'), 'unknown: line 7 imports others/*, which is not seen'],
  [before('autopath @kubernetes'), 'unknown: line 7 has the plugin autopath'],
  [before('local'), 'localhost.dev.example.com A: answered by local'],
  [before('rewrite name exact {$NAME} b.example'), 'unknown: line 7 depends on the environment'],
  [
    ['. {', 'pages.example.com {\n forward . 192.0.2.1\n}\n. {'],
    'a.pages.example.com A: looked up as a.pages.example.com instead',
  ],
  [['. {', 'example.org {'], 'a.dev.example.com A: no server block answers it'],
];

for (const [[from, to], said] of EDITS)
  names(`after the edit ${to.trim().replaceAll('\n', '; ')}`, () => {
    const found = edited(from, to);
    assert.ok(found.startsWith(said), found);
  });

names('names that nobody is asked for are found', () => {
  assert.match(
    edited('forward .', 'forward example.org'),
    /answered by nobody in block \. instead of with the records of/,
  );
  assert.is(edited('forward .', 'forward link.example'), 'proved');
  assert.match(edited('forward .', '# forward .'), /^unknown: /);
});

names('what the chart puts before the servers is not seen, and that is said', () => {
  const { policy, files } = made(REWRITES, 'form: helm');
  const others = files.map(({ path, text }) => ({
    path,
    text: `${text}extraConfig: { import: { parameters: others } }\n`,
  }));
  const { names: found } = prove(policy, 'coredns', others);
  assert.is(found?.kind === 'unknown' && found.problem, 'extraConfig is not understood');
});

names('rules in another order are found', () => {
  const { files } = made(REWRITES);
  const rules = files[0]?.text.match(/ {4}rewrite .*\n/g) ?? [];
  const [deep, pages] = ['.deep.', ' .pages.'].map((text) => rules.find((rule) => rule.includes(text)) ?? '');
  assert.match(edited(`${deep}${pages}`, `${pages}${deep}`), /^a\.deep\.pages\.example\.com A: looked up as a\.deep/);
});

names('rules that list names are read name by name', () => {
  const said = (from: string, to: string) => edited(from, to, LISTED);
  assert.match(said('h17[.]svc', 'h77[.]svc'), /^h17\.svc\.example\.com A: looked up as h17\.svc\.example\.com/);
  assert.match(said('|h17[.]svc', '|h17.svc'), /^h17\wsvc\.example\.com A: looked up as h17\wsvc\.example instead/);
  assert.match(said('^(h', '(h'), /^\w+h\d+\.svc\.example\.com A: looked up as h\d+\.svc\.example instead/);
  assert.match(said('{1}. answer', 'x{1}. answer'), /^h\d\.svc\.example\.com A: looked up as xh\d\.svc/);
});

names('the command proves them without any proxy', () =>
  inWorkspace(async ({ run, write, read }) => {
    write('postern.yaml', `version: 1\nname: names\n${REWRITES}targets: { nginx: {}, coredns: { form: configMap } }\n`);
    assert.match((await run('generate --prove')).stderr, /proved to decide what the spec says/);
    const { status, stdout } = await run('prove');
    assert.is(status, 0);
    assert.match(stdout, /^coredns: names: proved for all names \(11 one by one, 4 kinds of others\)$/m);
    assert.match(stdout, /^assumed about names:$/m);
    assert.not.match(stdout, /^assumed about requests:$/m);
    const file = 'generated/coredns/configmap.yaml';
    write(file, read(file).replace('gitlab.link.', 'gitlab.lynk.'));
    const other = await run('prove --format json');
    assert.is(other.status, 1);
    const [proof] = JSON.parse(other.stdout).proofs;
    const { difference } = proof;
    assert.is(proof.decides, 'names');
    assert.is(difference.request, "dig 'gitlab.example.com.' A");
    assert.is(difference.spec, 'postern.yaml:4:5');
    assert.match(read(file).split('\n')[difference.line - 1] ?? '', /rewrite stop name exact gitlab/);
    write('live.yaml', read(file).replace('gitlab.lynk.', 'gitlab.link.'));
    for (const [key, show] of [
      ['example.com:5353', "dig -p 5353 'a.dev.example.com.' A"],
      ['tls://example.com', "dig +tls 'a.dev.example.com.' A"],
      ['quic://example.com:8853', "kdig +quic -p 8853 'a.dev.example.com.' A"],
    ]) {
      write('block.yaml', read('live.yaml').replace('    .:53 {', `    ${key} {\n        whoami\n    }\n    .:53 {`));
      const beside = JSON.parse((await run('prove --live coredns=block.yaml --format json')).stdout);
      assert.is(beside.proofs[0].difference.request, show);
    }
    assert.is((await run('prove --live coredns=live.yaml')).status, 0);
    assert.is((await run(`prove --live coredns=${file}`)).status, 1);
  }),
);

names.run();

const { test: confirming, engines } = await engineSuite('names that differ, on the real CoreDNS', ['coredns']);

confirming('are asked where that is asked for', () =>
  inWorkspace(async ({ run, write, read }) => {
    write('postern.yaml', `version: 1\nname: names\n${REWRITES}targets: { coredns: { form: configMap } }\n`);
    await run('generate');
    const file = 'generated/coredns/configmap.yaml';
    const own = read(file);
    const env = { POSTERN_COREDNS: engines.coredns.path };
    for (const [from, to, said] of [
      ['gitlab.link.', 'gitlab.lynk.', /gitlab\.example\.com is 10\./],
      ['.pages.link.example. answer auto', '.pages.link.example.', /a\.pages\.link\.example is 10\./],
      ['suffix .pages', 'suffix pages', /no address, code 2/],
      ['forward .', 'forward example.org', /no address, code/],
      ['    rewrite stop', '    local\n        rewrite stop', /localhost\.dev\.example\.com is 127\.0\.0\.1/],
    ] as const) {
      write(file, own.replace(from, to));
      const { status, stdout } = await run('prove --confirm', { env });
      assert.is(status, 1);
      assert.match(stdout, /confirmed on coredns: /);
      assert.match(stdout, said);
    }
  }),
);

confirming.run();
