import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { freePort } from '../../../src/verify/ports.ts';
import { sendRaw } from '../../../src/verify/raw.ts';
import { startRecorder } from '../../../src/verify/recorder.ts';
import { certificateFor } from '../../engines/certificate.ts';
import { engineSuite } from '../../engines/suite.ts';
import { assertError } from '../../support/errors.ts';
import { policyOf } from '../../support/policy.ts';
import { scoped } from '../../support/scoped.ts';
import { runNginx } from './engine.ts';
import { KEY, values } from './world.ts';

const { test, engines } = await engineSuite('nginx: TLS to upstreams', ['nginx', 'nginx-newest', 'openssl']);

for (const name of ['nginx', 'nginx-newest'] as const) {
  test(
    `${name} speaks TLS with those alone whose certificate is good`,
    scoped(async (scope) => {
      const folder = await temporaryFolder();
      scope.defer(() => folder.remove());
      const good = await certificateFor(['gitlab.example.com'], engines.openssl.path, folder);
      const bad = await certificateFor(['other.example.com'], engines.openssl.path, folder);
      const recorder = await startRecorder({
        tls: { cert: await readFile(good.certFile, 'utf8'), key: await readFile(good.keyFile, 'utf8') },
      });
      scope.defer(() => recorder.close());
      const [first, second] = [await freePort(), await freePort()];
      const upstream = (serverName: string, caFile: string) => ({
        url: 'https://gitlab.example.com',
        servers: [`127.0.0.1:${recorder.port}`],
        tls: { serverName, caFile },
      });
      const policy = policyOf({
        upstreams: {
          good: upstream('gitlab.example.com', good.certFile),
          stranger: upstream('gitlab.example.com', bad.certFile),
          misnamed: upstream('other.example.com', good.certFile),
        },
        routes: Object.fromEntries(
          ['good', 'stranger', 'misnamed'].map((id) => [id, { upstream: id, allow: [`GET /${id}`] }]),
        ),
        apiKeys: { caller: { key: 'env:KEY', token: 'env:TOKEN' } },
        proxies: {
          api: { listen: `127.0.0.1:${first}`, ipRanges: 'any' },
          own: { listen: `127.0.0.1:${second}`, ipRanges: 'any', apiKeyHeader: 'X-Own-Key' },
        },
      });
      await runNginx({ policy, program: engines[name].path, values, ports: [first, second] }, scope);
      const ask = (path: string, field = 'PRIVATE-TOKEN', port = first) =>
        sendRaw({ port }, `GET ${path} HTTP/1.1\r\nHost: a\r\n${field}: ${KEY}\r\n\r\n`);
      assert.is((await ask('/good')).status, 200);
      assertError(await ask('/stranger'), 502);
      assertError(await ask('/misnamed'), 502);
      assert.is((await ask('/good', 'X-Own-Key', second)).status, 200);
      assert.is((await ask('/good', 'PRIVATE-TOKEN', second)).status, 401);
      assert.equal(
        recorder.requests.map((request) => `${request.serverName} ${request.field('host')}`),
        Array(2).fill('gitlab.example.com gitlab.example.com'),
      );
    }),
  );
}

test.run();
