import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decoding } from '../src/prove/decoding.ts';
import { includes } from '../src/prove/language.ts';
import { matching } from '../src/prove/matching.ts';
import { randomOf } from '../src/verify/random.ts';

const test = suite('texts with escapes');

test('an expression is found in the decoded text, and in no text with an escape that is none', () => {
  const random = randomOf('decoding');
  const letters = ['/', '/', '%2F', '%2f', 'a', 'a', '%61', 'B', '%42', '%25', '61', '6', '%', '%4', '?', '%3f', 'g'];
  for (const source of ['^/a(?:/B)?$', 'a/', '^[^/]*$', '^/[a-f0-9]+$', '%61', '[?]$']) {
    const language = matching(source, 're2');
    if ('problem' in language) throw new Error(language.problem);
    let found = 0;
    for (let tries = 0; tries < 20_000; tries++) {
      const text = Array.from({ length: random.below(6) }, () => random.pick(letters)).join('');
      const decoded = text.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 16)),
      );
      const isWhole = !text.replace(/%[0-9A-Fa-f]{2}/g, '~').includes('%');
      const wanted = isWhole && includes(language, decoded);
      assert.is(includes(decoding(language), text), wanted, `${source} in ${text}`);
      found += wanted && text.includes('%') ? 1 : 0;
    }
    assert.ok(found > 5, source);
  }
});

test.run();
