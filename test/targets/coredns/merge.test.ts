import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { coredns } from '../../../src/targets/coredns/index.ts';
import { policyOf } from '../../support/policy.ts';
import { EXACT, merge, nothing, ours, policy, WILD } from './merging.ts';

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

test('a refusal shows both places', () => {
  const both = (text: string) => {
    const options = coredns.options.parse({ merge: 'given' });
    const { diagnostics } = coredns.emit({ policy, options, at: ['targets', 'coredns'], read: () => text });
    const lineOf = (place?: { text: string; start: number }) => place?.text.slice(0, place.start).split('\n').length;
    return diagnostics.map(({ place, related = [] }) => [
      lineOf(place),
      ...related.map(({ at, place: other }) => lineOf(other) ?? at?.join('.')),
    ]);
  };
  assert.equal(both(`. {\n${ours('')}${ours('')}}\n`), [[9, 5]]);
  assert.equal(both(`. {\n# BEGIN postern test\n${ours('')}}\n`), [[2, 3]]);
  assert.equal(both(`example.org {\n${ours('')}}\n. {\n    errors\n}\n`), [[2, 7]]);
  assert.equal(both('. {\n    autopath @kubernetes\n}\n'), [[2, 'domainRewrites.0.from']]);
  assert.equal(both('. {\n}\ngitlab.example.com {\n}\n'), [[3, 'domainRewrites.0.from']]);
  assert.equal(both(`. {\nrewrite name gitlab.example.com a.example.com\n${ours('')}}\n`), [
    [2, 'domainRewrites.0.from'],
  ]);
});

test('rules that come second and imported files are pointed out', () => {
  const given =
    'import zones/*\n. {\n    import *.override\n    rewrite name substring gitlab.example.com a.example.com answer auto\n}\n';
  const { text, problems } = merge(given);
  assert.ok(text?.includes(EXACT));
  assert.equal(problems, ['unseen-import 1', 'unseen-import 3', 'second-rule 4']);
});

test('more names than a scan should try are merged with a warning, counted by server block', () => {
  const names = (count: number) =>
    policyOf({
      domainRewrites: Array.from({ length: count }, (_, i) => ({
        from: `h${i}.${i % 2 ? 'example.com' : 'example.org'}`,
        to: `other${i}.privatelink.example.com`,
      })),
    });
  const split = 'example.org {\n    errors\n}\n. {\n    errors\n}\n';
  assert.equal(merge(split, { rewrites: names(200) }).problems, []);
  assert.equal(merge(split, { rewrites: names(202) }).problems, ['long-scan']);
});

test('forms that are no whole Corefile, and files that are not there, cannot be merged', () => {
  assert.equal(merge('. {\n}\n', { form: 'helm' }).problems, ['bad-merge']);
  const options = coredns.options.parse({ merge: 'absent' });
  const result = coredns.emit({ policy, options, at: ['targets', 'coredns'], read: () => undefined });
  assert.equal(
    result.diagnostics.map(({ code }) => code),
    ['coredns/bad-merge'],
  );
});

test.run();
