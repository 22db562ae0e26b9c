import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Policy } from '../../../src/policy/types.ts';
import { coredns } from '../../../src/targets/coredns/index.ts';
import { policyOf } from '../../support/policy.ts';

const policy = policyOf({
  domainRewrites: [
    { from: 'gitlab.example.com', to: 'gitlab.privatelink.example.com' },
    { from: '*.pages.example.com', to: '*.pages.privatelink.example.com' },
  ],
});
const nothing: Policy = { ...policy, rewrites: [] };

function merge(text: string, { form = 'corefile', rewrites = policy } = {}) {
  const options = coredns.options.parse({ form, merge: 'given' });
  const { value, diagnostics } = coredns.emit({
    policy: rewrites,
    options,
    at: ['targets', 'coredns'],
    read: (path) => (path === 'given' ? text : undefined),
  });
  // The line of the given file, from 1, where a diagnostic points into it.
  const problems = diagnostics.map(
    ({ code, place }) => `${code.slice(8)}${place ? ` ${place.text.slice(0, place.start).split('\n').length}` : ''}`,
  );
  return { text: value?.[0]?.text, file: value?.[0], problems };
}

const EXACT = 'rewrite stop name exact gitlab.example.com. gitlab.privatelink.example.com.';
const WILD = 'rewrite stop name suffix .pages.example.com. .pages.privatelink.example.com. answer auto';
const ours = (indent: string, rules = [EXACT, WILD]) =>
  ['# BEGIN postern test', ...rules, '# END postern test'].map((line) => `${indent}${line}\n`).join('');

const test = suite('merge');

const PLACES: readonly [what: string, before: string, after: string][] = [
  ['after the opening brace', '.:53 {\n', '    errors\n    forward . 1.1.1.1\n}\n'],
  ['before what comes first', '. {\n', '    # a note\n    rewrite stop type ANY HINFO\n    whoami\n}\n'],
  ['with a comment on the line of the brace', '.:53 { # main { block\n', '    errors\n}\n'],
  [
    'into the block with the longest zone',
    'example.org {\n    whoami\n}\nexample.com:53 {\n',
    '    errors\n}\n. {\n    errors\n}\n',
  ],
  ['without a last line feed', '. {\n', '    errors\n}'],
  ['behind a snippet', '(snip) {\n    errors\n}\n. {\n', '    import snip\n}\n'],
  ['where no braces are', '.:53\n', '    errors\n'],
  ['behind names on two lines', 'example.net,\n. {\n', '    errors\n}\n'],
];
for (const [what, before, after] of PLACES) {
  for (const [ends, convert] of [
    ['\n', (text: string) => text],
    ['\r\n', (text: string) => text.replaceAll('\n', '\r\n')],
  ] as const) {
    test(`rules go ${what} (${JSON.stringify(ends)}), stay when merged again, and leave no trace`, () => {
      const given = convert(before + after);
      const merged = convert(before + ours('    ') + after);
      assert.is(merge(given).text, merged);
      assert.equal(merge(given).problems, []);
      assert.is(merge(merged).text, merged);
      assert.is(merge(merged, { rewrites: nothing }).text, given);
    });
  }
}

test('tabs stay tabs, and a changed spec changes only its own lines', () => {
  const given = '. {\n\terrors\n\tcache 30\n}\n';
  assert.is(merge(given).text, `. {\n${ours('\t')}\terrors\n\tcache 30\n}\n`);
  const older = `. {\n\terrors\n${ours('\t', [EXACT])}\tcache 30\n}\n`;
  assert.is(merge(older).text, `. {\n\terrors\n${ours('\t')}\tcache 30\n}\n`);
});

test('a name goes to every server that answers it, and each name to its own', () => {
  const given = '.:53 {\n    whoami\n}\ntls://.:853 {\n    whoami\n}\npages.example.com {\n    whoami\n}\n';
  const { text = '', problems } = merge(given);
  assert.equal(problems, []);
  const [plain = '', tls = '', pages = ''] = text.split(/^\}\n/m);
  assert.ok(plain.includes(EXACT) && !plain.includes(WILD.replace('.pages', '.x')));
  assert.ok(tls.includes(EXACT) && tls.includes(WILD));
  assert.ok(pages.includes(WILD) && !pages.includes(EXACT));
});

