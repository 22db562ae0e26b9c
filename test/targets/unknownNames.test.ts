import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { freePorts } from '../../src/verify/ports.ts';
import { sendRaw } from '../../src/verify/raw.ts';
import { startRecorder } from '../../src/verify/recorder.ts';
import { engineSuite } from '../engines/suite.ts';
import { startNameServer } from '../support/nameServer.ts';
import { policyOf } from '../support/policy.ts';
import { scoped } from '../support/scoped.ts';
import { runCaddy } from './caddy/engine.ts';
import { runNginx } from './nginx/engine.ts';

const { test, engines } = await engineSuite('a name that does not resolve', ['nginx', 'nginx-newest', 'caddy']);

for (const [engine, version] of [
  ['nginx', undefined],
  ['nginx-newest', '1.27.3'],
  ['caddy', undefined],
] as const)
  test(
    `${engine}: takes nothing else down`,
    scoped(async (scope) => {
      const upstream = await startRecorder();
      scope.defer(() => upstream.close());
      const [api = 0, site = 0] = await freePorts(2);
      const url = (host: string) => ({ url: `http://${host}:${upstream.port}` });
      const policy = policyOf({
        upstreams: {
          missing: url('missing.invalid'),
          // Caddy asks the system, which knows this name without a server.
          there: url(engine === 'caddy' ? 'localhost' : 'there.example'),
          address: url('127.0.0.1'),
        },
        routes: {
          missing: { upstream: 'missing', auth: 'passthrough', allow: ['GET /missing/{x}'] },
          there: { upstream: 'there', auth: 'passthrough', allow: ['GET /there/{x:encodedPath}'] },
          address: { upstream: 'address', auth: 'passthrough', allow: ['GET /address/{x}'] },
        },
        proxies: { api: { listen: `127.0.0.1:${api}`, ipRanges: 'any' } },
        domainRewrites: [
          { from: 'one.example', to: 'one.internal', upstream: 'missing' },
          { from: 'two.example', to: 'two.internal', upstream: 'there' },
        ],
      });
      const names = await startNameServer(['there.example'], scope);
      const options = {
        sites: { listen: site, tls: 'off' },
        ...(engine === 'caddy' ? {} : { version, resolver: [`127.0.0.1:${names}`] }),
      };
      const running = { policy, program: engines[engine].path, options, ports: [api, site] };
      const { folder, server } = await (engine === 'caddy' ? runCaddy : runNginx)(running, scope);
      const ask = async (port: number, target: string, host: string) =>
        (await sendRaw({ port }, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).status;
      assert.is(await ask(api, '/address/x', 'x'), 200);
      // A name may be looked up for the first time only now.
      let status = 0;
      for (let tries = 0; status !== 200 && tries < 100; tries++) status = await ask(api, '/there/g%2Fp?q=%20', 'x');
      assert.is(status, 200);
      assert.is(upstream.requests.at(-1)?.target, '/there/g%2Fp?q=%20');
      assert.is(await ask(site, '/a%2Fb//c?d', 'two.internal'), 200);
      assert.is(upstream.requests.at(-1)?.target, '/a%2Fb//c?d');
      assert.is(await ask(api, '/missing/x', 'x'), 502);
      assert.is(await ask(site, '/x', 'one.internal'), 502);
      await server.stop();
      const log = await readFile(join(folder, engine === 'caddy' ? 'caddy' : 'nginx', 'access.log'), 'utf8');
      const lines = log
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      const failed = lines.filter(({ status }) => status === 502).map(({ reason }) => reason);
      assert.equal(failed, ['upstream-unresolved', 'upstream-unresolved']);
    }),
  );

test.run();
