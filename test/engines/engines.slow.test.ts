import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { freePort } from '../../src/verify/ports.ts';
import { startServer } from '../../src/verify/process.ts';
import { sendRaw } from '../../src/verify/raw.ts';
import { startRecorder } from '../../src/verify/recorder.ts';
import { certificateFor } from './certificate.ts';
import { run } from './run.ts';
import { engineSuite } from './suite.ts';
import { type EngineName, recipes } from './table.ts';
import { isWithin } from './version.ts';

const names = Object.keys(recipes) as EngineName[];
for (const name of names) {
  const { test, engines } = await engineSuite(name, [name]);
  test('runs, and says a version that is supported', async () => {
    const { path, version } = engines[name];
    assert.ok(isWithin(version, recipes[name]), version);
    assert.match((await run(path, recipes[name].say)).text, version);
  });
  test.run();
}

for (const name of ['nginx', 'nginx-newest'] as const) {
  const { test, engines } = await engineSuite(`${name} serves`, [name]);
  test('as any user, in a folder of its own', async () => {
    const folder = await temporaryFolder();
    const port = await freePort();
    const own = 'client_body proxy fastcgi uwsgi scgi'.split(' ').map((kind) => `${kind}_temp_path ${kind};`);
    const server = `server { listen 127.0.0.1:${port}; location / { return 200 "$request_uri"; } }`;
    const config = `pid nginx.pid; error_log stderr; events {} http { access_log off; ${own.join(' ')} ${server} }`;
    const nginx = await startServer({
      command: engines[name].path,
      args: ['-p', folder.path, '-e', 'stderr', '-c', await folder.write('nginx.conf', config), '-g', 'daemon off;'],
      cwd: folder.path,
      ready: { port },
    });
    const response = await sendRaw({ port }, 'GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal([response.status, response.text()], [200, '/a%2Fb']);
    await nginx.stop();
    await folder.remove();
  });
  test.run();
}

const { test: tls, engines: withTls } = await engineSuite('certificates', ['openssl']);
tls('a recorder speaks TLS with one', async () => {
  const folder = await temporaryFolder();
  const { certFile, keyFile } = await certificateFor(['gitlab.test', 'registry.test'], withTls.openssl.path, folder);
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  const recorder = await startRecorder({ tls: { cert, key } });
  const address = { port: recorder.port, tls: { serverName: 'registry.test' } };
  assert.is((await sendRaw(address, 'GET /v2/ HTTP/1.1\r\nHost: registry.test\r\n\r\n')).status, 200);
  assert.is(recorder.requests[0]?.serverName, 'registry.test');
  await recorder.close();
  await folder.remove();
});
tls.run();
