import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { DomainRewrite } from '../../../src/policy/types.ts';
import { groupRewrites } from '../../../src/targets/coredns/blocks.ts';
import { existingRules } from '../../../src/targets/coredns/existing.ts';
import { parseCorefile } from '../../../src/targets/coredns/grammar.ts';
import { rulesOf as tokensOf, wordsOf } from '../../../src/targets/coredns/rules.ts';
import { randomOf } from '../../../src/verify/random.ts';
import { liveCase } from '../../support/live.ts';
import { policyOf } from '../../support/policy.ts';

const test = suite('rules');

type Pair = readonly [from: string, to: string];
const rewritesOf = (pairs: readonly Pair[]): readonly DomainRewrite[] =>
  policyOf({ domainRewrites: pairs.map(([from, to]) => ({ from, to })) }).rewrites;

const rulesOf = (rewrites: readonly DomainRewrite[]): string[] => tokensOf(rewrites).map(String);

/** What the rules say name by name, read back from a Corefile. */
function readBack(rules: readonly string[]): string[] {
  const corefile = parseCorefile(`. {\n${rules.map((rule) => `    rewrite ${rule}\n`).join('')}}\n`);
  if ('problem' in corefile) throw new Error(corefile.problem);
  const [block] = corefile.blocks;
  return (block?.directives ?? []).flatMap(existingRules).map(({ words }) => words.join(' '));
}

const label = fc.stringMatching(/^[a-c](?:[a-c0-1-]{0,3}[a-c0-1])?$/);
const beginning = fc.array(label, { minLength: 1, maxLength: 2 }).map((labels) => labels.join('.'));
const way = fc.constantFrom(
  (name: string): Pair => [`${name}.example.com`, `${name}.link.example.com`],
  (name: string): Pair => [`${name}.example.org`, `${name}.example.net`],
  (name: string): Pair => [`${name}.short.test`, `${name}.test`],
  (name: string): Pair => [`${name}.one.example`, 'ingress.example.net'],
  (name: string): Pair => [`${name}.odd.example`, `x-${name}.example.net`],
);
const pairs = fc
  .uniqueArray(
    fc.tuple(beginning, way).map(([name, made]) => made(name)),
    { maxLength: 300, selector: ([from]) => from },
  )
  .filter((all) => !all.some(([, to]) => all.some(([from]) => from === to)));

test('say of each name what a rule of its own would say, once, and in one expression of a length that CoreDNS takes', async () => {
  await fc.assert(
    fc.property(pairs, (all) => {
      const rewrites = rewritesOf(all);
      const rules = rulesOf(rewrites);
      assert.equal(readBack(rules).sort(), rewrites.map((rewrite) => wordsOf(rewrite).join(' ')).sort());
      for (const rule of rules) assert.ok((rule.split(' ')[3] ?? '').length <= 10_000);
    }),
    { numRuns: 200, seed: 3 },
  );
});

const many = (count: number, more: readonly Pair[] = []): readonly DomainRewrite[] =>
  rewritesOf([
    ...Array.from({ length: count }, (_, i): Pair => {
      const name = `service${(i * 7919) % 100_003}.team${i % 97}`;
      return [`${name}.example.com`, `${name}.link.example.com`];
    }),
    ...more,
  ]);

test('few names have a line each, and so have odd ones', () => {
  assert.ok(rulesOf(many(19)).every((rule) => rule.startsWith('stop name exact ')));
  const rules = rulesOf(many(20, [['odd.example.com', 'even.example.net']]));
  assert.equal(
    rules.map((rule) => rule.split(' ')[2]),
    ['exact', 'regex'],
  );
});

test('no expression has anything to go back to', () => {
  for (const rule of rulesOf(many(5_000))) {
    const expression = rule.split(' ')[3] ?? '';
    // CoreDNS's RE2 cannot backtrack at all. This one holds no repetition either, and is bound to both ends.
    assert.match(expression, /^\^\((?:[a-z0-9.[\]-]+\(\?:)?[a-z0-9.[\]|-]+\)?\)[a-z0-9.[\]-]+\$$/);
  }
});

