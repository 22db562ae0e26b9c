import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import type { Scope } from '../../src/verify/scope.ts';
import { engineSuite } from '../engines/suite.ts';
import { NAME, type Ports, PRIVATE, proxyAndSite } from '../support/proxyAndSite.ts';
import { scoped } from '../support/scoped.ts';

const { test, engines } = await engineSuite('what protects proxies and sites alike', [
  'nginx',
  'nginx-newest',
  'caddy',
]);

interface Listeners {
  /** By what stands in front of the upstream. */
  readonly ports: Ports;
  /** Request lines that the upstream got. */
  readonly got: readonly string[];
}

/** A proxy and a site in front of one upstream, which gives every request the same bytes. */
async function listenersOf(engine: keyof typeof engines, scope: Scope, answer: string): Promise<Listeners> {
  const got: string[] = [];
  const serve = (socket: Socket) =>
    void socket.once('data', (bytes) => {
      got.push(bytes.toString('latin1').split('\r\n')[0] ?? '');
      socket.end(answer);
    });
  const proxy = { responseHeaders: { 'X-Frame-Options': 'DENY' } };
  const ports = await proxyAndSite({ engine, program: engines[engine].path, serve, proxy }, scope);
  return { ports, got };
}

type Listening = (answer: string) => Promise<Listeners>;

/** One protection, on every engine. */
function protects(
  title: string,
  check: (start: Listening) => Promise<void>,
  on: readonly (keyof typeof engines)[] = ['nginx', 'nginx-newest', 'caddy'],
): void {
  for (const engine of on)
    test(
      `${engine}: ${title}`,
      scoped((scope) => check((answer) => listenersOf(engine, scope, answer))),
    );
}

/** All that comes back until the other side ends the connection. */
async function exchange(port: number, text: string, host = '127.0.0.1'): Promise<string> {
  const socket = connect(port, host);
  let answers = '';
  socket.on('data', (bytes) => {
    answers += bytes.toString('latin1');
  });
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return answers;
}

const get = (host: string, path = '/x') => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';
const ORDERS = 'Set-Cookie: early=1\r\nX-Accel-Redirect: /secret\r\nLocation: http://git.example.com/y\r\n';

/** nginx takes a 103 for the final answer before 1.29, and any other interim answer in all versions. */
const INTERIM = [
  ['HTTP/1.1 103 Early Hints', ['nginx-newest', 'caddy']],
  ['HTTP/1.1 102 Processing', ['caddy']],
] as const;

for (const [line, known] of INTERIM)
  protects(
    `nothing of ${line} passes, and the final answer keeps what it has`,
    async (start) => {
      const early = `${line}\r\nLink: </style.css>; rel=preload\r\nX-Internal: 1\r\n${ORDERS}\r\n`;
      const { ports } = await start(`${early}${OK}`);
      for (const [name, port] of Object.entries(ports)) {
        const answer = await exchange(port, get(PRIVATE));
        assert.not.match(answer, /early|secret|Link: <\/|X-Internal|git\.example/, name);
        assert.match(answer, /HTTP\/1\.1 200 OK[\s\S]*\r\n\r\nok$/, name);
      }
      const own = await exchange(ports.proxy, get('x'));
      assert.match(own, /200 OK[\s\S]*X-Frame-Options: DENY/);
      assert.is(own.match(/X-Frame-Options/g)?.length, 1, own);
    },
    known,
  );

protects('trailers that are announced do not pass', async (start) => {
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Set-Cookie, X-Accel-Redirect, Location\r\n';
  const { ports } = await start(`${head}Connection: close\r\n\r\n2\r\nok\r\n0\r\n${ORDERS}\r\n`);
  for (const [name, port] of Object.entries(ports)) {
    const answer = await exchange(port, get(PRIVATE));
    assert.match(answer, /\r\n\r\n2\r\nok\r\n0\r\n\r\n$/, name);
    assert.not.match(answer, /Trailer|early|secret/, name);
  }
});

protects('orders to a proxy in front, and servers that would answer in its place, do not pass', async (start) => {
  const orders = 'X-Accel-Redirect: /secret\r\nx-accel-limit-rate: 1\r\nalt-svc: h2="else.example:443"\r\n';
  const { ports } = await start(OK.replace('Connection', `${orders}Connection`));
  for (const [name, port] of Object.entries(ports))
    assert.not.match(await exchange(port, get(PRIVATE)), /accel|alt-svc/i, name);
});

const ADDRESSES = ['Location', 'Content-Location', 'Operation-Location', 'Azure-AsyncOperation'].map(
  (name) => [name, `http://${NAME}:80/y`, '/y'] as const,
);

