import * as assert from 'uvu/assert';
import { freePort } from '../../src/verify/ports.ts';
import { openConnection, sendRaw } from '../../src/verify/raw.ts';
import { type Answer, startRecorder } from '../../src/verify/recorder.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { engineSuite } from '../engines/suite.ts';
import { policyOf } from '../support/policy.ts';
import { scoped } from '../support/scoped.ts';
import { runCaddy } from './caddy/engine.ts';
import { runNginx } from './nginx/engine.ts';

const { test, engines } = await engineSuite('sizes of heads', ['nginx', 'nginx-newest', 'caddy']);

/** One engine with a proxy and a site in front of a recorder. */
async function start(engine: keyof typeof engines, scope: Scope, { proxy = {}, answer = {} as Answer } = {}) {
  const upstream = await startRecorder({ answer });
  scope.defer(() => upstream.close());
  const [port, site] = [await freePort(), await freePort()];
  const policy = policyOf({
    upstreams: { up: { url: 'http://up.example.com', servers: [`127.0.0.1:${upstream.port}`] } },
    routes: { all: { upstream: 'up', auth: 'passthrough', allow: ['GET /in'] } },
    proxies: { api: { listen: `127.0.0.1:${port}`, ipRanges: 'any', ...proxy } },
    domainRewrites: [{ from: 'up.example.com', to: 'up.internal', upstream: 'up' }],
  });
  const options = { sites: { listen: site, tls: 'off' } };
  const running = { policy, program: engines[engine].path, options, ports: [port, site] };
  await (engine === 'caddy' ? runCaddy : runNginx)(running, scope);
  return { upstream, port, site };
}

const KB = 1024;

/** Heads of so many bytes, each with its weight elsewhere: in the target, in one field, in many. */
function headsOf(bytes: number): string[] {
  const line = `X-Part: ${'x'.repeat(190)}\r\n`;
  const parts = line.repeat(Math.floor((bytes - 100) / line.length));
  const head = (query: string, fields: string) => `GET /in?x=${query} HTTP/1.1\r\nHost: up.internal\r\n${fields}\r\n`;
  const fill = (length: number) => 'x'.repeat(bytes - length);
  return [
    head(fill(head('', '').length), ''),
    head('', `X-Long: ${fill(head('', 'X-Long: \r\n').length)}\r\n`),
    head('', `${parts}X-Rest: ${fill(head('', `${parts}X-Rest: \r\n`).length)}\r\n`),
  ];
}

for (const engine of ['nginx', 'nginx-newest', 'caddy'] as const) {
  for (const [set, limit] of [
    [undefined, 16 * KB],
    ['8kB', 8 * KB],
    ['100kB', 100 * KB],
  ] as const)
    test(
      `${engine}: a request's head may have ${set ?? 'the usual size'} and no more`,
      scoped(async (scope) => {
        const { port, upstream } = await start(engine, scope, {
          proxy: set === undefined ? {} : { maxRequestHead: set },
        });
        for (const head of headsOf(limit)) {
          assert.is(head.length, limit);
          assert.is((await sendRaw({ port }, head)).status, 200, head.slice(0, 60));
        }
        upstream.take();
        for (const head of headsOf(limit + 1)) {
          const { status } = await sendRaw({ port }, head);
          assert.ok([414, 431].includes(status), `${status} ${head.slice(0, 60)}`);
        }
        assert.equal(upstream.take(), []);
        const connection = await openConnection({ port });
        connection.write(
          headsOf(limit - 300)
            .concat(headsOf(2_000), headsOf(limit - 10))
            .join(''),
        );
        for (let number = 0; number < 9; number++)
          assert.is((await connection.receive('GET'))?.status, 200, `${number}`);
        connection.close();
      }),
    );

  test(
    `${engine}: a site takes heads of 32 kB and no larger ones`,
    scoped(async (scope) => {
      const { site: port } = await start(engine, scope);
      for (const head of headsOf(32 * KB)) assert.is((await sendRaw({ port }, head)).status, 200, head.slice(0, 60));
      // Caddy looks for HTTP/2 first, and does not count what it read for that.
      for (const head of headsOf(32 * KB + (engine === 'caddy' ? KB : 1))) {
        const { status } = await sendRaw({ port }, head);
        assert.ok([414, 431].includes(status), `${status} ${head.slice(0, 60)}`);
      }
    }),
  );

  test(
    `${engine}: an answer's head may have 64 kB and no more`,
    scoped(async (scope) => {
      for (const [size, status] of [
        [60 * KB, 200],
        [66 * KB, 502],
      ] as const) {
        const answer = { fields: [['X-Long', 'x'.repeat(size)]] as const };
        const { port, site } = await start(engine, scope, { answer });
        for (const each of [port, site])
          assert.is((await sendRaw({ port: each }, headsOf(200)[0] ?? '')).status, status, `${size} at ${each}`);
      }
    }),
  );
}

test.run();
