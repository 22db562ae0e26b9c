import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { freePorts } from '../../../src/verify/ports.ts';
import { engineSuite } from '../../engines/suite.ts';
import { policyOf } from '../../support/policy.ts';
import { scoped } from '../../support/scoped.ts';
import { runCaddy } from './engine.ts';
import { KEY, sendTo, type World, type WorldOptions, worldOf } from './world.ts';

const { test, engines } = await engineSuite('caddy: proxies', ['caddy']);

type Options = Omit<WorldOptions, 'program'>;

const withWorld = (options: Options, work: (world: World) => Promise<void>) =>
  scoped(async (scope) => work(await worldOf(scope, { program: engines.caddy.path, ...options })));

test(
  'what passes is what the upstream gets, and nothing else',
  withWorld({}, async ({ ask, upstream }) => {
    const hostile = [
      'Sudo: root',
      'Cookie: c=1',
      'Private_Token: x',
      'X-Forwarded-For: 9.9.9.9',
      'Via: 1.0 x',
      'Connection: private-token, x-real-ip',
      'Upgrade: websocket',
      'Authorization: Basic eA==',
    ];
    const response = await ask('GET /g/group%2Fproject?page=2', [
      `PRIVATE-TOKEN: ${KEY}`,
      'Accept: */*',
      'If-None-Match: "x"',
      ...hostile,
    ]);
    assert.is(response.status, 200);
    const [request, ...others] = upstream.take();
    assert.equal(others, []);
    assert.is(request?.target, '/g/group%2Fproject?page=2');
    const fields = new Map(request?.fields.map(([name, value]) => [name.toLowerCase(), value]));
    assert.equal(Object.fromEntries([...fields].sort()), {
      accept: '*/*',
      host: 'up.example',
      'if-none-match': '"x"',
      'private-token': 'the-token',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'api.example:1',
      'x-forwarded-proto': 'http',
      'x-real-ip': '127.0.0.1',
    });
  }),
);

test(
  'without secrets it starts, and nobody is known',
  scoped(async (scope) => {
    const [port = 0] = await freePorts(1);
    const policy = policyOf({
      upstreams: { up: { url: 'http://up.example', servers: ['127.0.0.1:1'] } },
      routes: { read: { upstream: 'up', allow: ['GET /a'] } },
      apiKeys: { echoes: { key: 'env:K', token: 'env:T' } },
      proxies: { api: { listen: `127.0.0.1:${port}`, ipRanges: 'any' } },
    });
    await runCaddy({ policy, program: engines.caddy.path, ports: [port] }, scope);
    assert.is((await sendTo({ port }, ['GET /a HTTP/1.1', 'Host: x', `PRIVATE-TOKEN: ${KEY}`])).status, 403);
    assert.is((await sendTo({ port }, ['GET /a HTTP/1.1', 'Host: x', 'PRIVATE-TOKEN: '])).status, 401);
  }),
);

test(
  'a key whose token is empty forwards nothing',
  withWorld({ values: { 'env:K': KEY, 'env:T': '' } }, async ({ ask, upstream }) => {
    assert.is((await ask('GET /a')).status, 403);
    assert.equal(upstream.take(), []);
  }),
);

test(
  'an answer to every method answers neither CONNECT, which would look like a tunnel, nor TRACE',
  withWorld({ proxy: { answer: [{ request: '* /ans', auth: 'none', status: 200 }] } }, async ({ ask }) => {
    for (const method of ['GET', 'PROPFIND', 'FOO']) assert.is((await ask(`${method} /ans`)).status, 200, method);
    for (const method of ['CONNECT', 'TRACE']) {
      assert.is((await ask(`${method} /ans`, [])).status, 401, method);
      assert.is((await ask(`${method} /ans`)).status, 405, method);
    }
  }),
);

test(
  'errors are JSON with the headers of every answer, those of the engine itself too',
  withWorld({ proxy: { responseHeaders: { 'X-Policy': 'v1' } } }, async ({ ask, port, upstream }) => {
    const statuses = [
      await ask('GET /nowhere'),
      await ask('POST /a'),
      await ask('GET /a?private_token=x'),
      await ask('GET /a', []),
      await sendTo({ port }, ['GET /a HTTP/1.1', 'Host:', `PRIVATE-TOKEN: ${KEY}`]),
    ];
    await upstream.close();
    statuses.push(await ask('GET /a'));
    assert.equal(
      statuses.map(({ status }) => status),
      [404, 405, 400, 401, 400, 502],
    );
    for (const response of statuses) {
      assert.is(JSON.parse(response.text()).status, response.status);
      assert.is(response.field('content-type'), 'application/json');
      assert.is(response.field('x-policy'), 'v1');
      assert.is(response.field('server'), undefined);
    }
  }),
);

test(
  'each decision is one line that holds no secret and no query',
  withWorld({}, async ({ ask, port, folder, server }) => {
    await ask('GET /a?page=2');
    await ask('POST /a?secret=hidden');
    await ask('GET /nowhere"hidden');
    await sendTo({ port }, ['GET /a HTTP/1.1', 'Host:', `PRIVATE-TOKEN: ${KEY}`]);
    await server.stop();
    const log = readFileSync(join(folder, 'caddy/access.log'), 'utf8');
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(
      lines.map(({ method, path, status, route, key, client }) => [method, path, status, route, key, client].join(' ')),
      [
        'GET /a 200 read echoes 127.0.0.1',
        'POST /a 405  echoes 127.0.0.1',
        'GET /* 404  echoes 127.0.0.1',
        'GET /a 400   127.0.0.1',
      ],
    );
    for (const text of [KEY, 'the-token', 'hidden', 'page=2'])
      assert.not.ok((log + server.output()).includes(text), text);
  }),
);

