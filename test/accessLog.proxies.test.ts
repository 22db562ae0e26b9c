import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { freePorts } from '../src/verify/ports.ts';
import { openConnection } from '../src/verify/raw.ts';
import { startRecorder } from '../src/verify/recorder.ts';
import type { Scope } from '../src/verify/scope.ts';
import { engineSuite } from './engines/suite.ts';
import { policyOf } from './support/policy.ts';
import { scoped } from './support/scoped.ts';
import { runCaddy } from './targets/caddy/engine.ts';

const { test, engines } = await engineSuite('access log of many proxies', ['caddy']);

const KEY = 'key-of-echoes-0123456789-AbCd';
const TOKEN = 'the-token-of-echoes';

async function specFor(ports: readonly number[], names: readonly string[], scope: Scope): Promise<object> {
  const recorder = await startRecorder({ answer: { body: 'hello' } });
  scope.defer(() => recorder.close());
  const usual = { ipRanges: ['127.0.0.1'], routes: ['read'] };
  const alone = names.map((name, index) => [name, { ...usual, listen: `127.0.0.1:${ports[index]}` }]);
  const named = ['red', 'blue'].map((name) => [
    name,
    { ...usual, listen: `127.0.0.1:${ports.at(-1)}`, hosts: [`${name}.example.com`] },
  ]);
  return {
    upstreams: { up: { url: 'http://up.example.com', servers: [`127.0.0.1:${recorder.port}`] } },
    routes: { read: { upstream: 'up', allow: ['GET /a'] } },
    apiKeys: { echoes: { key: 'env:K', token: 'env:T' } },
    proxies: Object.fromEntries([...alone, ...named]),
    domainRewrites: [{ from: 'up.example.com', to: 'private.example.com', upstream: 'up' }],
  };
}

/** Starts Caddy with so many proxies of their own, two more that share a port, and a site. */
async function start(names: readonly string[], scope: Scope) {
  const ports = await freePorts(names.length + 2);
  const [site = 0, ...others] = ports;
  const values = new Map([
    ['env:K', KEY],
    ['env:T', TOKEN],
  ]);
  const options = { sites: { listen: site, tls: 'inFront' } };
  const policy = policyOf(await specFor(others, names, scope));
  const running = await runCaddy({ policy, program: engines.caddy.path, options, values, ports }, scope);
  return { running, site, others };
}

async function ask(port: number, host: string, target: string, scope: Scope): Promise<number> {
  const connection = await openConnection({ port });
  scope.defer(async () => connection.close());
  const head = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nPRIVATE-TOKEN: ${KEY}\r\n\r\n`;
  return (await connection.send(head)).status;
}

test(
  'every proxy and site writes its lines, once each, with the same fields, into one file',
  scoped(async (scope) => {
    const { running, site, others } = await start(['api', 'second'], scope);
    const [api = 0, second = 0, shared = 0] = others;
    const asked = [
      [api, 'api.example.com', 'api'],
      [second, 'api.example.com', 'second'],
      [shared, 'red.example.com', 'red'],
      [shared, 'blue.example.com', 'blue'],
      [shared, 'nobody.example.com', ''],
      [site, 'private.example.com', ''],
      [site, 'nobody.example.com', ''],
    ] as const;
    for (const [index, [port, host]] of asked.entries()) {
      await ask(port, host, `/a?private_token=${index}`, scope);
      await ask(port, host, '/a', scope);
    }
    await running.server.stop();
    const text = await readFile(join(running.folder, 'caddy/access.log'), 'utf8');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const [first = {}] = lines;
    const fields = (line: object) => Object.keys(line).sort();
    for (const line of lines) assert.equal(fields(line), fields(first));
    const proxies = asked.flatMap(([, , proxy]) => [proxy, proxy]);
    assert.equal(lines.map(({ proxy }) => proxy).sort(), proxies.sort());
    assert.is(new Set(lines.map(({ id }) => id)).size, proxies.length);
    for (const secret of [KEY, TOKEN, 'private_token']) assert.not.match(text, secret);
  }),
);

/** Names of Caddy's logs. */
async function logsOf(names: readonly string[], scope: Scope): Promise<string[]> {
  const { running } = await start(names, scope);
  const options = { cwd: join(running.folder, 'caddy') };
  const adapt = promisify(execFile)(engines.caddy.path, ['adapt', '--adapter', 'caddyfile'], options);
  return Object.keys(JSON.parse((await adapt).stdout).logging.logs).sort();
}

test(
  'a proxy more is no log more, since each request pays for every log of the process',
  scoped(async (scope) => {
    assert.equal(await logsOf(['api'], scope), ['access', 'default']);
    assert.equal(await logsOf(['api', 'second', 'third'], scope), ['access', 'default']);
  }),
);

test.run();
