import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { compile } from '../../../src/compile.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { run } from '../../engines/run.ts';
import { engineSuite } from '../../engines/suite.ts';
import { scoped } from '../../support/scoped.ts';
import { startWorld } from './world.ts';

const { test, engines } = await engineSuite('nginx: long and deep paths', ['nginx', 'nginx-newest']);

function compiled(allow: readonly unknown[], groups: object = {}) {
  const spec = {
    version: 1,
    name: 'limits',
    upstreams: { up: { url: 'https://up.example.com' } },
    routes: { read: { upstream: 'up', allow }, ...groups },
    apiKeys: { caller: { key: 'env:KEY', token: 'env:TOKEN' } },
    proxies: { api: { listen: '127.0.0.1:8080', ipRanges: ['10.0.0.0/8'] } },
    targets: { nginx: { caFile: '/dev/null' }, caddy: {} },
  };
  return compile(JSON.stringify(spec), { file: 'postern.json', read: () => undefined });
}

/** What nginx says about what is generated; `undefined` where it would start. */
async function refusalOf(allow: readonly unknown[], program: string): Promise<string | undefined> {
  const { files = [], diagnostics } = compiled(allow);
  assert.equal(diagnostics, []);
  const folder = await temporaryFolder();
  try {
    for (const { path, text } of files)
      await folder.write(
        path,
        text.replaceAll(/proxy_ssl_(?:verify|trusted_certificate) .*/g, '').replaceAll('up.example.com', '127.0.0.1'),
      );
    const { code, text } = await run(program, ['-t', '-p', `${folder.path}/nginx/`, '-c', 'nginx.conf']);
    return code === 0 ? undefined : text;
  } finally {
    await folder.remove();
  }
}

const segments = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index)).join('/');
const spellings = Array.from({ length: 128 }, (_, bits) =>
  ['a', 'b', 'c', 'd', 'e', 'f', 'g']
    .map((letter, index) => ((bits >> index) & 1 ? letter.toUpperCase() : letter))
    .join(''),
);
const long = (letter: string) => letter.repeat(90);

for (const [title, allow] of [
  ['as many parameters as can be told apart', [`GET /${segments(39, (index) => `{p${index}}`)}`]],
  ['as many before a tail', [`GET /${segments(38, (index) => `{p${index}}`)}/{rest*}`]],
  [
    'as many behind what all paths share',
    [`GET /${long('s')}/${long('t')}/${segments(31, (index) => `{p${index}}`)}/{rest*}`],
  ],
  ['more shared bytes than fit into an expression', [`GET /${'a'.repeat(3_000)}/${'b'.repeat(3_000)}/{id:int}`]],
  ['a segment as long as a token', [`GET /${'a'.repeat(3_890)}`, `GET /${'A'.repeat(3_890)}`, 'GET /b']],
  ['many long segments that differ in case only', spellings.map((text) => `GET /${long('x')}${text}/y`)],
  [
    'many content types',
    [{ request: 'POST /x', contentTypes: spellings.map((_, index) => `application/${long('x')}.${index}`) }],
  ],
] as const) {
  test(`nginx takes ${title}`, async () => {
    for (const { path } of [engines.nginx, engines['nginx-newest']]) assert.is(await refusalOf(allow, path), undefined);
  });
}

const groups = Object.fromEntries(
  Array.from({ length: 70 }, (_, index) => [
    `g${long('x').slice(0, 58)}${index}`,
    { upstream: 'up', allow: ['GET /x'] },
  ]),
);
const methods = spellings.map((text) => `M-${'A'.repeat(20)}-${text.replace(/[a-z]/g, '-')}`);

for (const [title, code, allow, more] of [
  ['more segments', 'too-deep', ['GET /b', `GET /${segments(40, (index) => `{p${index}}`)}`], {}],
  ['a longer segment', 'unwritable-text', ['GET /b', `GET /${'a'.repeat(3_901)}`], {}],
  [
    'a path longer than a request line',
    'unwritable-text',
    ['GET /b', `GET /${segments(3, () => 'a'.repeat(3_000))}`],
    {},
  ],
  [
    'a longer content type',
    'unwritable-text',
    ['GET /b', { request: 'POST /x', contentTypes: [`a/b${'.'.repeat(1_400)}`] }],
    {},
  ],
  ['more methods than a header holds', 'unwritable-text', ['GET /b', `${methods.join(',')} /x`], {}],
  ['more groups on one path than a log line holds', 'unwritable-text', ['GET /x'], groups],
] as const) {
  test(`${title}: an error that shows where`, () => {
    const { files, diagnostics } = compiled(allow, more);
    assert.is(files, undefined);
    assert.ok(diagnostics.length > 0);
    for (const diagnostic of diagnostics) {
      assert.is(diagnostic.code, `nginx/${code}`, diagnostic.message);
      assert.is(diagnostic.at[0], 'routes');
      assert.ok(diagnostic.hint);
    }
  });
}

