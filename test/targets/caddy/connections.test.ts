import { once } from 'node:events';
import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import { freePorts } from '../../../src/verify/ports.ts';
import { openConnection } from '../../../src/verify/raw.ts';
import { engineSuite } from '../../engines/suite.ts';
import { policyOf } from '../../support/policy.ts';
import { scoped } from '../../support/scoped.ts';
import { runCaddy } from './engine.ts';
import { KEY, worldOf } from './world.ts';

const { test, engines } = await engineSuite('caddy: connections', ['caddy']);

test(
  'what follows a body whose end somebody in front may see elsewhere is no request',
  scoped(async (scope) => {
    const proxy = { clientIp: { trustedProxies: ['127.0.0.0/8'] }, ipRanges: ['10.0.0.0/8'] };
    const world = await worldOf(scope, { program: engines.caddy.path, proxy });
    const fields = (from: string) => `Host: x\r\nPRIVATE-TOKEN: ${KEY}\r\nX-Forwarded-For: ${from}`;
    const inner = `GET /a HTTP/1.1\r\n${fields('10.1.2.3')}\r\nConnection: close\r\n\r\n`;
    const body = `0\r\n\r\n${inner}`;
    const length = `Content-Length: ${body.length}\r\nTransfer-Encoding: chunked`;
    for (const head of [
      `POST /a HTTP/1.1\r\n${fields('8.8.8.8')}\r\n${length}`,
      `POST /a HTTP/1.1\r\n${fields('10.1.2.3')}\r\n${length}`,
      `POST /a HTTP/1.0\r\n${fields('8.8.8.8')}\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked`,
    ]) {
      const socket = connect(world.port, '127.0.0.1');
      socket.write(`${head}\r\n\r\n${body}`);
      let answers = '';
      socket.on('data', (bytes) => {
        answers += bytes.toString('latin1');
      });
      await once(socket, 'close');
      assert.is(answers.match(/^HTTP/gm)?.length, 1, answers);
      assert.equal(world.upstream.take(), []);
    }
  }),
);

test(
  'callers that share a connection, as behind a balancer, have each their own token and their own refusals',
  scoped(async (scope) => {
    const other = 'a-key-of-others-0123456789';
    const world = await worldOf(scope, {
      program: engines.caddy.path,
      spec: {
        routes: { read: { upstream: 'up', allow: ['GET /a'] }, other: { upstream: 'up', allow: ['GET /b'] } },
        apiKeys: {
          echoes: { key: 'env:K', token: 'env:T', routes: ['read'] },
          others: { key: 'env:O', token: 'env:U', routes: ['other'] },
        },
      },
      values: { 'env:K': KEY, 'env:T': 'the-token', 'env:O': other, 'env:U': 'another-token' },
    });
    const connection = await openConnection({ port: world.port });
    scope.defer(async () => connection.close());
    const from = async (path: string, key: string) =>
      (await connection.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n${key && `PRIVATE-TOKEN: ${key}\r\n`}\r\n`)).status;
    for (let count = 0; count < 2; count += 1) {
      assert.equal([await from('/a', KEY), await from('/a', other)], [200, 403]);
      assert.equal([await from('/b', other), await from('/a', '')], [200, 401]);
    }
    assert.equal(
      world.upstream.take().map((request) => request.field('private-token')),
      ['the-token', 'another-token', 'the-token', 'another-token'],
    );
  }),
);

test(
  'a key that may use no route of a proxy is bound to its own addresses there too',
  scoped(async (scope) => {
    const world = await worldOf(scope, {
      program: engines.caddy.path,
      spec: {
        routes: { read: { upstream: 'up', allow: ['GET /a'] }, other: { upstream: 'up', allow: ['GET /b'] } },
        apiKeys: { echoes: { key: 'env:K', token: 'env:T', routes: ['other'], ipRanges: ['10.0.0.0/8'] } },
      },
      proxy: { routes: ['read'], answer: [{ request: 'GET /own', status: 200 }] },
    });
    assert.is((await world.ask('GET /own')).status, 403);
    assert.is((await world.ask('GET /none')).status, 403);
  }),
);

test(
  'it listens on the family of its address and on no other',
  scoped(async (scope) => {
    for (const [listen, own, other] of [
      ['0.0.0.0', '127.0.0.1', '::1'],
      ['[::]', '::1', '127.0.0.1'],
    ] as const) {
      const [port = 0] = await freePorts(1);
      const policy = policyOf({
        upstreams: { up: { url: 'http://up.example', servers: ['127.0.0.1:1'] } },
        routes: { read: { upstream: 'up', auth: 'passthrough', allow: ['GET /a'] } },
        proxies: { api: { listen: `${listen}:${port}`, ipRanges: 'any' } },
      });
      const ready = () => connects(port, own);
      await runCaddy({ policy, program: engines.caddy.path, ports: [], ready }, scope);
      assert.is(await connects(port, other), false);
    }
  }),
);

test.run();

async function connects(port: number, host: string): Promise<boolean> {
  const socket = connect(port, host);
  const connected = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return connected;
}