test('one name more changes its own line, at any size', () => {
  let cut = 0;
  for (const size of [30, 1_000, 10_000]) {
    const before = new Set(rulesOf(many(size)));
    for (let i = 0; i < 40; i += 1) {
      const name = `${'abcdefghijklmnopqrstuvwxyz0123456789'[i % 36]}new${i}`;
      const after = rulesOf(many(size, [[`${name}.example.com`, `${name}.link.example.com`]]));
      const added = after.filter((rule) => !before.has(rule));
      assert.ok(before.size - (after.length - added.length) <= 1, `${size} ${name}`);
      assert.ok(added.length <= 2, `${size} ${name}: ${added.length} new lines`);
      if (added.length === 2) cut += 1;
    }
  }
  assert.ok(cut < 30, `${cut} of 120 cut a line in two`);
});

test('live, a list in which one character is another is drift, unless each name of ours is led as before', () => {
  const names = Array.from({ length: 25 }, (_, i) => `api-${i}.team${i % 3}`);
  const pairsOf = (name: string) => `  - { from: ${name}.example.com, to: ${name}.link.example.com }\n`;
  const here = liveCase(
    `version: 1\nname: live\ndomainRewrites:\n${names.map(pairsOf).join('')}targets: { coredns: {} }\n`,
  );
  const text = here.file('coredns');
  const [rule = '', expression = '', target = ''] = /name regex (\S+) (\S+) answer auto/.exec(text) ?? [];
  assert.equal(here.compare('coredns', text).drift, []);
  const random = randomOf('characters of a list');
  let told = 0;
  for (let i = 0; i < 1_000; i += 1) {
    const at = random.below(expression.length);
    const put = random.pick(['', '|', '.', 'a', '1', '(', ')', '?', '*', '[', '^', '-']);
    const edited = expression.slice(0, at) + put + expression.slice(at + random.below(2));
    const live = text.replace(rule, () => `name regex ${edited} ${target} answer auto`);
    if (here.compare('coredns', live).drift.length > 0) {
      told += 1;
      continue;
    }
    for (const name of names)
      assert.is(new RegExp(edited).exec(`${name}.example.com.`)?.[1], name, `${edited} is not told`);
  }
  assert.ok(told > 700, `${told}`);
});

test('one odd name more changes its own server block, at any size', () => {
  const odd = (count: number, more: readonly Pair[] = []) =>
    rewritesOf([
      ...Array.from({ length: count }, (_, i): Pair => [`odd${i}.example.com`, `v${i}.example.net`]),
      ...more,
    ]);
  const zonesOf = (rewrites: readonly DomainRewrite[]) =>
    groupRewrites(rewrites)
      .slice(1)
      .map(({ zones }) => zones.join(' '));
  for (const size of [300, 2_000])
    for (const name of ['aaa', 'odd1700x', 'zzz', 'odd5-y']) {
      const before = new Set(zonesOf(odd(size)));
      const after = zonesOf(odd(size, [[`${name}.example.com`, 'new.example.net']]));
      const added = after.filter((zones) => !before.has(zones)).length;
      assert.ok(added <= 2 && before.size - (after.length - added) <= 1, `${size} ${name}`);
    }
});

test('thousands of names are a few rules', () => {
  assert.ok(rulesOf(many(1_000)).length <= 5, `${rulesOf(many(1_000)).length}`);
  assert.ok(rulesOf(many(10_000)).length <= 30, `${rulesOf(many(10_000)).length}`);
});

test('server blocks are for names that share no rule, with all below them', () => {
  const odd = Array.from({ length: 300 }, (_, i): Pair => [`odd${i}.example.com`, `even${i}.example.net`]);
  const inside: Pair = ['x.odd7.example.com', 'x.odd7.link.example.com'];
  const groups = groupRewrites(many(1_000, [...odd, inside]));
  const [main, ...others] = groups;
  assert.equal(main?.zones, ['.']);
  assert.is(main?.rewrites.length, 1_000);
  assert.is(others.flatMap(({ zones }) => zones).length, 301);
  assert.ok(others.some(({ zones }) => zones.includes('x.odd7.example.com')));
});

test.run();
