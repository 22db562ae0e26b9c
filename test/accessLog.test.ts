import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { CUT_OFF, FAILURES, LOG_FIELDS, REFUSALS, SHADOW_FIELDS } from '../src/plan/log.ts';
import { freePorts } from '../src/verify/ports.ts';
import { openConnection, type RawResponse } from '../src/verify/raw.ts';
import { startRecorder } from '../src/verify/recorder.ts';
import type { Scope } from '../src/verify/scope.ts';
import { engineSuite } from './engines/suite.ts';
import { policyOf } from './support/policy.ts';
import { scoped } from './support/scoped.ts';
import { runCaddy } from './targets/caddy/engine.ts';
import { runNginx } from './targets/nginx/engine.ts';

const { test, engines } = await engineSuite('access log', ['nginx', 'caddy']);

type Line = Readonly<Record<string, unknown>>;

const KEY = 'key-of-echoes-0123456789-AbCd';
const SECOND = 'key-of-echoes-9876543210-DcBa';
const values = new Map([
  ['env:K', KEY],
  ['env:K2', SECOND],
  ['env:T', 'the-token-of-echoes'],
  ['env:OLD', 'key-of-somebody-who-left-1234'],
  ['env:AWAY', 'key-of-somebody-elsewhere-123'],
  ['env:NARROW', 'key-of-somebody-narrow-123456'],
  ['env:BARE', 'key-of-somebody-without-token'],
  ['env:NONE', ''],
]);
const keyOf = (reference: string) => `PRIVATE-TOKEN: ${values.get(reference)}`;

