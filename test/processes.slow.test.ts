import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tryLock } from '../src/output/lock.ts';
import { temporaryFolder } from '../src/verify/folder.ts';
import { lock } from '../src/verify/lock.ts';
import { freePort, freePorts } from '../src/verify/ports.ts';
import { accepts, startServer } from '../src/verify/process.ts';

// A server that forks a worker, which inherits the socket and the pipes: what nginx does.
const forking = `
  import { createServer } from 'node:net';
  import { spawn } from 'node:child_process';
  const worker = spawn('sleep', ['600'], { stdio: 'inherit' });
  createServer().listen(Number(process.argv[1]), '127.0.0.1', () => console.log('ready', worker.pid));
`;
const serve = (port: number) => ['--input-type=module', '-e', forking, String(port)];

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(10);
}

test('a server is started, ready, and ended with everything it started', async () => {
  const port = await freePort();
  const server = await startServer({
    command: process.execPath,
    args: serve(port),
    cwd: '/',
    ready: { line: /ready \d+/ },
  });
  const worker = Number(/ready (\d+)/.exec(server.output())?.[1]);
  assert.ok(await accepts(port));
  assert.ok(isAlive(worker));
  assert.equal(await server.stop(), { code: null, signal: 'SIGTERM' });
  await until(() => !isAlive(worker));
  assert.not(await accepts(port));
  assert.equal(await server.stop(), { code: null, signal: 'SIGTERM' }, 'stopping twice is harmless');
});

test('a server that ends before it is ready is an error that shows its output', async () => {
  const start = startServer({
    command: 'sh',
    args: ['-c', 'echo no such directive; exit 3'],
    cwd: '/',
    ready: { port: 1 },
  });
  const error = await start.then(
    () => undefined,
    (reason: Error) => reason,
  );
  assert.match(String(error), /sh ended \(3\) before it was ready\nno such directive/);
});

test('a program that does not exist is an error', async () => {
  const start = startServer({ command: '/nowhere/nginx', args: [], cwd: '/', ready: { port: 1 } });
  assert.match(String(await start.catch((reason: Error) => reason)), /ENOENT/);
});

test('a server does not outlive whoever started it, not even one that was killed', async () => {
  const port = await freePort();
  const source = `
    import { startServer } from ${JSON.stringify(new URL('../src/verify/process.ts', import.meta.url).href)};
    const server = await startServer({ command: process.execPath, args: ${JSON.stringify(serve(port))}, cwd: '/', ready: { port: ${port} } });
    console.log('started', server.pid);
    setInterval(() => {}, 1000);
  `;
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
    cwd: new URL('../', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(owner.stdout.setEncoding('utf8'), 'data');
  const pid = Number(/started (\d+)/.exec(String(line))?.[1]);
  assert.ok(isAlive(pid));
  owner.kill('SIGKILL');
  await until(() => !isAlive(pid));
});

test('free ports are free, and different', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const ports = await freePorts(100);
  assert.is(new Set(ports).size, 100);
  for (const port of ports.slice(0, 5)) assert.not(await accepts(port));
  taken.close();
});

test('a lock has one owner at a time', async () => {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'lock');
  const release = await lock(path);
  assert.is(tryLock(path), undefined);
  let entered = false;
  const second = lock(path).then((give) => {
    entered = true;
    return give;
  });
  await pause(250);
  assert.not(entered);
  release();
  (await second)();
  await folder.remove();
  assert.not(existsSync(folder.path));
});

test('a lock whose owner has died can be taken, once', async () => {
  const folder = await temporaryFolder();
  const path = join(folder.path, 'lock');
  const source = `import { lock } from ${JSON.stringify(new URL('../src/verify/lock.ts', import.meta.url).href)}; await lock(${JSON.stringify(path)});`;
  const dead = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
    cwd: new URL('../', import.meta.url),
  });
  await once(dead, 'close');
  assert.ok(existsSync(path));
  const tries = Array.from({ length: 8 }, () => tryLock(path));
  assert.is(tries.filter((release) => release !== undefined).length, 1);
  await folder.remove();
});

test.run();
