import { chmodSync, existsSync } from 'node:fs';
import { Agent, type ClientRequest, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { startEngine } from '../../src/verify/engines.ts';
import { freePort } from '../../src/verify/ports.ts';
import { accepts, startServer } from '../../src/verify/process.ts';
import { startRecorder } from '../../src/verify/recorder.ts';
import { openScope } from '../../src/verify/scope.ts';
import { type ProxyEngine, proxyEngines } from '../e2e/generated.ts';
import { engineSuite } from '../engines/suite.ts';
import { entry } from '../support/cli.ts';
import { inWorkspace, type Workspace } from '../support/workspace.ts';
import { proxyTarget } from '../verify/proxyTargets.ts';
import { type Issuer, startIssuer } from './issuer.ts';
import { secretSpec } from './spec.ts';

const LEASE = 15;
const TOKENS = 10;
const KEYS = [1, 2, 3, 4].map((number) => `kV3yMuch-Random_and.Not~Guessed+${number}`);

const specFor = (engine: ProxyEngine, ports: { readonly proxy: number; readonly upstream: number }) =>
  secretSpec({
    key: '[file:key-odd, file:key-even]',
    token: 'vault:gitlab/token/partner#token',
    upstream: `http://127.0.0.1:${ports.upstream}`,
    listen: `127.0.0.1:${ports.proxy}`,
    from: '127.0.0.1',
    targets: `${engine}: {}`,
  });

/** How requests went that never stopped while tokens and keys changed. */
interface Tally {
  sent: number;
  readonly failures: string[];
  /** Connections that the proxy had closed by the time they were used again: the client sends once more. */
  reused: number;
  /** Keys that were sent and taken. */
  readonly keys: Set<string>;
}

/** One client that asks without a pause over a connection that it keeps. */
async function client(port: number, keyNow: () => string, isOver: () => boolean, tally: Tally): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  while (!isOver()) {
    const key = keyNow();
    const answer = await ask(port, agent, key);
    if (answer === 'reused') tally.reused += 1;
    else {
      tally.sent += 1;
      if (answer === 200) tally.keys.add(key);
      else tally.failures.push(String(answer));
    }
  }
  agent.destroy();
}

function ask(port: number, agent: Agent, key: string): Promise<number | string> {
  return new Promise((settle) => {
    const headers = { 'PRIVATE-TOKEN': key };
    const sent: ClientRequest = request(
      { host: '127.0.0.1', port, path: '/api/v4/user', agent, headers },
      (response) => {
        response.on('end', () => settle(response.statusCode ?? 0));
        response.on('error', (error) => settle(error.message));
        response.resume();
      },
    );
    sent.on('error', (error) => settle(sent.reusedSocket ? 'reused' : error.message));
    sent.end();
  });
}

/** What has the engine read its files again, without a shell. */
function reloadOf(engine: ProxyEngine, program: string, folder: string): string[] {
  return engine === 'nginx'
    ? [program, '-p', folder, '-c', 'nginx.conf', '-s', 'reload']
    : [
        program,
        'reload',
        '--config',
        join(folder, 'Caddyfile'),
        '--address',
        `unix/${join(folder, 'admin.sock')}`,
        '--force',
      ];
}

async function rotates(engine: ProxyEngine, program: string, workspace: Workspace, issuer: Issuer): Promise<void> {
  const scope = openScope();
  const used = new Set<string>();
  const upstream = await startRecorder({
    keep: false,
    answer: (asked) => {
      const token = asked.field('private-token') ?? '';
      used.add(token);
      return { status: issuer.lasts(token) ? 200 : 401 };
    },
  });
  try {
    scope.defer(() => upstream.close());
    const { path, run, write } = workspace;
    chmodSync(path, 0o711);
    const proxy = await freePort();
    write('postern.yaml', specFor(engine, { proxy, upstream: upstream.port }));
    write('key-odd', KEYS[0] ?? '');
    write('key-even', KEYS[1] ?? '');
    assert.is((await run('generate')).status, 0);
    issuer.lease = LEASE;
    const folder = join(path, 'generated', engine);
    const watching = await startServer({
      command: process.execPath,
      args: [...entry, 'secrets', 'render', '--watch', '--reload', JSON.stringify(reloadOf(engine, program, folder))],
      cwd: path,
      env: { ...process.env, ...issuer.env },
      ready: async () => existsSync(join(folder, 'secrets', engine === 'nginx' ? 'tokens.conf' : 'keys')),
    });
    scope.defer(() => watching.stop());
    const target = proxyTarget(engine);
    const server = await startEngine(target, { program, folder: join(path, 'generated'), ready: () => accepts(proxy) });
    scope.defer(() => server.stop());
    const tally: Tally = { sent: 0, failures: [], reused: 0, keys: new Set() };
    const isOver = () => issuer.issued.length > TOKENS;
    // A caller takes its next key two renders after it was put in, and the old one is then replaced in its turn.
    const keyNow = () => KEYS[Math.floor((issuer.issued.length - 1) / 3) % KEYS.length] ?? '';
    const rotating = rotateKeys(issuer, write, isOver);
    await Promise.all([rotating, ...[1, 2, 3, 4].map(() => client(proxy, keyNow, isOver, tally))]);
    assert.equal(tally.failures.slice(0, 5), [], watching.output());
    assert.ok(tally.sent > 100, String(tally.sent));
    assert.ok(used.size >= TOKENS, `${used.size} tokens were used`);
    assert.is(tally.keys.size, KEYS.length, 'every key was in use');
    console.log(`${engine}: ${tally.sent} requests, ${tally.failures.length} failed, ${tally.reused} sent again`);
    for (const secret of [...KEYS, ...issuer.issued]) assert.not.ok(watching.output().includes(secret));
  } finally {
    await scope.close();
  }
}

async function rotateKeys(issuer: Issuer, write: Workspace['write'], isOver: () => boolean): Promise<void> {
  for (let next = 2; next < KEYS.length && !isOver(); next++) {
    const from = (next - 1) * 3 + 1;
    while (issuer.issued.length < from && !isOver()) await pause(50);
    // The key before the one in use is out of use now.
    write(next % 2 === 0 ? 'key-odd' : 'key-even', KEYS[next] ?? '');
  }
}

for (const engine of proxyEngines) {
  const { test, engines } = await engineSuite(`a rotation under ${engine}`, [engine]);
  test(`${TOKENS} tokens and several keys, one after the other, and no request fails`, async () => {
    const issuer = await startIssuer();
    try {
      await inWorkspace((workspace) => rotates(engine, engines[engine].path, workspace, issuer));
    } finally {
      await issuer.stop();
    }
  });
  test.run();
}