protects(
  'an address of the upstream becomes that of the proxy or site in every header that clients follow',
  async (start) => {
    const realm = ['WWW-Authenticate', `Bearer realm="http://${NAME}/y",service="x"`, '/y",service="x"'] as const;
    const link = ['Link', `<http://${NAME}/y>; rel="status"`, '/y>; rel="status"'] as const;
    const all = [...ADDRESSES, realm, link];
    const head = [...all.map(([name, value]) => `${name}: ${value}`), 'Proxy-Authenticate: Basic realm="x"'].join(
      '\r\n',
    );
    const { ports } = await start(OK.replace('Connection', `${head}\r\nConnection`));
    for (const [kind, port] of Object.entries(ports)) {
      const answer = await exchange(port, get(`${PRIVATE}:${port}`));
      for (const [name, , end] of all) {
        const line = answer.split('\r\n').find((each) => each.toLowerCase().startsWith(`${name.toLowerCase()}:`)) ?? '';
        assert.ok(line.endsWith(`http://${PRIVATE}:${port}${end}`), `${kind} ${name}: ${answer}`);
      }
      assert.not.match(answer, /proxy-authenticate/i, kind);
    }
  },
);

protects('a site takes nothing that follows a body without one length for a request', async (start) => {
  const { ports, got } = await start(OK);
  const body = `0\r\n\r\n${get(PRIVATE, '/smuggled')}`;
  const chunked = `Host: ${PRIVATE}\r\nTransfer-Encoding: chunked`;
  for (const head of [
    `POST /x HTTP/1.1\r\n${chunked}\r\nContent-Length: ${body.length}`,
    `POST /x HTTP/1.0\r\n${chunked}\r\nConnection: keep-alive`,
    `POST /x HTTP/1.1\r\n${chunked.replace(PRIVATE, 'other.example')}\r\nContent-Length: ${body.length}`,
  ]) {
    const answers = await exchange(ports.site, `${head}\r\n\r\n${body}`);
    assert.is(answers.match(/^HTTP/gm)?.length, 1, answers);
  }
  assert.not.match(got.join('\n'), /smuggled/);
});

protects('no tunnel and no echo through a site', async (start) => {
  const { ports, got } = await start(OK);
  const rest = `HTTP/1.1\r\nHost: ${PRIVATE}\r\nConnection: close\r\n\r\n`;
  for (const line of [`TRACE /x`, `CONNECT ${PRIVATE}`, `CONNECT /x`, `trace /x`])
    assert.match(await exchange(ports.site, `${line} ${rest}`), /^HTTP\/1\.1 4\d\d /, line);
  assert.equal(got, []);
});

protects('an upstream is known in every spelling of its origin', async (start) => {
  const spellings = [`//${NAME}`, `http://${NAME}.`, `https://${NAME}.:443`, `//${NAME}.:80`, `HTTP://Git.Example.Com`];
  for (const origin of spellings) {
    const fields = `Location: ${origin}/y?z\r\nLink: <${origin}/y>; rel="next", <//git.example.com.evil/>; rel="other"\r\n`;
    const { ports } = await start(OK.replace('Connection', `${fields}Connection`));
    const outside = { proxy: 'gate.example:1', site: `${PRIVATE}:${ports.site}` };
    for (const [name, port] of Object.entries(ports)) {
      const own = name === 'proxy' ? outside.proxy : outside.site;
      const answer = await exchange(port, get(own));
      assert.match(answer, `\r\nLocation: http://${own}/y?z\r\n`, `${name} ${origin}`);
      assert.match(answer, `<http://${own}/y>; rel="next", <//git.example.com.evil/>`, `${name} ${origin}`);
    }
  }
});

protects('a site is known with the dot of the root too', async (start) => {
  const { ports, got } = await start(OK);
  for (const host of [`${PRIVATE}.`, `${NAME}.`, `${NAME.toUpperCase()}.:${ports.site}`])
    assert.match(await exchange(ports.site, get(host)), /^HTTP\/1\.1 200 /, host);
  assert.is(got.length, 3);
  assert.match(await exchange(ports.site, get(`x${NAME}.`)), /^HTTP\/1\.1 421 /);
});

protects('a Host that is no name or address goes nowhere', async (start) => {
  const { ports, got } = await start(OK);
  for (const host of ['a$b', "a'b", 'a,b', 'a;b=c', '[::1', 'a:b', '(a)'])
    assert.match(await exchange(ports.proxy, get(host)), /^HTTP\/1\.1 400 /, host);
  assert.equal(got, []);
  for (const host of ['a_b.example:1', '[::1]:80', '10.0.0.1'])
    assert.match(await exchange(ports.proxy, get(host)), /^HTTP\/1\.1 200 /, host);
});

protects('both families of addresses are listened on', async (start) => {
  const { ports } = await start(OK);
  assert.match(await exchange(ports.site, get(PRIVATE), '::1'), /^HTTP\/1\.1 200 /);
});

test.run();
