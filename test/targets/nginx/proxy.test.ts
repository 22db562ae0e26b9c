import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openConnection, type RawResponse, sendRaw } from '../../../src/verify/raw.ts';
import type { Scope } from '../../../src/verify/scope.ts';
import { engineSuite } from '../../engines/suite.ts';
import { assertError } from '../../support/errors.ts';
import { scoped } from '../../support/scoped.ts';
import { KEY, OTHER, startWorld, type World, type WorldOptions } from './world.ts';

const { test, engines } = await engineSuite('nginx: proxies', ['nginx']);

function world(scope: Scope, options: Omit<WorldOptions, 'program'> = {}): Promise<World> {
  return startWorld(scope, { ...options, program: engines.nginx.path });
}

test(
  'without secrets it starts, writes only below its folder, and denies every key',
  scoped(async (scope) => {
    const { ask, folder, requests } = await world(scope, { values: undefined });
    assert.is((await ask('GET /things')).status, 403);
    assert.is((await ask('GET /things', [])).status, 401);
    assert.is(requests.length, 0);
    assert.equal(await readdir(folder), ['nginx']);
    const names = await readdir(join(folder, 'nginx'));
    for (const name of ['access.log', 'nginx.pid', 'proxy_temp']) assert.ok(names.includes(name), name);
  }),
);

test(
  'a route is found however much is unusual about how it is forwarded, and however long its names are',
  scoped(async (scope) => {
    const headers = Array.from({ length: 30 }, (_, index) => `X-Quite-A-Long-Header-Name-${index}`);
    const id = 'r'.repeat(60);
    const { ask, requests } = await world(scope, {
      routes: {
        many: { upstream: 'up', headers, allow: ['GET /many'] },
        more: { upstream: 'up', headers: [...headers, 'X-More'], allow: ['GET /more'] },
        [id]: { upstream: 'up', allow: ['GET /long', { request: 'GET /longer', headers }] },
      },
      proxy: { answer: [{ request: `GET /${'a'.repeat(300)}`, status: 200 }] },
    });
    for (const path of ['/many', '/more', '/long', '/longer', `/${'a'.repeat(300)}`]) {
      const { status } = await ask(`GET ${path}`, [`PRIVATE-TOKEN: ${KEY}`, 'X-More: x']);
      assert.is(status, 200, path);
    }
    const passed = requests.filter(({ fields }) => fields.some(([name]) => name.toLowerCase() === 'x-more'));
    assert.equal(
      passed.map(({ target }) => target),
      ['/more'],
    );
  }),
);

test(
  'a key without a token, or with an empty one, opens nothing',
  scoped(async (scope) => {
    const { ask } = await world(scope, {
      values: new Map([
        ['env:KEY', KEY],
        ['env:TOKEN', ''],
      ]),
    });
    assert.is((await ask('GET /things')).status, 403);
  }),
);

test(
  'keys are compared with case, whatever maps do',
  scoped(async (scope) => {
    const { ask, requests } = await world(scope, {
      apiKeys: { second: { key: 'env:OTHER', token: 'env:TOKEN2', routes: ['read'] } },
    });
    for (const wrong of [
      KEY.toLowerCase(),
      KEY.toUpperCase(),
      `x${KEY}`,
      KEY.slice(1),
      `${KEY}x`,
      `${OTHER.slice(0, -8)}${KEY.slice(-8)}`,
    ]) {
      assert.is((await ask('GET /things', [`PRIVATE-TOKEN: ${wrong}`])).status, 403, wrong);
    }
    assert.is((await ask('GET /things')).status, 200);
    assert.is((await ask('GET /things', [`PRIVATE-TOKEN: ${OTHER}`])).status, 200);
    assert.equal(
      requests.map((request) => request.field('private-token')),
      ['glpat-upstream.token', 'glpat-second.token'],
    );
  }),
);

test(
  'the log has a line of JSON for each decision, without keys, tokens, queries and pasted secrets',
  scoped(async (scope) => {
    const { ask, log } = await world(scope);
    await ask('GET /things/7?search=needle');
    await ask('GET /things', [`PRIVATE-TOKEN: ${OTHER}`]);
    await ask('GET /nothing/plain%20?x=needle');
    await ask('PURGE /things');
    await ask('GET http://proxy.example/things?needle');
    await ask('GET /things/%zz');
    const lines = await log();
    assert.not.match(JSON.stringify(lines), /needle|key-0123|glpat/);
    const told = lines.map(({ method, path, status, route, key }) => `${method} ${path} ${status} ${route} ${key}`);
    assert.equal(told, [
      'GET /things/7 200 read caller',
      'GET /things 403 read ',
      'GET /nothing/* 404  caller',
      'PURGE /things 405  caller',
      'GET  404  caller',
      'GET /things/* 400  ',
    ]);
    for (const line of lines) assert.is(line['client'], '127.0.0.1');
  }),
);

