import { once } from 'node:events';
import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import { freePorts } from '../../../src/verify/ports.ts';
import { sendRaw } from '../../../src/verify/raw.ts';
import { startRecorder } from '../../../src/verify/recorder.ts';
import type { Scope } from '../../../src/verify/scope.ts';
import { engineSuite } from '../../engines/suite.ts';
import { endOf, HALF_BODIES } from '../../support/patience.ts';
import { policyOf } from '../../support/policy.ts';
import { scoped } from '../../support/scoped.ts';
import { runNginx } from './engine.ts';

const { test, engines } = await engineSuite('nginx: patience', ['nginx', 'nginx-newest']);

async function startAll(program: string, scope: Scope, options: object = {}) {
  const upstream = await startRecorder();
  scope.defer(() => upstream.close());
  const [api = 0, closed = 0, site = 0, behind = 0] = await freePorts(4);
  const policy = policyOf({
    upstreams: {
      up: { url: 'http://up.example.com', servers: [`127.0.0.1:${upstream.port}`], timeouts: { send: '12s' } },
    },
    routes: { all: { upstream: 'up', auth: 'passthrough', maxBody: '64kB', allow: ['POST /in', 'GET /in'] } },
    proxies: {
      api: { listen: `127.0.0.1:${api}`, ipRanges: 'any', answer: [{ request: 'POST /own', status: 200 }] },
      closed: { listen: `127.0.0.1:${closed}`, ipRanges: ['10.0.0.0/8'] },
      behind: {
        listen: `127.0.0.1:${behind}`,
        ipRanges: 'any',
        clientIp: { trustedProxies: ['127.0.0.0/8'], proxyProtocol: true },
      },
    },
    domainRewrites: [{ from: 'up.example.com', to: 'up.internal', upstream: 'up' }],
  });
  const sites = { listen: site, tls: 'off' };
  await runNginx(
    { policy, program, options: { workerProcesses: 1, sites, ...options }, ports: [api, closed, site] },
    scope,
  );
  return { api, closed, site, behind };
}

test(
  'half a head and half a body end, of whoever sends them',
  scoped(async (scope) => {
    await Promise.all(
      Object.values(engines).map(async ({ path }) => {
        const { api, closed, site, behind } = await startAll(path, scope);
        const post = (path: string, host: string, body: string) => `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${body}`;
        const bodies = HALF_BODIES.flatMap(
          (body) =>
            [
              ['of a refused address', closed, post('/in', 'x', body), 4],
              ['of an unknown path', api, post('/none', 'x', body), 4],
              ['of what is answered here', api, post('/own', 'x', body), 4],
              ['of what is forwarded', api, post('/in', 'x', body), 16],
              ['for no site', site, post('/in', 'x', body), 4],
              ['for a site', site, post('/in', 'up.internal', body), 16],
            ] as const,
        );
        const heads = [api, closed, site].map(
          (port) => ['half a head', port, 'GET / HTTP/1.1\r\nHost: x', 12] as const,
        );
        const line = ['half a line of the PROXY protocol', behind, 'PROXY TCP4 127.0', 12] as const;
        await Promise.all(
          [...bodies, ...heads, line, ['nothing', api, '', 12] as const].map(async ([name, port, text, most]) => {
            const { seconds } = await endOf(port, text);
            assert.ok(seconds < most, `${name} ${text}: ${seconds} s`);
          }),
        );
      }),
    );
  }),
);

test(
  'an address without a key gets a share of the connections, and no more',
  scoped(async (scope) => {
    const { api, site } = await startAll(engines.nginx.path, scope, { workerConnections: 200 });
    for (const [port, host] of [
      [api, 'x'],
      [site, 'up.internal'],
    ] as const) {
      const ask = (from: string) =>
        sendRaw({ port, from }, `GET /in HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      for (let number = 0; number < 25; number++) {
        const socket = connect(port, '127.0.0.1').on('error', () => undefined);
        scope.defer(() => Promise.resolve(void socket.destroy()));
        socket.write(`POST /in HTTP/1.1\r\nHost: ${host}\r\n${HALF_BODIES[0]}`);
      }
      for (let status = 0; status !== 429; ) ({ status } = await ask('127.0.0.1'));
      assert.is((await ask('127.0.0.2')).status, 200);
    }
  }),
);

test(
  'thousands of half heads from outside leave room for others',
  scoped(async (scope) => {
    const { closed, api, site } = await startAll(engines.nginx.path, scope);
    // Few at a time: nginx itself closes connections on which nothing has come yet, but not these.
    const open = async (port: number) => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      scope.defer(() => Promise.resolve(void socket.destroy()));
      await once(socket, 'connect');
      socket.write('GET / HTTP/1.1\r\nHost: x');
    };
    for (let number = 0; number < 250; number++)
      await Promise.all(Array.from({ length: 10 }, (_, index) => open(index % 2 === 0 ? closed : site)));
    const started = performance.now();
    for (let number = 0; number < 20; number++) {
      const { status } = await sendRaw({ port: api }, 'GET /in HTTP/1.1\r\nHost: x\r\n\r\n');
      assert.is(status, 200);
    }
    assert.ok(performance.now() - started < 5_000);
  }),
);

test.run();
