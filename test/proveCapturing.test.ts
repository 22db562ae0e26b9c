import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Comparing, capturing } from '../src/prove/capturing.ts';
import { includes } from '../src/prove/language.ts';
import { wholly } from '../src/prove/matching.ts';
import { type Random, randomOf } from '../src/verify/random.ts';

const compare = suite('what two expressions capture, compared');

/** An expression of PCRE, and the same in JavaScript, which has no possessive repetitions. */
type Both = readonly [pcre: string, javascript: string];

let possessives = 0;

function randomExpression(random: Random, depth: number): Both {
  const kind = depth === 0 ? 0 : random.below(7);
  if (kind < 2) {
    const text = random.pick(['a', 'b', '[ab]', '[^a]', 'a+', 'b*', '(?=b)', '(?!a)', 'a?', '']);
    return [text, text];
  }
  const [own, js] = randomExpression(random, depth - 1);
  // In JavaScript, what is repeated may not be empty.
  if (kind === 5) return [`(?:[ab]${own})?`, `(?:[ab]${js})?`];
  if (kind === 6) {
    const name = `p${++possessives}`;
    return [`(?:b${own})?+`, `(?=(?<${name}>(?:b${js})?))\\k<${name}>`];
  }
  const [other, otherJs] = randomExpression(random, depth - 1);
  return kind < 4 ? [own + other, js + otherJs] : [`(?:${own}|${other})`, `(?:${js}|${otherJs})`];
}

function withGroups(random: Random): Both {
  const [before, first, between, second, after] = Array.from({ length: 5 }, () => randomExpression(random, 2));
  const anchor = random.pick(['^', '']);
  const of = (at: 0 | 1) =>
    `${anchor}${before?.[at]}(?<first>${first?.[at]})${between?.[at]}(?=(?<second>${second?.[at]})b?)${after?.[at]}`;
  return [of(0), of(1)];
}

/** Where the groups stand in a text; one that is empty is nowhere. */
function placesIn(javascript: string, text: string): string {
  const { groups } = new RegExp(javascript, 'd').exec(text)?.indices ?? {};
  return ['first', 'second']
    .map((name) => groups?.[name] ?? [0, 0])
    .map(([from, to]) => (from === to ? '' : `${from}-${to}`))
    .join(' ');
}

const TEXTS = Array.from({ length: 62 }, (_, index) =>
  (index + 2).toString(2).slice(1).replaceAll('0', 'a').replaceAll('1', 'b'),
);

compare('random expressions differ in the texts where JavaScript captures otherwise, and in no others', () => {
  const random = randomOf('capturing');
  const within = wholly('[ab]{1,5}');
  const found = { alike: 0, apart: 0 };
  for (let trial = 0; trial < 120; trial++) {
    const [[one, js], [other, otherJs]] = [withGroups(random), withGroups(random)];
    const differing = new Comparing(capturing(one), capturing(other), within).differing({
      kind: 'captures',
      groups: 'all',
    });
    for (const text of TEXTS) {
      const [own, theirs] = [placesIn(js, text), placesIn(otherJs, text)];
      assert.is(includes(differing, text), own !== theirs, `${one} captures ${own}, ${other} ${theirs} in ${text}`);
      found[own === theirs ? 'alike' : 'apart']++;
    }
  }
  assert.ok(found.alike > 500 && found.apart > 500, JSON.stringify(found));
});

compare.run();
