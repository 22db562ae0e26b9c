import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { freePort } from '../../../src/verify/ports.ts';
import { openScope, type Scope } from '../../../src/verify/scope.ts';
import { engineSuite } from '../../engines/suite.ts';
import { type Balancer, startBalancer, startLoad } from '../../support/load.ts';
import { type Pod, startPod, until } from '../../support/pods.ts';
import { CADDY, specOf } from './specs.ts';

const KEY = 'a-key-of-partners-0123456789';
const VALUES = new Map([
  ['env:K', KEY],
  ['env:T', 'the-token'],
]);

/** Answers at once, and below /api/v4/slow after a while, so that there is always a request under way. */
async function startUpstream(scope: Scope) {
  const had = new Set<string>();
  const server = createServer((request, response) => {
    had.add(request.url ?? '');
    const wait = request.url?.startsWith('/api/v4/slow') ? 150 : 0;
    void delay(wait).then(() => response.end(`body of ${request.url}`));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, had };
}

interface World {
  readonly balancer: Balancer;
  readonly spec: (path: string) => string;
  readonly start: (spec: string) => Promise<Pod>;
  /** Targets of the requests that the upstream has had. */
  readonly had: ReadonlySet<string>;
  /** One client for each path. */
  readonly load: (paths: readonly string[]) => ReturnType<typeof startLoad>;
}

async function withLoad(engine: 'nginx' | 'caddy', program: string, work: (world: World) => Promise<void>) {
  const scope = openScope();
  try {
    const { port: upstream, had } = await startUpstream(scope);
    const balancer = await startBalancer(scope);
    const spec = (path: string) =>
      specOf({ ...(engine === 'caddy' ? { caddy: CADDY } : {}) })
        .replace(
          'https://gitlab.example.com, servers: [10.0.0.1:8443]',
          `http://gitlab.example.com, servers: ["127.0.0.1:${upstream}"]`,
        )
        .replace('GET /api/v4/user]', `GET /api/v4/user, GET /api/v4/slow, GET ${path}]`);
    const start = async (text: string) => {
      const pod = await startPod({ spec: text, program, port: await freePort(), values: VALUES }, scope);
      balancer.ready.add(pod.port);
      return pod;
    };
    const load = (paths: readonly string[]) =>
      startLoad({ port: balancer.port, paths, headers: { 'PRIVATE-TOKEN': KEY }, had });
    await work({ balancer, spec, start, load, had });
  } finally {
    await scope.close();
  }
}

const { test, engines } = await engineSuite('no request is lost', ['nginx', 'caddy']);

for (const engine of ['nginx', 'caddy'] as const) {
  test(`${engine}: from one pod to three, to new files by other pods and by a reload, and back to one`, () =>
    withLoad(engine, engines[engine].path, async ({ balancer, spec, start, load: startClients }) => {
      const ask = async (port: number, path: string) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, {
          headers: { 'PRIVATE-TOKEN': KEY, connection: 'close' },
        });
        await response.text();
        return response.status;
      };
      const replace = async (pod: Pod) => {
        balancer.ready.delete(pod.port);
        assert.is(await pod.terminate(), 0, pod.errors());
      };
      let pods = [await start(spec('/api/v4/first'))];
      assert.is(await ask(balancer.port, '/api/v4/second'), 404);
      const clients = Array.from({ length: 8 }, (_, index) => (index < 3 ? '/api/v4/slow' : '/api/v4/user'));
      const load = startClients(clients);
      try {
        await load.answers(100);
        for (let count = 1; count < 3; count++) pods.push(await start(spec('/api/v4/first')));
        await load.answers(100);
        const old = pods;
        pods = [];
        for (const pod of old) {
          pods.push(await start(spec('/api/v4/second')));
          await replace(pod);
        }
        assert.is(await ask(balancer.port, '/api/v4/second'), 200);
        await load.answers(100);
        for (const pod of pods) {
          await pod.mount(spec('/api/v4/third'));
          await reload(engine, pod);
          await until(
            async () => (await ask(pod.port, '/api/v4/third')) === 200,
            () => pod.errors(),
          );
        }
        await load.answers(100);
        for (const pod of pods.slice(1)) await replace(pod);
        await load.answers(100);
      } finally {
        await load.stop();
      }
      assert.equal(load.outcomes.failed, []);
      assert.ok(load.outcomes.answered >= 500);
    }));
}

test('a pod that ends at once loses what is under way, so that the above means something', () =>
  withLoad('nginx', engines.nginx.path, async ({ balancer, spec, start, load: startClients, had }) => {
    const pods = [await start(spec('/api/v4/first')), await start(spec('/api/v4/first'))];
    const load = startClients(Array<string>(8).fill('/api/v4/slow'));
    await load.answers(20);
    await until(
      () => had.size >= load.outcomes.answered + 8,
      () => 'no request is under way',
    );
    for (const { port, process } of pods.slice(1)) {
      balancer.ready.delete(port);
      process.kill('SIGTERM');
    }
    await load.answers(20);
    await load.stop();
    assert.ok(load.outcomes.failed.length > 0);
  }));

/** As systemd and docker compose do it; pods are replaced instead. */
async function reload(engine: 'nginx' | 'caddy', pod: Pod): Promise<void> {
  if (engine === 'nginx') return void pod.process.kill('SIGHUP');
  const address = `unix/${pod.writable}/admin.sock`;
  await promisify(execFile)(engines.caddy.path, ['reload', '--config', pod.config, '--address', address]);
}

test.run();