test('what another spec put there stays', () => {
  const other =
    '    # BEGIN postern other\n    rewrite stop name exact a.example.com. b.example.com.\n    # END postern other\n';
  const given = `. {\n${other}    errors\n}\n`;
  assert.is(merge(given).text, `. {\n${ours('    ')}${other}    errors\n}\n`);
});

test('rules like ours without markers come between ours, unless they belong to somebody or share their line', () => {
  const bare = `    rewrite name  gitlab.EXAMPLE.com gitlab.privatelink.example.com\n    errors\n    ${WILD}\n`;
  const rest = '    cache 30\n    errors\n';
  for (const ends of ['\n', '\r\n']) {
    const convert = (text: string) => text.replaceAll('\n', ends);
    const { text, problems } = merge(convert(`. {\n${bare}${rest}}\n`));
    assert.is(text, convert(`. {\n${ours('    ')}    errors\n${rest}}\n`));
    assert.equal(problems, ['adopted-rule 2']);
  }
  const others = [`    # BEGIN postern other\n    ${EXACT}\n    # END postern other\n`, `    ${EXACT} # mine\n`];
  for (const other of others) {
    const { text, problems } = merge(`. {\n${other}    errors\n}\n`);
    assert.is(text, `. {\n${ours('    ')}${other}    errors\n}\n`);
    assert.equal(problems, [`second-rule ${other.split('\n')[1]?.includes(EXACT) ? 3 : 2}`]);
  }
});

test('rules that change no name may still stop ours when they come first', () => {
  const first = (rule: string) => merge(`. {\n    ${rule}\n${ours('    ')}}\n`).problems;
  assert.equal(first('rewrite edns0 local set 0xffee 0x61'), ['shadowed-rule 2']);
  assert.equal(first('rewrite ttl suffix .pages.example.com 30'), ['shadowed-rule 2']);
  assert.equal(first('rewrite continue ttl gitlab.example.com 30'), []);
  assert.equal(merge('. {\n    rewrite edns0 local set 0xffee 0x61\n}\n').problems, []);
});

const REFUSED: readonly [what: string, text: string, problem: string][] = [
  ['an open block', '. {\n    errors\n', 'unbalanced 1'],
  ['an open directive', '. {\n    health {\n    errors\n}\n', 'unbalanced 1'],
  ['a brace too many', '. {\n    errors\n}\n}\n', 'unbalanced 4'],
  ['a brace behind a directive', '. { \n    errors }\n', 'unbalanced 2'],
  ['a BEGIN without END', `. {\n    # BEGIN postern test\n    errors\n}\n`, 'broken-marker 2'],
  ['an END without BEGIN', `. {\n    errors\n    # END postern test\n}\n`, 'broken-marker 3'],
  ['markers twice', `. {\n${ours('')}${ours('')}    errors\n}\n`, 'broken-marker 9'],
  ['a marker within a marker', `. {\n# BEGIN postern test\n${ours('')}}\n`, 'broken-marker 2'],
  ['a marker behind a directive', `. {\n    errors # BEGIN postern test\n# END postern test\n}\n`, 'broken-marker 2'],
  ['markers outside', `${ours('')}. {\n    errors\n}\n`, 'broken-marker 1'],
  ['markers around a block', `# BEGIN postern test\n. {\n    errors\n}\n# END postern test\n`, 'broken-marker 1'],
  [
    'markers around what is not ours',
    `. {\n# BEGIN postern test\n    ${EXACT}\n    errors\n# END postern test\n}\n`,
    'broken-marker 4',
  ],
  [
    'markers in a directive',
    `. {\n    health {\n# BEGIN postern test\n# END postern test\n    }\n}\n`,
    'broken-marker 3',
  ],
  ['markers in another block', `example.org {\n${ours('')}}\n. {\n    errors\n}\n`, 'broken-marker 2'],
  ['a block for the name', `. {\n    errors\n}\ngitlab.example.com:53 {\n    whoami\n}\n`, 'owned-name 4'],
  ['a block for a name of the wildcard', `. {\n    errors\n}\nA.pages.example.com {\n    whoami\n}\n`, 'owned-name 4'],
  ['no block for a name', 'gitlab.example.org {\n    errors\n}\n', 'unanswered-name,unanswered-name'],
  ['a zone from the environment', '{$ZONE}:53 {\n    errors\n}\n. {\n    errors\n}\n', 'unknown-zone 1'],
  ['autopath', '. {\n    kubernetes\n    autopath @kubernetes\n}\n', 'autopath 3'],
  ['autopath in a snippet', '(auto) {\n    autopath @kubernetes\n}\n. {\n    import auto\n}\n', 'autopath 2'],
  ['no room', '. { errors\n}\n', 'no-room 1'],
  ...[
    'rewrite name gitlab.example.com a.example.com',
    'rewrite stop {\n name substring gitlab.example.com a.example.com answer auto\n}',
    'rewrite name suffix .example.com .example.org answer auto',
    'rewrite continue name regex (.*)\\.example\\.com\\.$ {1}.example.org answer auto',
    'rewrite name prefix gitlab a answer auto',
    'rewrite name exact X.pages.example.com. a.example.com.',
  ].map((rule): [string, string, string] => [`an earlier ${rule}`, `. {\n${rule}\n${ours('')}}\n`, 'shadowed-rule 2']),
];
for (const [what, text, problem] of REFUSED) {
  test(`${what}: ${problem}`, () => {
    const result = merge(text);
    assert.is(result.problems.join(), problem);
    assert.is(result.text, undefined);
  });
}

