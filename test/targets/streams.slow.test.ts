import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import type { Scope } from '../../src/verify/scope.ts';
import { engineSuite } from '../engines/suite.ts';
import { PRIVATE, proxyAndSite } from '../support/proxyAndSite.ts';
import { scoped } from '../support/scoped.ts';

const ENGINES = ['nginx', 'nginx-newest', 'caddy'] as const;
const { test, engines } = await engineSuite('what streams through proxies and sites', ENGINES);

const start = (engine: (typeof ENGINES)[number], scope: Scope, serve: (socket: Socket) => void) =>
  proxyAndSite({ engine, program: engines[engine].path, serve }, scope);

const SILENCE = 10_000;

/** A connection and all that has come on it. */
function client(port: number, scope: Scope) {
  const socket = connect(port, '127.0.0.1');
  scope.defer(async () => void socket.destroy());
  let got = '';
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    got += bytes.toString('latin1');
  });
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  /** Waits for a text. The end of the connection is the end of the wait, and so is a silence that no stream has. */
  const until = async (text: string): Promise<string> => {
    let open = true;
    const end = () => {
      open = false;
    };
    const ended = Promise.race([closed, new Promise((resolve) => setTimeout(resolve, SILENCE).unref())]).then(end);
    while (open && !got.includes(text)) await Promise.race([once(socket, 'data'), ended]);
    return got;
  };
  return { socket, until, closed, text: () => got };
}

const HEADS = {
  'of unknown length': 'Transfer-Encoding: chunked',
  'that ends with the connection': 'Connection: close',
};

for (const engine of ENGINES)
  for (const [kind, framing] of Object.entries(HEADS))
    test(
      `${engine}: each event of a stream ${kind} arrives before the next is sent`,
      scoped(async (scope) => {
        let upstream: Socket | undefined;
        const ports = await start(engine, scope, (socket) => {
          upstream = socket;
          socket.once('data', () =>
            socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n${framing}\r\n\r\n`),
          );
        });
        for (const [name, port] of Object.entries(ports)) {
          const { socket, until } = client(port, scope);
          socket.write(`GET /events HTTP/1.1\r\nHost: ${PRIVATE}\r\nAccept: text/event-stream\r\n\r\n`);
          assert.match(await until('\r\n\r\n'), /200 OK/, `${name} waits for the first event with the head`);
          for (const number of [1, 2, 3]) {
            const event = `data: ${number}\n\n`;
            const chunk = `${event.length.toString(16)}\r\n${event}\r\n`;
            upstream?.write(framing.startsWith('Transfer') ? chunk : event);
            assert.ok((await until(event)).includes(event), `${name}: event ${number}`);
          }
          socket.destroy();
        }
      }),
    );

/** Bodies that are no bodies, after a first part that is one. */
const BROKEN = {
  'a chunk without a size': 'ZZ\r\nhello\r\n0\r\n\r\n',
  'a chunk that is longer than its size': '2\r\nhello\r\n0\r\n\r\n',
  'a chunk of negative size': '-1\r\nhello\r\n0\r\n\r\n',
  'a size that overflows': `${'f'.repeat(17)}\r\nhello\r\n0\r\n\r\n`,
};

for (const engine of ENGINES)
  for (const [what, rest] of Object.entries(BROKEN))
    test(
      `${engine}: a body with ${what} ends the request, and nothing after it is one`,
      scoped(async (scope) => {
        const requests: string[] = [];
        const ports = await start(engine, scope, (socket) => {
          const at = requests.push('') - 1;
          socket.on('data', (bytes) => {
            requests[at] += bytes.toString('latin1');
            // As servers do, it answers when the body is whole.
            if (/\r\n0\r\n\r\n$|^GET [\s\S]*\r\n\r\n$/.test(requests[at] ?? ''))
              socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
          });
        });
        for (const [name, port] of Object.entries(ports)) {
          requests.length = 0;
          const { socket, closed, text } = client(port, scope);
          const head = `POST /x HTTP/1.1\r\nHost: ${PRIVATE}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked`;
          socket.write(`${head}\r\n\r\n3\r\n{"a\r\n${rest}GET /smuggled HTTP/1.1\r\nHost: ${PRIVATE}\r\n\r\n`);
          await closed;
          assert.not.match(requests.join('\n'), /smuggled|\r\n0\r\n\r\n/, `${name}: the upstream took it for whole`);
          assert.not.match(text(), /^HTTP\/1\.1 2/m, `${name}: ${text()}`);
          // Another caller is served as if nothing had been.
          const other = client(port, scope);
          other.socket.write(`GET /y HTTP/1.1\r\nHost: ${PRIVATE}\r\nConnection: close\r\n\r\n`);
          assert.match(await other.until('ok'), /200 OK/, name);
        }
      }),
    );

test.run();
