import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { freePorts } from '../../src/verify/ports.ts';
import { engineSuite } from '../engines/suite.ts';
import { policyOf } from '../support/policy.ts';
import { scoped } from '../support/scoped.ts';
import { runCaddy } from './caddy/engine.ts';
import { runNginx } from './nginx/engine.ts';

const { test, engines } = await engineSuite('connections of refused callers and of networks', [
  'nginx',
  'nginx-newest',
  'caddy',
]);

const ROUTES = { open: { upstream: 'up', auth: 'passthrough', allow: ['GET /a'] } };

for (const engine of ['nginx', 'nginx-newest', 'caddy'] as const)
  test(
    `${engine}: a refused address keeps no connection, unless it is a load balancer's`,
    scoped(async (scope) => {
      const [direct = 0, behind = 0, health = 0] = await freePorts(3);
      const proxy = (port: number, more: object = {}) => ({
        listen: `127.0.0.1:${port}`,
        ipRanges: ['10.0.0.0/8'],
        ...more,
      });
      const policy = policyOf({
        upstreams: { up: { url: 'http://up.example', servers: ['127.0.0.1:1'] } },
        routes: ROUTES,
        proxies: {
          direct: proxy(direct),
          behind: proxy(behind, { clientIp: { trustedProxies: ['127.0.0.0/8'] } }),
          health: proxy(health, { health: { path: '/alive', from: ['10.0.0.0/8'] } }),
        },
      });
      const running = { policy, program: engines[engine].path, ports: [direct, behind, health] };
      await (engine === 'caddy' ? runCaddy : runNginx)(running, scope);
      const head = async (port: number, path: string, ends: boolean) => {
        const socket = connect(port, '127.0.0.1');
        let answer = '';
        socket.on('data', (bytes) => {
          answer += bytes.toString('latin1');
        });
        socket.write(`GET ${path} HTTP/1.1\r\nHost: api.example\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n`);
        await once(socket, ends ? 'close' : 'data');
        socket.destroy();
        return answer;
      };
      assert.match(await head(direct, '/a', true), /^HTTP\/1\.1 403 [\s\S]*Connection: close/i);
      assert.match(await head(health, '/alive', true), /^HTTP\/1\.1 403 [\s\S]*Connection: close/i);
      const kept = await head(behind, '/a', false);
      assert.match(kept, /^HTTP\/1\.1 403 /);
      assert.not.match(kept, /connection: close/i);
    }),
  );

/** Addresses of the PROXY protocol, each with whether it is of the network that has its share under way already. */
const ADDRESSES: readonly (readonly [address: string, shares: boolean])[] = [
  ['2001:db8::9', true],
  ['2001:db8:0:0:1:2:3:4', true],
  ['2001:db8:0:1::1', false],
  ['2001:db8:1::1', false],
  ['2001:db9::1', false],
  ['::1', false],
  ['10.0.0.1', false],
];

for (const engine of ['nginx', 'nginx-newest'] as const)
  test(
    `${engine}: the addresses of one IPv6 network share what one address may have under way`,
    scoped(async (scope) => {
      const waiting: Socket[] = [];
      const silent = createServer((socket) => waiting.push(socket)).listen(0, '127.0.0.1');
      await once(silent, 'listening');
      scope.defer(async () => {
        for (const socket of waiting) socket.destroy();
        await new Promise((resolve) => silent.close(resolve));
      });
      const address = silent.address();
      const behind = typeof address === 'object' && address ? address.port : 0;
      const [port = 0] = await freePorts(1);
      const policy = policyOf({
        upstreams: { up: { url: `http://127.0.0.1:${behind}` } },
        routes: ROUTES,
        proxies: {
          api: {
            listen: `127.0.0.1:${port}`,
            ipRanges: 'any',
            clientIp: { proxyProtocol: true, trustedProxies: ['127.0.0.0/8'] },
          },
        },
      });
      const options = { workerProcesses: 1, workerConnections: 64 };
      await runNginx({ policy, program: engines[engine].path, options, ports: [port] }, scope);
      const ask = (address: string) => {
        const family = address.includes(':') ? `TCP6 ${address} ::1` : `TCP4 ${address} 127.0.0.1`;
        const socket = connect(port, '127.0.0.1');
        scope.defer(async () => void socket.destroy());
        socket.write(`PROXY ${family} 1 2\r\nGET /a HTTP/1.1\r\nHost: api.example\r\n\r\n`);
        return socket;
      };
      for (let number = 1; number <= 8; number += 1) ask(`2001:db8::${number}`);
      await reached(() => waiting.length === 8);
      for (const [address, shares] of ADDRESSES) {
        const before = waiting.length;
        const socket = ask(address);
        if (shares) {
          const [bytes] = await once(socket, 'data');
          assert.match(String(bytes), /^HTTP\/1\.1 429 /, address);
        } else await reached(() => waiting.length === before + 1);
      }
    }),
  );

/** Ends with the test runner's patience where it never holds. */
async function reached(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

test.run();
