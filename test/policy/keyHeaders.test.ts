import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { PASSTHROUGH_CREDENTIAL_HEADERS } from '../../src/policy/headers.ts';
import { headerRefusal } from '../../src/policy/refusedHeaders.ts';

const test = suite('headers for keys');
const root = fileURLToPath(new URL('../../', import.meta.url));

/** Where generated files read a header of a request, or write one. */
const MENTIONS = [
  /\$\{?http_([a-z0-9_]+)/g,
  /proxy_set_header ([\w-]+)/g,
  /header_up [+-]?([A-Za-z][\w-]*)/g,
  /http\.request\.header\.([\w-]+)/g,
  /\bheader(?:_regexp)? !?([A-Z][\w-]+)/g,
];

/** Engine files of every kind of spec, as they are checked in: examples and cases. */
const files = execFileSync('git', ['ls-files', 'examples', 'test/targets'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => /generated\/(?:.*\/)?(?:nginx|caddy)\/|targets\/(?:nginx|caddy)\/.*[.]case$/.test(path));

test('whatever our own files log, set or pass on is refused for keys, unless it is for credentials', () => {
  const found = new Map<string, string>();
  for (const path of files) {
    const text = readFileSync(`${root}${path}`, 'utf8');
    for (const mention of MENTIONS)
      for (const [, name = ''] of text.matchAll(mention)) found.set(name.toLowerCase().replaceAll('_', '-'), path);
  }
  // A spec that passes one of these by a route refuses it for its keys itself (policy/forwarded-key).
  const ofRoutes = ['content-range', 'link', 'x-new', ...PASSTHROUGH_CREDENTIAL_HEADERS];
  const free = [...found].filter(([name]) => !ofRoutes.includes(name) && headerRefusal(name, 'key') === undefined);
  assert.equal(free, []);
  assert.ok(found.size > 40, String(found.size));
});

for (const name of ['Referer', 'X-Request-Id', 'traceparent', 'X-B3-TraceId', 'x_request_id'])
  test(`${name} would be in logs`, () => {
    for (const use of ['key', 'address'] as const) assert.match(headerRefusal(name, use) ?? '', /logs/);
    assert.is(headerRefusal(name, 'forward'), undefined);
  });

test.run();
