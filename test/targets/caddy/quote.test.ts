import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { escapedBraces } from '../../../src/targets/caddy/quote.ts';
import { engineSuite } from '../../engines/suite.ts';
import { scoped } from '../../support/scoped.ts';
import { worldOf } from './world.ts';

const { test, engines } = await engineSuite('caddy: quoting', ['caddy']);

const HOSTILE = [
  '{path}',
  '{http.request.header.PRIVATE-TOKEN}',
  '{env.HOME}',
  '\\{x\\}',
  '\\',
  'a\\\\',
  '\\"',
  '"',
  '`',
  '`"',
  '{{',
  '}}',
  '{',
  '}',
  '# no comment',
  '<<END',
  '@x',
  '$1 ${1}',
  "it's",
  '~x',
  'import x',
  'a;b',
  'x'.repeat(900),
  '0',
  '00123',
  'true',
  '-',
  '*',
];

/** JSON puts a backslash before a quote, and then a backtick has to be spelled otherwise. */
const bodyOf = (text: string) => JSON.stringify({ text }).replaceAll('`', '\\u0060');

test(
  'what is quoted is read back exactly, and the file is as caddy fmt would have it',
  scoped(async (scope) => {
    const random = fc.sample(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 }), {
      numRuns: 60,
      seed: 3,
    });
    const written = [...HOSTILE, ...random.map((text) => text.trim())].filter(
      (text) => text !== '' && escapedBraces(text) && escapedBraces(bodyOf(text)),
    );
    assert.ok(written.length > HOSTILE.length + 40);
    const { ask, folder } = await worldOf(scope, {
      program: engines.caddy.path,
      proxy: {
        responseHeaders: Object.fromEntries(written.map((text, index) => [`X-H${index}`, text])),
        answer: written.map((text, index) => ({ request: `GET /answers/${index}`, status: 200, body: bodyOf(text) })),
      },
    });
    const response = await ask('GET /nowhere');
    for (const [index, text] of written.entries()) {
      assert.is(response.field(`X-H${index}`), text);
      assert.is((await ask(`GET /answers/${index}`)).text(), bodyOf(text));
    }
    for (const file of ['Caddyfile', 'secrets/keys']) {
      const { stdout } = spawnSync(engines.caddy.path, ['fmt', join(folder, 'caddy', file)], { encoding: 'utf8' });
      assert.is(readFileSync(join(folder, 'caddy', file), 'utf8'), stdout, file);
    }
  }),
);

test('what no quotes can hold is refused', () => {
  for (const text of ['{$HOME}', 'a{$b', 'a`b\\"', '`\\', '\n', 'a\tb', '\0', '\u2028', '\ud800'])
    assert.is(escapedBraces(text), undefined, text);
});

test.run();
