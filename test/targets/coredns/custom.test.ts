import { load } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { liveCase } from '../../support/live.ts';
import { EXACT, merge, nothing, WILD } from './merging.ts';

const test = suite('merge into coredns-custom');

const GIVEN = `apiVersion: v1
kind: ConfigMap
metadata:
  name: coredns-custom
  namespace: kube-system
data:
  corp.server: | # of the network team
    corp.example.net:53 {
        errors
        forward . 10.1.1.1
    }

  log.override: |
    log
  "odd key.txt": "kept \\"as it is\\""
# the end
`;
const HEAD = '  "postern-test.override": |\n';

type Custom = Readonly<{ data: Readonly<Record<string, string>> }>;
const dataOf = (text = '') => (load(text) as Custom).data;
const into = (text: string, more: object = {}) => merge(text, { form: 'aks', ...more });

test('every other key is kept byte for byte, and ours comes and goes without a trace', () => {
  for (const convert of [(text: string) => text, (text: string) => text.replaceAll('\n', '\r\n')]) {
    const given = convert(GIVEN);
    const { text = '', file, problems } = into(given);
    assert.equal(problems, []);
    assert.is(file?.path, 'coredns/coredns-custom.yaml');
    assert.is(file?.comment, undefined);
    const [before, after] = text.split(convert(HEAD));
    assert.is(`${before}${after?.replace(/^ {4}.*\r?\n/gm, '')}`, given);
    assert.ok(dataOf(text)['postern-test.override']?.includes(`rewrite ${EXACT.slice(8)}\n`));
    assert.is(into(text).text, text);
    assert.is(into(text, { rewrites: nothing }).text, given);
    // Another spec has keys of its own.
    const other = given.replace('log.override', 'postern-test2.override');
    assert.is(into(into(other).text ?? '', { rewrites: nothing }).text, other);
  }
});

test('what ours said before is replaced where it stands', () => {
  const old = GIVEN.replace(
    '  log.override',
    `${HEAD}    rewrite stop name exact old.example.com. new.example.com.\n\n    # more\n  log.override`,
  );
  const { text = '' } = into(old);
  assert.not.match(text, 'old.example.com');
  assert.equal(Object.keys(dataOf(text)), ['corp.server', 'postern-test.override', 'log.override', 'odd key.txt']);
  assert.is(dataOf(text)['corp.server'], dataOf(GIVEN)['corp.server']);
});

for (const [what, text] of [
  ['no data', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: coredns-custom }\n'],
  ['empty data', 'kind: ConfigMap\ndata: {}\nmetadata: { name: coredns-custom }\n'],
  ['null data', 'kind: ConfigMap\ndata:\nmetadata: { name: coredns-custom }\n'],
  ['data without a line feed', 'kind: ConfigMap\ndata:\n  a.override: log'],
  [
    'wide indentation',
    'kind: ConfigMap\ndata:\n      a.override: |\n            log\nmetadata: { name: coredns-custom }\n',
  ],
  ['lines in quotes', 'kind: ConfigMap\ndata:\n  a.override: "log\\n"\n  b.txt: |-\n    data:\n      x: y\n'],
] as const) {
  test(`${what} has room for ours`, () => {
    const { text: merged = '', problems } = into(text);
    assert.equal(problems, []);
    assert.ok(dataOf(merged)['postern-test.override']?.includes(WILD));
    const { 'postern-test.override': _, ...others } = dataOf(merged);
    assert.equal(others, dataOf(text) ?? {});
    assert.is(into(merged).text, merged);
  });
}

test('JSON as kubectl prints it keeps its members too', () => {
  const json = (data: object) =>
    `${JSON.stringify({ apiVersion: 'v1', data, kind: 'ConfigMap', metadata: { name: 'coredns-custom' } }, null, 4)}\n`;
  for (const data of [
    {},
    { 'a.override': 'log\n' },
    { 'a.override': 'log\n', 'z.server': 'x.test {\n    whoami\n}\n' },
  ]) {
    const { text = '', file, problems } = into(json(data));
    assert.equal(problems, []);
    assert.is(file?.path, 'coredns/coredns-custom.json');
    const { 'postern-test.override': ours, ...others } = (JSON.parse(text) as Custom).data;
    assert.equal(others, data);
    assert.ok(ours?.includes(EXACT));
    assert.is(into(text).text, text);
    assert.equal((JSON.parse(into(text, { rewrites: nothing }).text ?? '') as Custom).data, data);
  }
});

const withKey = (key: string, lines: string) =>
  GIVEN.replace('  log.override', `  ${key}: |\n${lines.replace(/^/gm, '    ')}\n  log.override`);
for (const [what, text, problem] of [
  ['a Corefile', '. {\n    errors\n}\n', 'bad-merge'],
  ['another ConfigMap', GIVEN.replace('coredns-custom', 'coredns'), 'bad-merge'],
  ['data on one line', 'kind: ConfigMap\ndata: { a.override: log }\n', 'bad-merge'],
  ['data that is a list', 'kind: ConfigMap\ndata:\n  - a\n', 'bad-merge'],
  [
    'a rule of others that comes first',
    withKey('a.override', 'rewrite name gitlab.example.com a.example.com'),
    'shadowed-rule 7',
  ],
  [
    'a rule of others that comes second',
    withKey('z.override', 'rewrite name gitlab.example.com a.example.com'),
    'second-rule 7',
  ],
  [
    'a list of others that comes first',
    withKey('a.override', 'rewrite name regex ^(gitlab|x)[.]example[.]com[.]$ {1}.a.example. answer auto'),
    'shadowed-rule 7',
  ],
  ['autopath', withKey('a.override', 'autopath @kubernetes'), 'autopath 7'],
  ['a block for a name', withKey('a.server', 'gitlab.example.com:53 {\n    whoami\n}'), 'owned-name 7'],
  ['what cannot be read', withKey('a.server', 'example.net {\n    whoami'), 'unbalanced 7'],
  ['an import', withKey('a.override', 'import /etc/more'), 'unseen-import 7'],
] as const) {
  test(`${what}: ${problem}`, () => {
    const at =
      withKey('a.override', 'log')
        .split('\n')
        .findIndex((line) => line.startsWith('  a.override')) + 1;
    assert.equal(into(text).problems, [problem.replace(/ 7$/, ` ${at}`)]);
  });
}

const spec = `version: 1
name: live
domainRewrites:
  - { from: gitlab.example.com, to: gitlab.privatelink.example.com }
targets: { coredns: { form: k3s, merge: custom.yaml } }
`;
const here = liveCase(spec, { 'custom.yaml': GIVEN });
const merged = here.file('coredns');

test('live, our key is ours as a whole, and those of others are as they were or leave our names alone', () => {
  const told = (text: string) => here.compare('coredns', text).drift;
  assert.equal(told(merged), []);
  for (const [from, to] of [
    ['    log\n', '    errors\n'],
    ['forward . 10.1.1.1', 'forward . 10.2.2.2'],
    ['odd key', 'other key'],
  ] as const)
    assert.equal(told(merged.replace(from, to)), [], to);
  for (const [from, to] of [
    [/ {4}rewrite .*\n/, ''],
    [/ {4}rewrite .*\n/, '$&    log\n'],
    ['privatelink', 'evil'],
    ['    log\n', '    log\n    hosts /etc/hosts\n'],
    ['    log\n', '    rewrite name gitlab.example.com evil.example.com\n'],
    ['corp.example.net:53', 'gitlab.example.com:53'],
  ] as const) {
    assert.is.not(merged.replace(from, to), merged);
    assert.ok(told(merged.replace(from, to)).length > 0, to);
  }
});

test.run();