test('rules that come second and imported files are pointed out', () => {
  const given =
    'import zones/*\n. {\n    import *.override\n    rewrite name substring gitlab.example.com a.example.com answer auto\n}\n';
  const { text, problems } = merge(given);
  assert.ok(text?.includes(EXACT));
  assert.equal(problems, ['unseen-import 1', 'unseen-import 3', 'second-rule 4']);
});

const CONFIG_MAP = `apiVersion: v1
data:
  Corefile: |
    .:53 {
        errors

        forward . /etc/resolv.conf
    }
  other: kept # as it is
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system}
`;

test('a ConfigMap keeps every other byte', () => {
  const merged = merge(CONFIG_MAP, { form: 'configMap' });
  assert.equal(merged.problems, []);
  assert.is(merged.file?.path, 'coredns/configmap.yaml');
  assert.is(merged.file?.comment, undefined);
  assert.is(merged.text, CONFIG_MAP.replace('.:53 {\n', `.:53 {\n${ours('        ')}`));
  assert.is(merge(merged.text ?? '', { form: 'configMap' }).text, merged.text);
  assert.is(merge(merged.text ?? '', { form: 'configMap', rewrites: nothing }).text, CONFIG_MAP);
  const carriage = CONFIG_MAP.replaceAll('\n', '\r\n');
  assert.is(merge(carriage, { form: 'configMap' }).text, merged.text?.replaceAll('\n', '\r\n'));
});

/** As kubectl writes JSON: with four blanks, and what HTML would take for a tag escaped. */
const asJson = (corefile: string) =>
  `${JSON.stringify({ apiVersion: 'v1', data: { Corefile: corefile, other: 'a\\b' }, kind: 'ConfigMap', metadata: { name: 'coredns' } }, null, 4)}\n`
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e');
const GIVEN = '.:53 {\n\terrors # <all> "of" them \\\n\n\tforward . /etc/resolv.conf\n}\n';

test('a ConfigMap in JSON, or with its Corefile quoted, keeps every other byte too', () => {
  const json = asJson(GIVEN);
  const merged = merge(json, { form: 'configMap' });
  assert.equal(merged.problems, []);
  assert.is(merged.file?.path, 'coredns/configmap.json');
  assert.is(merged.text, asJson(GIVEN.replace('{\n', `{\n${ours('\t')}`)));
  assert.is(merge(merged.text ?? '', { form: 'configMap' }).text, merged.text);
  assert.is(merge(merged.text ?? '', { form: 'configMap', rewrites: nothing }).text, json);
  assert.is(merge(json, { form: 'eks' }).text, undefined, 'its lines cannot be shown');

  const quoted = `kind: ConfigMap\ndata:\n  Corefile: ${JSON.stringify(GIVEN)} # as it is\n`;
  const both = merge(quoted, { form: 'configMap' });
  assert.is(both.file?.path, 'coredns/configmap.yaml');
  assert.is(both.text, quoted.replace('{\\n', `{\\n${JSON.stringify(ours('\t')).slice(1, -1)}`));
  assert.is(merge(both.text ?? '', { form: 'configMap', rewrites: nothing }).text, quoted);

  // What kubectl makes of long lines.
  const folded =
    'data:\n  Corefile: ".:53 {\\n    errors \\n\\n    kubernetes cluster.local\n    ip6.arpa\\n\\\n    \\  }\\n"\n';
  const over = merge(folded, { form: 'configMap' });
  assert.is(over.text, folded.replace('{\\n', `{\\n${JSON.stringify(ours('    ')).slice(1, -1)}`));
  assert.is(merge(over.text ?? '', { form: 'configMap', rewrites: nothing }).text, folded);
});

