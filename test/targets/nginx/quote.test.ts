import fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  bareWord,
  LONGEST_TOKEN,
  literal,
  mapKey,
  pattern,
  textProblem,
  value,
  variable,
} from '../../../src/targets/nginx/quote.ts';
import { startEngine } from '../../../src/verify/engines.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { freePort } from '../../../src/verify/ports.ts';
import { sendRaw } from '../../../src/verify/raw.ts';
import { engineSuite } from '../../engines/suite.ts';
import { proxyTarget } from '../../verify/proxyTargets.ts';

const HOSTILE = [
  'plain',
  'two words',
  '',
  ' ',
  'a;b',
  'a{b}c',
  '#x',
  '"',
  "'",
  '\\',
  'a\\nb',
  '\\"',
  '$',
  '$host',
  '${host}',
  '$1',
  'a$',
  '~x',
  '~*x',
  '\\~',
  'default',
  'include',
  'hostnames',
  'volatile',
  'DEFAULT',
  '`',
  '<%= x %>',
  '{{ x }}',
  '{% raw %}',
  'line\nfeed',
  'tab\there',
  'cr\rlf\n',
  'ünïcode',
  '日本',
  '(a|b)*',
  '[a]',
  '^$',
  '"; return 200 owned; #',
  'x'.repeat(LONGEST_TOKEN),
  '="',
];

const { test, engines } = await engineSuite('nginx: quoting', ['nginx', 'nginx-newest']);

interface Echo {
  readonly values: readonly string[];
  readonly keys: readonly string[];
}

/** What nginx makes of each text as a value; and as the key of a map, looked up by that value. */
async function echoes(program: string, texts: readonly string[]): Promise<Echo> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${name};`)
    .join('\n');
  const maps = texts.map(
    (text, index) =>
      `map $n $v${index} { default ${value(text)}; }\nmap $v${index} $k${index} { default missed; ${mapKey(text)} found; }`,
  );
  const locations = texts.map(
    (_, index) => `location = /v${index} { return 200 $v${index}; } location = /k${index} { return 200 $k${index}; }`,
  );
  const http = [
    'access_log off;',
    temps,
    'map_hash_bucket_size 4096;',
    'geo $dollar { default "$"; } geo $n { default 1; }',
    ...maps,
  ];
  const config = `pid nginx.pid; error_log stderr emerg; events {}\nhttp {\n${http.join('\n')}\nserver { listen 127.0.0.1:${port};\n${locations.join('\n')} } }\n`;
  await folder.write('nginx/nginx.conf', config);
  const server = await startEngine(proxyTarget('nginx'), { program, folder: folder.path, ready: { port } });
  try {
    const read = async (path: string) => (await sendRaw({ port }, `GET ${path} HTTP/1.0\r\n\r\n`)).text();
    const indexes = texts.map((_, index) => index);
    return {
      values: await Promise.all(indexes.map((index) => read(`/v${index}`))),
      keys: await Promise.all(indexes.map((index) => read(`/k${index}`))),
    };
  } finally {
    await server.stop();
    await folder.remove();
  }
}

for (const name of ['nginx', 'nginx-newest'] as const) {
  test(`${name} reads every text back as it was, as a value and as a key`, async () => {
    const texts = HOSTILE.filter((text) => textProblem(text) === undefined);
    assert.is(texts.length, HOSTILE.length);
    const { values, keys } = await echoes(engines[name].path, texts);
    assert.equal(values, texts);
    assert.equal(
      keys,
      texts.map(() => 'found'),
    );
  });

  test(`${name} reads random texts back`, async () => {
    const texts = fc.sample(fc.string({ unit: fc.constantFrom(...'ab $\\"\'{};#~%\n\t=é'), maxLength: 30 }), {
      numRuns: 300,
      seed: 7,
    });
    assert.equal((await echoes(engines[name].path, texts)).values, texts);
  });
}

test('what nginx has no words for is said to be so', () => {
  for (const text of ['\0', 'a\u0007', '\u007f', '\u0085', 'x'.repeat(LONGEST_TOKEN + 1), '$'.repeat(500), '\ud800'])
    assert.ok(textProblem(text), JSON.stringify(text));
  assert.throws(() => literal('x'.repeat(4_095)));
  assert.throws(() => bareWord('a b'));
  assert.throws(() => bareWord(''));
  assert.throws(() => variable('9x'));
});

test('variables expand only where they are meant to', () => {
  assert.is(String(value('a$', variable('uri'), '"')), '"a${dollar}${uri}\\""');
  assert.is(String(value(variable('uri'))), '$uri');
  assert.is(String(literal('$x')), '"$x"');
  assert.is(String(pattern('^a\\z')), '"~^a\\\\z"');
  assert.is(String(mapKey('default')), '"\\\\default"');
});

test.run();