/** A server that does this with each connection. */
async function rawServer(scope: Scope, work: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    work(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const FAILING = [
  ...['dead', 'closes', 'nonsense', 'half', 'silent', 'plain', 'mute'],
  ...['endless', 'miscounts', 'twoLengths'],
] as const;

async function specFor(scope: Scope, port: number): Promise<object> {
  const recorder = await startRecorder({
    answer: ({ target }) => ({
      status: target.startsWith('/missing') ? 404 : target.startsWith('/down') ? 502 : 200,
      body: 'hello',
    }),
  });
  scope.defer(() => recorder.close());
  const [dead = 0] = await freePorts(1);
  const closes = await rawServer(scope, (socket) => socket.once('data', () => socket.destroy()));
  const saying = (text: string) => rawServer(scope, (socket) => socket.once('data', () => socket.end(text)));
  const talksNonsense = await saying('HTTP/1.1 200 OK\r\nX\0: y\r\n\r\n');
  const plain = await saying('HTTP/1.1 400 Bad Request\r\n\r\n');
  const silent = await rawServer(scope, () => {});
  const breaksOff = await saying('HTTP/1.1 200 OK\r\nX: ');
  const miscounts = await saying('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx');
  const twoLengths = await saying('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx');
  const endless = await rawServer(scope, (socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx')),
  );
  const upstream = (at: number, more: object = {}) => ({ url: `http://127.0.0.1:${at}`, ...more });
  return {
    upstreams: {
      up: upstream(recorder.port),
      dead: upstream(dead),
      closes: upstream(closes),
      nonsense: upstream(talksNonsense),
      half: upstream(breaksOff),
      endless: upstream(endless),
      miscounts: upstream(miscounts),
      twoLengths: upstream(twoLengths),
      silent: upstream(silent, { timeouts: { read: '1s' } }),
      plain: { url: 'https://up.example.com', servers: [`127.0.0.1:${plain}`] },
      mute: { url: 'https://up.example.com', servers: [`127.0.0.1:${silent}`], timeouts: { connect: '1s' } },
    },
    routes: {
      read: {
        upstream: 'up',
        allow: [
          'GET /a',
          'GET /g/{group:encodedPath}',
          'POST /a',
          'GET /missing',
          'GET /down',
          { request: 'PUT /a', maxBody: '1kB' },
        ],
      },
      own: { upstream: 'up', auth: 'passthrough', allow: ['GET /own'] },
      ...Object.fromEntries(FAILING.map((upstream) => [upstream, { upstream, allow: [`GET /${upstream}`] }])),
    },
    apiKeys: {
      echoes: { key: ['env:K', 'env:K2'], token: 'env:T' },
      old: { key: 'env:OLD', token: 'env:T', expires: '2020-01-01' },
      away: { key: 'env:AWAY', token: 'env:T', ipRanges: ['10.0.0.0/8'] },
      narrow: { key: 'env:NARROW', token: 'env:T', routes: ['dead'] },
      bare: { key: 'env:BARE', token: 'env:NONE' },
    },
    proxies: {
      api: {
        listen: `127.0.0.1:${port}`,
        ipRanges: ['127.0.0.1'],
        answer: [{ request: 'GET /health', status: 200 }],
      },
    },
  };
}

interface Sent {
  readonly line: string;
  readonly fields?: readonly string[];
  readonly body?: string;
  readonly from?: string;
  /** The client leaves once it has received this. */
  readonly leavesAt?: string;
}

/** Sends each on a connection of its own, and returns the lines that are logged. */
const ENGINES = {
  nginx: async (sent: readonly Sent[], scope: Scope): Promise<Line[]> => {
    const [port = 0] = await freePorts(1);
    const policy = policyOf(await specFor(scope, port));
    const program = engines.nginx.path;
    const running = await runNginx({ policy, program, options: { workerProcesses: 1 }, values, ports: [port] }, scope);
    const responses = await sendAll(sent, port);
    await written(join(running.folder, 'nginx/access.log'), sent.length);
    return withIds(responses, await running.log());
  },
  caddy: async (sent: readonly Sent[], scope: Scope): Promise<Line[]> => {
    const [port = 0] = await freePorts(1);
    const policy = policyOf(await specFor(scope, port));
    const { folder, server } = await runCaddy({ policy, program: engines.caddy.path, values, ports: [port] }, scope);
    const responses = await sendAll(sent, port);
    const log = join(folder, 'caddy/access.log');
    await written(log, sent.length);
    await server.stop();
    const text = await readFile(log, 'utf8');
    const lines = text.trimEnd().split('\n');
    return withIds(
      responses,
      lines.map((line): Line => JSON.parse(line)),
    );
  },
};

/** Waits for so many lines: an engine has one when it notices that a client is gone, and none of a request that it is stopped in. */
async function written(log: string, count: number): Promise<void> {
  const isWritten = () => existsSync(log) && readFileSync(log, 'utf8').split('\n').length > count;
  for (let tries = 0; tries < 1_000 && !isWritten(); tries++) await pause(10);
}

async function sendAll(sent: readonly Sent[], port: number): Promise<RawResponse[]> {
  const responses: RawResponse[] = [];
  for (const { line, fields = [`PRIVATE-TOKEN: ${KEY}`], body = '', from, leavesAt } of sent) {
    const connection = await openConnection({ port, ...(from === undefined ? {} : { from }) });
    const request = `${[`${line} HTTP/1.1`, 'Host: api.example', ...fields].join('\r\n')}\r\n\r\n${body}`;
    if (leavesAt === undefined) responses.push(await connection.send(request));
    else {
      connection.write(request);
      await connection.until(leavesAt, 5_000);
    }
    connection.close();
  }
  return responses;
}

/** Whoever reports an error can name its line. */
function withIds(responses: readonly RawResponse[], lines: readonly Line[]): Line[] {
  for (const [index, response] of responses.entries()) {
    const line = lines[index];
    if (line?.['reason'] !== '' && response.body.length > 0)
      assert.is(JSON.parse(response.text()).id, line?.['id'], response.text());
  }
  return [...lines];
}

/** Of both engines, without what no two runs have in common. */
async function logged(sent: readonly Sent[], scope: Scope): Promise<Record<keyof typeof ENGINES, Line[]>> {
  const [nginx, caddy] = [await ENGINES.nginx(sent, scope), await ENGINES.caddy(sent, scope)];
  for (const line of [...nginx, ...caddy]) assertTyped(line);
  return { nginx, caddy };
}

function assertTyped(line: Line): void {
  assert.equal(Object.keys(line).sort(), Object.keys(LOG_FIELDS).sort());
  for (const [name, type] of Object.entries(LOG_FIELDS)) {
    const value = line[name];
    const found = value === null ? 'null' : typeof value === 'string' ? 'text' : typeof value;
    assert.ok(type.split(' or ').includes(found), `${name} is ${found}: ${JSON.stringify(line)}`);
  }
  assert.not.ok(Number.isNaN(Date.parse(String(line['time']))), String(line['time']));
  assert.match(String(line['id']), /^[0-9a-f-]{5,36}$/);
}

const alike = ({ time: _t, id: _i, duration: _d, upstreamTime, upstream, ...line }: Line) => ({
  ...line,
  // The request id is in the body of an error, and as long as the engine makes it.
  size: line['reason'] === '' ? line['size'] : null,
  upstream: String(upstream).replace(/:\d+$/, ''),
  upstreamTime: upstreamTime === null ? null : 'some',
});

const JSON_BODY = ['Content-Type: application/json'];

const REFUSED: readonly (readonly [reason: string, status: number, sent: Sent])[] = [
  ['address', 403, { line: 'GET /a', from: '127.0.0.2' }],
  ['key-missing', 401, { line: 'GET /a', fields: [] }],
  ['key-missing', 401, { line: 'GET /a', fields: ['PRIVATE-TOKEN: '] }],
  ['key-malformed', 401, { line: 'GET /a', fields: ['PRIVATE-TOKEN: short'] }],
  ['key-unknown', 403, { line: 'GET /a', fields: ['PRIVATE-TOKEN: nobody-has-this-key-0123456789'] }],
  ['key-expired', 403, { line: 'GET /a', fields: [keyOf('env:OLD')] }],
  ['key-address', 403, { line: 'GET /a', fields: [keyOf('env:AWAY')] }],
  ['key-routes', 403, { line: 'GET /a', fields: [keyOf('env:NARROW')] }],
  ['token-missing', 403, { line: 'GET /a', fields: [keyOf('env:BARE')] }],
  ['token-missing', 403, { line: 'GET /nowhere', fields: [keyOf('env:BARE')] }],
  ['token-missing', 403, { line: 'DELETE /a?sudo=1', fields: [keyOf('env:BARE')] }],
  ['token-missing', 403, { line: 'GET /health', fields: [keyOf('env:BARE')] }],
  ['path', 404, { line: 'GET /nowhere?x=1' }],
  ['method', 405, { line: 'DELETE /a' }],
  ['query', 400, { line: 'GET /a?private_token=hidden' }],
  [
    'content-type',
    415,
    { line: 'POST /a', fields: [keyOf('env:K'), 'Content-Type: text/plain', 'Content-Length: 1'], body: 'x' },
  ],
  [
    'body-size',
    413,
    { line: 'PUT /a', fields: [keyOf('env:K'), ...JSON_BODY, 'Content-Length: 2000'], body: 'x'.repeat(2000) },
  ],
];

test(
  'every refusal says why, in the same words on both engines',
  scoped(async (scope) => {
    const { nginx, caddy } = await logged(
      REFUSED.map(([, , sent]) => sent),
      scope,
    );
    assert.equal(
      nginx.map(({ reason, status }) => `${status} ${reason}`),
      REFUSED.map(([reason, status]) => `${status} ${reason}`),
    );
    assert.equal(caddy.map(alike), nginx.map(alike));
    assert.not.match(JSON.stringify([nginx, caddy]), /hidden|0123456789|the-token/);
  }),
);

test(
  'what passed says where it went, and a rotation can be followed',
  scoped(async (scope) => {
    const sent: Sent[] = [
      { line: 'GET /a?page=2' },
      { line: 'GET /g/group%2Fproject', fields: [`PRIVATE-TOKEN: ${SECOND}`] },
      { line: 'GET /missing' },
      { line: 'GET /down' },
      { line: 'GET /own', fields: [] },
      { line: 'GET /health' },
    ];
    const { nginx, caddy } = await logged(sent, scope);
    assert.equal(caddy.map(alike), nginx.map(alike));
    const told = nginx.map((line) =>
      ['path', 'status', 'reason', 'route', 'key', 'keyPosition', 'upstreamStatus', 'size']
        .map((name) => line[name])
        .join(' '),
    );
    assert.equal(told, [
      '/a 200  read echoes first 200 5',
      '/g/group%2Fproject 200  read echoes second 200 5',
      '/missing 404  read echoes first 404 5',
      '/down 502  read echoes first 502 5',
      '/own 200  own   200 5',
      '/health 200  answer:get:/health echoes first  14',
    ]);
  }),
);

test(
  'what failed on the way to the upstream says how',
  scoped(async (scope) => {
    const paths = ['dead', 'closes', 'nonsense', 'half', 'silent', 'plain', 'mute'];
    const sent = paths.map((path) => ({ line: `GET /${path}` }));
    const { nginx, caddy } = await logged(sent, scope);
    const told = (lines: readonly Line[]) =>
      lines.map(({ status, reason, upstreamStatus }) => `${status} ${reason} ${upstreamStatus}`);
    const [refused, closed, nonsense, timeout] = [
      '502 upstream-refused null',
      '502 upstream-closed null',
      '502 upstream-bad-answer null',
      '504 upstream-timeout null',
    ];
    assert.equal(told(caddy), [refused, closed, nonsense, nonsense, timeout, '502 upstream-tls null', timeout]);
    // nginx tells failed TLS from a refused connection nowhere.
    assert.equal(told(nginx), [refused, closed, nonsense, nonsense, timeout, '502 upstream-unreachable null', timeout]);
  }),
);

test(
  'an answer that breaks off says so, beside what is known of its request',
  scoped(async (scope) => {
    const sent = ['/endless', '/miscounts'].map((path): Sent => ({ line: `GET ${path}`, leavesAt: 'x' }));
    const [nginx, caddy] = [await ENGINES.nginx(sent, scope), await ENGINES.caddy(sent, scope)];
    const told = (lines: readonly Line[]) =>
      lines.map(({ proxy, client, method, path, status, reason, route, key, keyPosition }) =>
        [proxy, client, method, path, status, reason, route, key, keyPosition].join(' '),
      );
    assert.equal(told(nginx), [
      'api 127.0.0.1 GET /endless 200 cut-off endless echoes first',
      'api 127.0.0.1 GET /miscounts 200 cut-off miscounts echoes first',
    ]);
    assert.equal(told(caddy), told(nginx));
  }),
);

test(
  'a client that leaves before it is answered, and two lengths of an answer, are told by Caddy',
  scoped(async (scope) => {
    const told = async (sent: Sent) =>
      (await ENGINES.caddy([sent], scope)).map(({ status, reason }) => `${status} ${reason}`);
    assert.equal(await told({ line: 'GET /silent', leavesAt: '' }), ['0 client-gone']);
    assert.equal(await told({ line: 'GET /twoLengths' }), ['502 upstream-bad-answer']);
  }),
);

test(
  'what a client does wrong with its body is not said of the upstream',
  scoped(async (scope) => {
    const bodies = [
      'zz\r\n{}\r\n0\r\n\r\n',
      '0x2\r\n{}\r\n0\r\n\r\n',
      'ffffffffffffffff2\r\n{}',
      '2\r\n{}xx\r\n0\r\n\r\n',
      '\r\n{}\r\n',
      `2;${'x'.repeat(5_000)}\r\n{}\r\n0\r\n\r\n`,
      '2\r\n{}\r\n0\r\nfoo\r\n\r\n',
    ];
    const fields = [keyOf('env:K'), ...JSON_BODY, 'Transfer-Encoding: chunked'];
    const lines = await ENGINES.caddy(
      [...bodies.map((body) => ({ line: 'POST /a', fields, body })), { line: 'GET /half' }],
      scope,
    );
    assert.equal(
      lines.map(({ reason }) => reason),
      [...bodies.map(() => 'malformed'), 'upstream-bad-answer'],
    );
  }),
);

test(
  'a key pasted into a path that nothing allows is not in the log',
  scoped(async (scope) => {
    const paths = [
      `/${KEY}`,
      `/api/${KEY}/x`,
      `/api/x?key=${KEY}`,
      `/api/a,b/${SECOND}`,
      '/api/v4/plain/path',
      '/short',
    ];
    const { nginx, caddy } = await logged(
      paths.map((path) => ({ line: `GET ${path}` })),
      scope,
    );
    for (const lines of [nginx, caddy]) {
      assert.equal(
        lines.map(({ path }) => path),
        ['/*', '/api/*', '/api/x', '/api/*', '/api/v4/plain/path', '/short'],
      );
      assert.not.match(JSON.stringify(lines), /0123456789|9876543210/);
    }
  }),
);

test('the page about the log names every field with its type, and every reason with its status', async () => {
  const page = await readFile(new URL('../examples/gitlab-proxy/README.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `([^`]+)` \| ([^|]+?) \|/gm)].map(([, name = '', said = '']) => [name, said]);
  const fields = Object.entries({ ...LOG_FIELDS, ...SHADOW_FIELDS });
  assert.equal(Object.fromEntries(rows.slice(0, fields.length)), Object.fromEntries(fields));
  const reasons = Object.fromEntries(rows.slice(fields.length));
  const failures = Object.values(FAILURES).map((word) => [word, word.endsWith('timeout') ? '504' : '502']);
  const refusals = Object.entries(REFUSALS).map(([word, status]) => [word, String(status)]);
  assert.equal(reasons, Object.fromEntries([...refusals, ...failures, [CUT_OFF, 'any'], ['internal', '500']]));
});

test(
  'an answer of nginx without a head is a line of JSON as well',
  scoped(async (scope) => {
    const bare = await rawServer(scope, (socket) => socket.once('data', () => socket.end('hello')));
    const [port = 0] = await freePorts(1);
    const policy = policyOf({
      upstreams: { up: { url: `http://127.0.0.1:${bare}` } },
      routes: { open: { upstream: 'up', auth: 'passthrough', allow: ['GET /a'] } },
      proxies: { api: { listen: `127.0.0.1:${port}`, ipRanges: ['127.0.0.1'] } },
    });
    const running = await runNginx({ policy, program: engines.nginx.path, ports: [port] }, scope);
    const connection = await openConnection({ port });
    connection.write('GET /a HTTP/1.1\r\nHost: api.example\r\n\r\n');
    await connection.until('hello', 2_000);
    connection.close();
    const [line, ...others] = await running.log();
    assert.equal(others, []);
    assertTyped(line ?? {});
  }),
);

test.run();
