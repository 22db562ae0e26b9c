import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { anyOf, explore } from '../src/prove/explore.ts';
import { FirstRow } from '../src/prove/firstRow.ts';
import { both, isEmptyLanguage, type Language, without } from '../src/prove/language.ts';
import { matching, wholly } from '../src/prove/matching.ts';
import { exactRow, exactRows } from '../src/prove/rows.ts';
import { type Random, randomOf } from '../src/verify/random.ts';

const rows = suite('rows of a table that are looked at together');

const ALL = wholly('[abc/]*');

function languageOf(source: string): Language {
  const found = matching(source, 're2');
  if ('problem' in found) throw new Error(found.problem);
  return found;
}

/** A small expression, anchored or not. */
function expression(random: Random): string {
  const item = (depth: number): string => {
    const kind = random.below(depth > 2 ? 3 : 7);
    if (kind < 3) return random.pick(['a', 'b', '/', '[ab]', '[^/]', '.']);
    if (kind === 3) return `(?:${item(depth + 1)}|${item(depth + 1)})`;
    if (kind === 4) return `${random.pick(['a', 'b', '[ab]'])}${random.pick(['*', '+', '?', '{2}'])}`;
    return item(depth + 1) + item(depth + 1);
  };
  return `${random.pick(['^', '^', ''])}${item(0)}${random.pick(['$', '$', ''])}`;
}

rows('a text that has to have many capital letters is no key with few letters', () => {
  const table = exactRows(['mixed', 'abababababababababab'], (key) => key);
  const piece = anyOf(wholly('[a-z]*(?:[A-Z][a-z]+){9}'));
  const taken: (string | undefined)[] = [];
  explore((run) => {
    if (!run.pieces.has('piece')) run.pieces.set('piece', piece);
    taken.push(exactRow(run, [{ piece: 'piece' }], table));
  });
  assert.equal(taken, ['abababababababababab', undefined]);
});

rows('each text finds the row that it finds where rows are tried one by one', () => {
  for (let number = 0; number < 60; number++) {
    const random = randomOf(`rows ${number}`);
    const sources = Array.from({ length: 1 + random.below(5) }, () => expression(random));
    const found = new FirstRow(sources).divide(ALL, (row) => row);
    let left = ALL;
    for (const [row, source] of sources.entries()) {
      const own = both(left, languageOf(source));
      assert.is(isSame(found.get(row), own), true, `row ${row} of ${sources.join(' ; ')}`);
      left = without(left, languageOf(source));
    }
    assert.is(isSame(found.get(undefined), left), true, `no row of ${sources.join(' ; ')}`);
  }
});

rows('a text finds its row', () => {
  const table = new FirstRow(['^a$', '^(?:a|b)', 'c$']);
  assert.equal(
    ['a', 'ab', 'b', 'xc', 'cx', ''].map((text) => table.of(text)),
    [0, 1, 1, 2, undefined, undefined],
  );
});

rows('what looks around is not looked at together', () =>
  assert.throws(() => new FirstRow(['^(?=a)a']), /looks around/),
);

rows('of a long table, a text is found whose beginning or middle is open', () => {
  const methods = ['get', 'post'];
  const keys = Array.from({ length: 40 }, (_, n) => methods.map((method) => `${method} /a${n}`)).flat();
  const table = exactRows([...keys, 'aba'], (key) => key);
  const found = (before: string, language: string, after: string) => {
    const seen: (string | undefined)[] = [];
    explore((run) => {
      run.pieces.set('open', run.pieces.get('open') ?? anyOf(wholly(language)));
      seen.push(exactRow(run, [before, { piece: 'open' }, after], table));
    });
    return seen;
  };
  assert.equal(found('', '[a-z]+', ' /a7'), ['get /a7', 'post /a7', undefined]);
  assert.equal(found('p', '[a-z ]+', '/a17'), ['post /a17', undefined]);
  assert.equal(found('ab', '[a-z]*', 'ba'), [undefined]);
});

function isSame(one: Language | undefined, other: Language): boolean {
  if (!one) return isEmptyLanguage(other);
  return isEmptyLanguage(without(one, other)) && isEmptyLanguage(without(other, one));
}

rows.run();
