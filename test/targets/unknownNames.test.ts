import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { caddy } from '../../src/targets/caddy/index.ts';
import { nginx } from '../../src/targets/nginx/index.ts';
import { freePorts } from '../../src/verify/ports.ts';
import { sendRaw } from '../../src/verify/raw.ts';
import { startRecorder } from '../../src/verify/recorder.ts';
import { engineSuite } from '../engines/suite.ts';
import { startNameServer } from '../support/nameServer.ts';
import { policyOf } from '../support/policy.ts';
import { scoped } from '../support/scoped.ts';
import { proxyTarget } from '../verify/proxyTargets.ts';
import { runCaddy } from './caddy/engine.ts';
import { runNginx } from './nginx/engine.ts';

const { test, engines } = await engineSuite('a name that does not resolve', ['nginx', 'nginx-newest', 'caddy']);

const ENGINES = [
  ['nginx', undefined],
  ['nginx-newest', '1.27.3'],
  ['caddy', undefined],
] as const;

for (const [engine, version] of ENGINES)
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
      // Those before the name had an address are not meant.
      const isLate = ({ path }: { path: string }) => !path.startsWith('/there/');
      const failed = lines.filter((line) => line.status === 502 && isLate(line)).map(({ reason }) => reason);
      assert.equal(failed, ['upstream-unresolved', 'upstream-unresolved']);
    }),
  );

for (const [engine, version] of ENGINES)
  test(
    `${engine}: a name that has stopped to resolve keeps no new configuration out`,
    scoped(async (scope) => {
      const upstream = await startRecorder();
      scope.defer(() => upstream.close());
      const [api = 0] = await freePorts(1);
      const url = (host: string) => ({ url: `http://${host}:${upstream.port}` });
      const policyWith = (methodNotAllowed: number) =>
        policyOf({
          upstreams: { gone: url('gone.example'), address: url('127.0.0.1') },
          routes: {
            gone: { upstream: 'gone', auth: 'passthrough', allow: ['GET /gone'] },
            address: { upstream: 'address', auth: 'passthrough', allow: ['GET /address'] },
          },
          proxies: { api: { listen: `127.0.0.1:${api}`, ipRanges: 'any', methodNotAllowed } },
        });
      const names = ['gone.example'];
      const resolver = [`127.0.0.1:${await startNameServer(names, scope)}`];
      const options = engine === 'caddy' ? {} : { version, resolver };
      const running = { policy: policyWith(405), program: engines[engine].path, options, ports: [api] };
      const { folder, server } = await (engine === 'caddy' ? runCaddy : runNginx)(running, scope);
      const ask = async (line: string) =>
        (await sendRaw({ port: api }, `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).status;
      const until = async (line: string, wanted: number) => {
        let status = 0;
        for (let tries = 0; status !== wanted && tries < 200; tries++) {
          // While it reloads, Caddy now and then closes a connection that it has just accepted.
          status = await ask(line).catch(() => 0);
          if (status !== wanted) await pause(20);
        }
        assert.is(status, wanted, `${line}: ${server.output()}`);
      };
      // Caddy asks the system, which does not know the name from the start.
      await until('GET /gone', engine === 'caddy' ? 502 : 200);
      assert.is(await ask('POST /address'), 405);
      names.length = 0;
      const target = engine === 'caddy' ? caddy : nginx;
      const input = { policy: policyWith(404), options: target.options.parse(options), at: [], read: () => undefined };
      for (const { path, text } of target.emit(input).value ?? []) await writeFile(join(folder, path), text);
      const { reloadSignal } = proxyTarget(engine === 'caddy' ? 'caddy' : 'nginx').run;
      process.kill(server.pid, `SIG${reloadSignal}`);
      await until('POST /address', 404);
      await until('GET /address', 200);
    }),
  );

test.run();