test(
  'it writes nothing outside its own folder',
  withWorld({}, async ({ ask, folder, server }) => {
    await ask('GET /a');
    await server.stop();
    assert.equal(readdirSync(folder), ['caddy']);
    assert.equal(
      readdirSync(join(folder, 'caddy'))
        .filter((name) => name !== 'admin.sock')
        .sort(),
      ['Caddyfile', 'access.log', 'api.routes', 'secrets'],
    );
  }),
);

test(
  'many keys, tokens, classes and addresses are found, each its own',
  scoped(async (scope) => {
    const ids = Array.from({ length: 700 }, (_, index) => `key-${index}`);
    const keyOf = (index: number) => `glpat-${(index * 7919).toString(36).padStart(6, 'x')}-0123456789`;
    const values = Object.fromEntries(
      ids.flatMap((_, index) => [
        [`env:K${index}`, keyOf(index)],
        [`env:T${index}`, `token-${index}`],
      ]),
    );
    const { ask, upstream } = await worldOf(scope, {
      program: engines.caddy.path,
      spec: {
        routes: { read: { upstream: 'up', allow: ['GET /a'] }, write: { upstream: 'up', allow: ['POST /a'] } },
        apiKeys: Object.fromEntries(
          ids.map((id, index) => [
            id,
            { key: `env:K${index}`, token: `env:T${index}`, routes: [index % 2 === 0 ? 'read' : 'write'] },
          ]),
        ),
      },
      proxy: {
        ipRanges: ['127.0.0.1', ...Array.from({ length: 400 }, (_, index) => `10.${index >> 8}.${index & 255}.0/31`)],
      },
      values,
    });
    for (const index of [0, 1, 2, 255, 256, 257, 698, 699]) {
      const [allowed, denied] = index % 2 === 0 ? ['GET', 'POST'] : ['POST', 'GET'];
      const fields = [`PRIVATE-TOKEN: ${keyOf(index)}`];
      assert.is((await ask(`${allowed} /a`, fields)).status, 200);
      assert.is(upstream.take()[0]?.field('private-token'), `token-${index}`);
      assert.is((await ask(`${denied} /a`, fields)).status, 403);
    }
    assert.is((await ask('GET /a', [`PRIVATE-TOKEN: ${keyOf(700)}`])).status, 403);
    assert.is((await ask('GET /a', [`PRIVATE-TOKEN: ${keyOf(0).toUpperCase()}`])).status, 403);
  }),
);

test(
  'an address outside is refused, also one of a long list',
  scoped(async (scope) => {
    const { port } = await worldOf(scope, {
      program: engines.caddy.path,
      proxy: { ipRanges: Array.from({ length: 400 }, (_, index) => `127.${index >> 8}.${index & 255}.2`) },
    });
    const statusFrom = async (from: string) =>
      (await sendTo({ port, from }, ['GET /a HTTP/1.1', 'Host: x', `PRIVATE-TOKEN: ${KEY}`])).status;
    assert.is(await statusFrom('127.1.143.2'), 200);
    assert.is(await statusFrom('127.1.144.2'), 403);
    assert.is(await statusFrom('127.0.0.1'), 403);
  }),
);

test(
  'a WebSocket passes where it is asked for, and only there',
  scoped(async (scope) => {
    const seen: string[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (bytes) => {
        const head = bytes.toString('latin1');
        seen.push(head);
        socket.write(
          /^upgrade: websocket\r$/im.test(head)
            ? 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
            : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
        );
      });
    }).listen(0, '127.0.0.1');
    scope.defer(async () => server.close());
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const { ask, port: own } = await worldOf(scope, {
      program: engines.caddy.path,
      spec: {
        upstreams: { up: { url: 'http://up.example', servers: [`127.0.0.1:${port}`] } },
        routes: { read: { upstream: 'up', allow: ['GET /a', { request: 'GET /ws', websocket: true }] } },
      },
    });
    const upgrade = [
      `PRIVATE-TOKEN: ${KEY}`,
      'Connection: keep-alive, Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: eA==',
      'Sec-WebSocket-Version: 13',
      'Origin: https://page.example',
    ];
    const socket = connect(own, '127.0.0.1');
    scope.defer(async () => socket.destroy());
    socket.write(`GET /ws HTTP/1.1\r\nHost: x\r\n${upgrade.join('\r\n')}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 101 /);
    assert.match(seen.at(-1) ?? '', /^sec-websocket-key: eA==\r$/im);
    assert.match(seen.at(-1) ?? '', /^connection: Upgrade\r$/im);
    assert.match(seen.at(-1) ?? '', /^origin: https:\/\/page\.example\r$/im);
    assert.is((await ask('GET /a', upgrade)).status, 200);
    assert.not.match(seen.at(-1) ?? '', /upgrade|websocket|origin/i);
    assert.is((await ask('GET /ws')).status, 200);
    assert.not.match(seen.at(-1) ?? '', /^(?:connection|upgrade)/im);
  }),
);

test.run();