test(
  "the locations of verdicts are nobody else's",
  scoped(async (scope) => {
    const { ask, requests } = await world(scope, { routes: { all: { upstream: 'up', allow: ['GET /{path*}'] } } });
    for (const path of ['/%25/forward-1', '/%25/200', '/%25/404', '/x/../%25/forward-1', '/%25%2Fforward-1']) {
      assert.is((await ask(`GET ${path}`)).status, 404, path);
      assert.is((await ask(`GET ${path}`, [])).status, 401, `${path} without a key`);
    }
    assert.is(requests.length, 0);
    assert.is((await ask('GET /%/forward-1')).status, 400);
    assert.is((await ask('GET /-/health')).status, 200);
  }),
);

test(
  'errors of nginx itself look like all others',
  scoped(async (scope) => {
    const { ask, port } = await world(scope, { proxy: { responseHeaders: { 'X-Version': '1 $x "y"' } } });
    const answers: readonly [number, RawResponse][] = [
      [400, await ask('GET /things/%zz')],
      [405, await ask('TRACE /things')],
      [
        413,
        await ask('POST /things', [
          `PRIVATE-TOKEN: ${KEY}`,
          'Content-Type: application/json',
          'Content-Length: 2000000',
        ]),
      ],
      [414, await ask(`GET /things?${'x'.repeat(20_000)}`)],
      [431, await ask('GET /things', [`X-Long: ${'x'.repeat(40_000)}`])],
    ];
    for (const [status, response] of answers) {
      assert.is(response.status, status);
      assertError(response, status);
      assert.is(response.field('content-type'), 'application/json');
      assert.is(response.field('x-version'), '1 $x "y"', String(status));
      assert.is(response.field('server'), 'nginx');
    }
    assertError(await sendRaw({ port, from: '127.0.0.9' }, 'GET /things HTTP/1.0\r\n\r\n'), 403);
  }),
);

test(
  'what is refused takes nothing from the rate of a key, whoever sends it',
  scoped(async (scope) => {
    const { ask } = await world(scope, {
      apiKeys: { caller: { key: 'env:KEY', token: 'env:TOKEN', rateLimit: '1/m burst 2' } },
    });
    const almost = `${KEY.slice(0, -1)}x`;
    for (let count = 0; count < 5; count += 1) {
      assert.is((await ask('GET /things', [`PRIVATE-TOKEN: ${almost}`])).status, 403);
      assert.is((await ask('GET /things', [])).status, 401);
      assert.is((await ask('GET /nothing')).status, 404);
      assert.is((await ask('DELETE /things')).status, 405);
      assert.is((await ask('GET /things?sudo=x')).status, 400);
    }
    const statuses: number[] = [];
    for (let count = 0; count < 4; count += 1) statuses.push((await ask('GET /things')).status);
    assert.equal(statuses, [200, 200, 200, 429]);
  }),
);

test(
  'callers that share a connection, as behind a balancer, have each their own token and their own refusals',
  scoped(async (scope) => {
    const second = { key: 'env:OTHER', token: 'env:TOKEN2', routes: ['other'] };
    const { port, requests } = await world(scope, {
      routes: { other: { upstream: 'up', allow: ['GET /others'] } },
      apiKeys: { second },
    });
    const connection = await openConnection({ port });
    scope.defer(async () => connection.close());
    const from = async (path: string, key: string) =>
      (await connection.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n${key && `PRIVATE-TOKEN: ${key}\r\n`}\r\n`)).status;
    for (let count = 0; count < 2; count += 1) {
      assert.equal([await from('/things', KEY), await from('/things', OTHER)], [200, 403]);
      assert.equal([await from('/others', OTHER), await from('/things', '')], [200, 401]);
    }
    assert.equal(
      requests.map((request) => request.field('private-token')),
      ['glpat-upstream.token', 'glpat-second.token', 'glpat-upstream.token', 'glpat-second.token'],
    );
  }),
);

test(
  'a key has its rate, and others have theirs',
  scoped(async (scope) => {
    const second = { key: 'env:OTHER', token: 'env:TOKEN2' };
    const { ask } = await world(scope, {
      apiKeys: { caller: { key: 'env:KEY', token: 'env:TOKEN', rateLimit: '1/m burst 2' }, second },
    });
    const statuses: number[] = [];
    for (let count = 0; count < 5; count += 1) statuses.push((await ask('GET /things')).status);
    assert.equal(statuses, [200, 200, 200, 429, 429]);
    assertError(await ask('GET /things'), 429);
    assert.is((await ask('GET /things', [`PRIVATE-TOKEN: ${OTHER}`])).status, 200);
  }),
);

test(
  'only a route for WebSockets passes an upgrade on',
  scoped(async (scope) => {
    const routes = { live: { upstream: 'up', websocket: true, allow: ['GET /live'] } };
    const { ask, requests } = await world(scope, { routes });
    const fields = [
      ...[`PRIVATE-TOKEN: ${KEY}`, 'Connection: Upgrade', 'Upgrade: WebSocket', 'Sec-WebSocket-Key: abc'],
      'Origin: https://api.example.com',
    ];
    await ask('GET /live', fields);
    await ask('GET /live');
    await ask('GET /live', [...fields.slice(0, 2), 'Upgrade: h2c']);
    await ask('GET /things', fields);
    const seen = requests.map((request) =>
      ['upgrade', 'connection', 'sec-websocket-key', 'origin'].map((name) => request.field(name)).join(),
    );
    assert.equal(seen, ['websocket,upgrade,abc,https://api.example.com', ',,,', ',,,', ',,,']);
  }),
);

const linkTo = (origin: string, count: number, query = '') =>
  Array.from({ length: count }, (_, page) => `<${origin}/things?page=${page}${query}>; rel="p${page}"`).join(', ');

test(
  'every link comes back, or none',
  scoped(async (scope) => {
    let count = 16;
    const { ask } = await world(scope, {
      proxy: { publicUrl: 'https://api.example.com' },
      answer: (request) => ({ fields: [['Link', linkTo(`http://${request.field('host')}`, count)]] }),
    });
    assert.is((await ask('GET /things')).field('link'), linkTo('https://api.example.com', 16));
    count = 17;
    assert.is((await ask('GET /things')).field('link'), undefined);
  }),
);

