import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { setTimeout as after } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { freePort } from '../../src/verify/ports.ts';
import { openConnection, sendRaw } from '../../src/verify/raw.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { engineSuite } from '../engines/suite.ts';
import { policyOf } from '../support/policy.ts';
import { scoped } from '../support/scoped.ts';
import { runCaddy } from './caddy/engine.ts';
import { runNginx } from './nginx/engine.ts';

const { test, engines } = await engineSuite('an upstream that takes its time', ['nginx', 'caddy']);

/** A proxy whose upstream may be silent for two seconds; what the upstream got, with the milliseconds that it thinks. */
async function start(engine: keyof typeof engines, scope: Scope) {
  const got: string[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    got.push(`${request.method} ${request.url}`);
    let size = 0;
    for await (const part of request) size += part.length;
    // Who waits for it is gone by then: it keeps nothing running.
    await after(Number(request.url?.slice(1)), undefined, { ref: false });
    response.end(String(size));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(async () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const behind = typeof address === 'object' && address ? address.port : 0;
  const port = await freePort();
  const policy = policyOf({
    upstreams: { up: { url: `http://127.0.0.1:${behind}`, timeouts: { read: '2s', send: '20s' } } },
    routes: { all: { upstream: 'up', auth: 'passthrough', allow: ['GET,POST /{milliseconds:int}'] } },
    proxies: { api: { listen: `127.0.0.1:${port}`, ipRanges: 'any' } },
  });
  const running = { policy, program: engines[engine].path, ports: [port] };
  await (engine === 'caddy' ? runCaddy : runNginx)(running, scope);
  return { port, got };
}

const get = (milliseconds: number) => `GET /${milliseconds} HTTP/1.1\r\nHost: x\r\n\r\n`;

for (const engine of ['nginx', 'caddy'] as const)
  test(
    `${engine}: its silence counts from the moment that it has the whole request`,
    scoped(async (scope) => {
      const { port, got } = await start(engine, scope);
      const slowBody = async () => {
        const connection = await openConnection({ port });
        connection.write('POST /1000 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n1');
        for (const byte of '2345') {
          await after(1_000);
          connection.write(byte);
        }
        assert.is((await connection.receive('POST'))?.text(), '5');
        connection.close();
      };
      const keptConnection = async () => {
        assert.is((await sendRaw({ port }, get(0))).status, 200);
        await after(1_500);
        // On the connection of the request before, or on another: it is all the same to the client.
        const posted = 'POST /1200 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1';
        assert.is((await sendRaw({ port }, posted)).status, 200);
      };
      const silent = async () => {
        const started = performance.now();
        assert.is((await sendRaw({ port }, get(60_000))).status, 504);
        assert.ok(performance.now() - started < 10_000);
      };
      await keptConnection();
      await Promise.all([slowBody(), silent()]);
      assert.equal(got.toSorted(), ['GET /0', 'GET /60000', 'POST /1000', 'POST /1200']);
    }),
  );

test.run();
