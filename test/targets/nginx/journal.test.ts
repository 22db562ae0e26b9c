import { spawn } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { compile } from '../../../src/compile.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { freePort } from '../../../src/verify/ports.ts';
import { startServer } from '../../../src/verify/process.ts';
import { engineSuite } from '../../engines/suite.ts';

const { test, engines } = await engineSuite('nginx as a service of systemd', ['nginx']);

/** Prints each datagram that comes, as the journal takes them at /dev/log. */
const LISTENER = `import socket, sys
at = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
at.bind(sys.argv[1])
print('ready', flush=True)
while True: print(at.recv(65536).decode(), flush=True)
`;

// node gives a child sockets for its output, as systemd does; nobody can open one by its name.
test('accessLog: journal has a line for each request where standard output is a socket', async () => {
  const folder = await temporaryFolder();
  const socket = join(folder.path, 'log');
  const listener = spawn('python3', ['-c', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface({ input: listener.stdout }).on('line', (line) => lines.push(line));
  const next = async () => {
    for (const end = performance.now() + 10_000; lines.length === 0; await delay(20))
      assert.ok(performance.now() < end, 'waited in vain for a line');
    return lines.shift() ?? '';
  };
  try {
    assert.is(await next(), 'ready');
    // Whoever is root here has workers that are nobody.
    await chmod(folder.path, 0o755);
    await chmod(socket, 0o777);
    const port = await freePort();
    const text = `version: 1
name: service
upstreams: { gitlab: { url: http://127.0.0.1:1 } }
routes: { read: { upstream: gitlab, allow: [GET /api/v4/user] } }
apiKeys: { p: { key: env:K, token: env:T } }
proxies: { api: { listen: "127.0.0.1:${port}", ipRanges: [127.0.0.1], health: /healthz } }
targets: { nginx: { writable: ${folder.path}/writable, accessLog: journal } }
`;
    const { files = [], diagnostics } = compile(text, { file: 'postern.yaml', read: () => undefined });
    assert.equal(diagnostics, []);
    for (const file of files) await folder.write(file.path, file.text.replaceAll('unix:/dev/log', `unix:${socket}`));
    await folder.write('writable/here', '');
    const base = join(folder.path, 'nginx/');
    const server = await startServer({
      command: engines.nginx.path,
      args: ['-e', 'stderr', '-p', base, '-c', 'nginx.conf', '-g', 'daemon off;'],
      cwd: folder.path,
      ready: { port },
    });
    try {
      for (const path of ['/healthz', '/api/v4/user']) {
        await fetch(`http://127.0.0.1:${port}${path}`);
        const [, json = ''] = /^<\d+>\w{3} +\d+ [\d:]+ postern: (.*)$/.exec(await next()) ?? [];
        assert.is(JSON.parse(json).path, path);
      }
    } finally {
      await server.stop();
    }
  } finally {
    listener.kill();
    await folder.remove();
  }
});
test.run();