test(
  'links to the longest of queries',
  scoped(async (scope) => {
    const query = `&search=${'x'.repeat(7_000)}`;
    const { ask } = await world(scope, {
      proxy: { publicUrl: 'https://api.example.com' },
      answer: (request) => ({ fields: [['Link', linkTo(`http://${request.field('host')}`, 5, query)]] }),
    });
    assert.is((await ask(`GET /things?page=1${query}`)).field('link'), linkTo('https://api.example.com', 5, query));
  }),
);

test(
  'a chain of trusted proxies is looked through',
  scoped(async (scope) => {
    const clientIp = { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] };
    const { ask, requests } = await world(scope, { proxy: { ipRanges: ['192.0.2.0/24'], clientIp } });
    const from = async (list: string) =>
      (await ask('GET /things', [`PRIVATE-TOKEN: ${KEY}`, `X-Forwarded-For: ${list}`])).status;
    assert.is(await from('192.0.2.1'), 200);
    assert.is(await from('203.0.113.1, 192.0.2.1, 10.0.0.1,10.0.0.2 , 10.0.0.3, 10.0.0.4'), 200);
    assert.is(await from('192.0.2.1, 203.0.113.1'), 403);
    assert.is(await from('192.0.2.1, '), 403);
    assert.is(await from('192.0.2.1:80'), 403);
    assert.is(await from(`192.0.2.1${', 10.0.0.1'.repeat(7)}`), 200);
    assert.is(await from(`192.0.2.1${', 10.0.0.1'.repeat(8)}`), 403);
    assert.equal(
      requests.map((request) => request.field('x-forwarded-for')),
      Array(3).fill('192.0.2.1'),
    );
  }),
);

test(
  'more trusted proxies than are looked past have no address among them that lets anybody in',
  scoped(async (scope) => {
    const clientIp = { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] };
    const { ask } = await world(scope, { proxy: { ipRanges: ['10.0.0.0/8'], clientIp } });
    const from = async (list: string) =>
      (await ask('GET /things', [`PRIVATE-TOKEN: ${KEY}`, `X-Forwarded-For: ${list}`])).status;
    assert.is(await from(Array(8).fill('10.0.0.1').join()), 200);
    assert.is(await from(`203.0.113.1${',10.0.0.1'.repeat(9)}`), 403);
  }),
);

test(
  'the PROXY protocol is believed from those who are trusted',
  scoped(async (scope) => {
    const clientIp = { trustedProxies: ['127.0.0.2'], proxyProtocol: true };
    const { port } = await world(scope, { proxy: { ipRanges: ['192.0.2.1'], clientIp } });
    const request = `PROXY TCP4 192.0.2.1 127.0.0.1 4000 80\r\nGET /things HTTP/1.1\r\nHost: a\r\nPRIVATE-TOKEN: ${KEY}\r\n\r\n`;
    assert.is((await sendRaw({ port, from: '127.0.0.2' }, request)).status, 200);
    assert.is((await sendRaw({ port, from: '127.0.0.3' }, request)).status, 403);
  }),
);

test(
  'answers arrive as the upstream gives them, and its orders to a proxy are not obeyed',
  scoped(async (scope) => {
    const fields = [
      ['X-Accel-Redirect', '/things/2'],
      ['X-Accel-Limit-Rate', '1'],
      ['Set-Cookie', 'a=b'],
      ['Alt-Svc', 'h2="elsewhere.example:443"'],
      ['X-Kept', 'yes'],
    ] as const;
    const { port, requests } = await world(scope, { answer: { status: 418, fields, body: 'short and stout' } });
    const connection = await openConnection({ port });
    scope.defer(async () => connection.close());
    for (let count = 0; count < 3; count += 1) {
      const response = await connection.send(`GET /things HTTP/1.1\r\nHost: a\r\nPRIVATE-TOKEN: ${KEY}\r\n\r\n`);
      assert.is(response.status, 418);
      assert.is(response.text(), 'short and stout');
      assert.is(response.field('x-kept'), 'yes');
      for (const [name] of fields.slice(0, -1)) assert.is(response.field(name), undefined, name);
    }
    assert.is(requests.length, 3);
  }),
);

test.run();