test(
  'of segments that differ in case only each is itself',
  scoped(async (scope) => {
    const known = spellings.filter((_, index) => index % 2 === 0);
    const routes = { read: { upstream: 'up', allow: known.map((text) => `GET /${long('x')}${text}`) } };
    const { ask, requests } = await startWorld(scope, { program: engines.nginx.path, routes });
    for (const text of spellings) {
      const { status } = await ask(`GET /${long('x')}${text}`);
      assert.is(status, known.includes(text) ? 200 : 404, text);
    }
    assert.is(requests.length, known.length);
  }),
);

const literal = fc
  .tuple(fc.constantFrom('a', 'A', 'x.y', '$', "'(+)", '%C3%A9', '-'), fc.constantFrom(1, 1, 2, 40, 400, 1_500))
  .map(([text, times]) => text.repeat(times));
const parameter = fc.constantFrom('', ':int', ':hex', ':uuid', ':slug', ':encodedPath', ':a|A|b');
const part = fc.oneof({ weight: 3, arbitrary: literal }, { weight: 1, arbitrary: parameter.map((type) => ({ type })) });
const path = fc
  .tuple(
    fc.array(part, { minLength: 1, maxLength: 5 }),
    fc.constantFrom(1, 1, 2, 9),
    fc.constantFrom('', '/', '/{rest*}'),
  )
  .map(([parts, times, end]) => {
    const all = Array.from({ length: times }, () => parts).flat();
    return `/${all.map((each, index) => (typeof each === 'string' ? each : `{p${index}${each.type}}`)).join('/')}${end}`;
  });

test('whatever the paths, they are refused or nginx takes them', async () => {
  let taken = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(path, { minLength: 1, maxLength: 3 }), async (paths) => {
      const allow = paths.map((each) => `GET ${each}`);
      const { diagnostics } = compiled(allow);
      if (diagnostics.length > 0) {
        refused += 1;
        assert.ok(diagnostics.every(({ hint, at }) => hint !== undefined && at.length > 0));
        return;
      }
      taken += 1;
      assert.is(await refusalOf(allow, engines.nginx.path), undefined);
    }),
    { numRuns: 40, seed: 5 },
  );
  assert.ok(taken > 10 && refused > 5, `${taken} taken, ${refused} refused`);
});

const letters = (count: number, letter = 'x') => segments(count, () => letter);

test(
  'the deepest pattern and the rest of a path beside it: every length is decided',
  scoped(async (scope) => {
    const deepest = segments(38, (index) => (index % 5 === 0 ? `{p${index}}` : 's'));
    const routes = { deep: { upstream: 'up', allow: [`GET /d/${deepest}`, 'PUT /d/{rest*}'] } };
    for (const { path: program } of [engines.nginx, engines['nginx-newest']]) {
      const { ask } = await startWorld(scope, { program, routes });
      assert.is((await ask(`GET /d/${letters(38, 's')}`)).status, 200);
      for (let length = 1; length <= 45; length++)
        for (const letter of ['x', 's'])
          assert.is((await ask(`PUT /d/${letters(length, letter)}`)).status, 200, `${length} times ${letter}`);
    }
  }),
);

test(
  'a slash after the rest of a path leads to a pattern that the rest alone is not named after',
  scoped(async (scope) => {
    const routes = { rest: { upstream: 'up', allow: ['GET /a/{rest*}', 'PUT /{p}/{rest*}/'] } };
    const { ask } = await startWorld(scope, { program: engines.nginx.path, routes });
    for (let length = 1; length <= 14; length++) {
      assert.is((await ask(`PUT /a/${letters(length)}/`)).status, 200, `${length} segments`);
      assert.is((await ask(`GET /a/${letters(length)}/`)).status, 405, `${length} segments`);
      assert.is((await ask(`GET /a/${letters(length)}`)).status, 200, `${length} segments`);
    }
  }),
);

test.run();