test('problems in JSON are shown in the JSON', () => {
  const text = asJson(GIVEN.replace('errors', 'autopath'));
  const options = coredns.options.parse({ form: 'configMap', merge: 'given' });
  const { diagnostics } = coredns.emit({ policy, options, at: ['targets', 'coredns'], read: () => text });
  assert.equal(
    diagnostics.map(({ code, place }) => `${code} ${place?.text.slice(place.start, place.end)}`),
    ['coredns/autopath autopath'],
  );
});

test('an object of Kubernetes is not taken for a Corefile', () => {
  for (const text of [CONFIG_MAP, asJson(GIVEN)]) assert.equal(merge(text).problems, ['bad-merge']);
});

test('more names than a scan should try are merged with a warning, counted by server block', () => {
  const names = (count: number) =>
    policyOf({
      domainRewrites: Array.from({ length: count }, (_, i) => ({
        from: `h${i}.${i % 2 ? 'example.com' : 'example.org'}`,
        to: 'gitlab.privatelink.example.com',
      })),
    });
  const split = 'example.org {\n    errors\n}\n. {\n    errors\n}\n';
  assert.equal(merge(split, { rewrites: names(400) }).problems, []);
  assert.equal(merge(split, { rewrites: names(402) }).problems, ['long-scan']);
});

test('problems in a ConfigMap are shown in the ConfigMap', () => {
  const text = CONFIG_MAP.replace('        errors', '        autopath @kubernetes');
  assert.equal(merge(text, { form: 'configMap' }).problems, ['autopath 5']);
});

for (const [what, text, problem] of [
  ['a Corefile in single quotes', "data:\n  Corefile: '. { }'\n", 'bad-merge 2'],
  ['a Corefile alone', '. {\n    errors\n}\n', 'bad-merge'],
  ['a folded Corefile', 'data:\n  Corefile: >\n    .:53 {\n    }\n', 'bad-merge 2'],
  ['no Corefile', 'data: {}\n', 'bad-merge'],
  ['no YAML', 'data: [\n', 'unexpected'],
] as const) {
  test(`${what} is refused`, () => {
    const result = merge(text, { form: 'configMap' });
    assert.is(result.text, undefined);
    assert.ok(
      what === 'no YAML' ? result.problems.length === 1 : result.problems.join() === problem,
      result.problems.join(),
    );
  });
}

test('the add-on of EKS gets the whole Corefile, from either', () => {
  const fromMap = merge(CONFIG_MAP, { form: 'eks' });
  const corefile = (load(CONFIG_MAP) as { data: { Corefile: string } }).data.Corefile;
  assert.is(merge(corefile, { form: 'eks' }).text, fromMap.text);
  assert.equal(load(fromMap.text ?? ''), { corefile: merge(corefile).text });
});

test('forms that are no whole Corefile, and files that are not there, cannot be merged', () => {
  assert.equal(merge('. {\n}\n', { form: 'aks' }).problems, ['bad-merge']);
  const options = coredns.options.parse({ merge: 'absent' });
  const result = coredns.emit({ policy, options, at: ['targets', 'coredns'], read: () => undefined });
  assert.equal(
    result.diagnostics.map(({ code }) => code),
    ['coredns/bad-merge'],
  );
});

const corpus = fileURLToPath(new URL('../../../../shared/corpora/corefile', import.meta.url));
const published = existsSync(corpus) ? readdirSync(corpus).filter((name) => name.endsWith('.corefile')) : [];
(published.length > 0 ? test : test.skip)(
  'published Corefiles survive being merged, or are refused with a reason',
  () => {
    let merged = 0;
    for (const name of published) {
      const given = readFileSync(`${corpus}/${name}`, 'utf8');
      const { text, problems } = merge(given);
      if (text === undefined) {
        assert.ok(problems.length > 0, name);
        continue;
      }
      merged += 1;
      assert.ok(text.includes(EXACT) && text.includes(WILD), name);
      assert.is(merge(text).text, text, name);
      assert.is(merge(text, { rewrites: nothing }).text, given, name);
    }
    assert.ok(merged > published.length / 2, `${merged} merged`);
  },
);

test.run();
