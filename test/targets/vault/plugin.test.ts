import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { freePort } from '../../../src/verify/ports.ts';
import { startServer } from '../../../src/verify/process.ts';
import { mustRun } from '../../engines/run.ts';
import { engineSuite } from '../../engines/suite.ts';
import { scoped } from '../../support/scoped.ts';
import { inWorkspace } from '../../support/workspace.ts';

const { test, engines } = await engineSuite('the block by which OpenBao gets the plugin', ['openbao', 'crane']);
const NAME = 'vault-plugin-secrets-gitlab';
const PLUGIN = '#!/bin/sh\necho stand-in\n';
const VERSION = 'v0.12.1';

const specFor = (image: string, sha256: string) => `version: 1
name: plugged
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes: { read: { upstream: gitlab, allow: [GET /api/v4/user] } }
apiKeys: { partner: { key: env:KEY_OF_PARTNER, token: vault:secret/gitlab#token } }
proxies: { api: { listen: 8080, ipRanges: any } }
targets: { caddy: {}, vault: { stores: { secret: 2 }, plugin: { image: "${image}", version: ${VERSION}, sha256: "${sha256}" } } }
`;

const serverFor = (port: number, folder: string) => `storage "inmem" {}
listener "tcp" {
  address     = "127.0.0.1:${port}"
  tls_disable = true
}
api_addr             = "http://127.0.0.1:${port}"
plugin_directory     = "${folder}"
plugin_auto_download = true
plugin_auto_register = true
`;

const digest = createHash('sha256').update(PLUGIN).digest('hex');

test('the server takes the plugin of that hash, and no other', () =>
  inWorkspace(({ path, write, run, read }) =>
    scoped(async (scope) => {
      const images = `127.0.0.1:${await freePort()}`;
      const registry = await startServer({
        command: engines.crane.path,
        args: ['registry', 'serve', '--address', images],
        cwd: path,
        ready: { port: Number(images.split(':')[1]) },
      });
      scope.defer(() => registry.stop());
      write(NAME, PLUGIN);
      await mustRun('tar', ['--mode=755', '-cf', 'layer.tar', NAME], { cwd: path });
      const image = `${images}/ilijamt/${NAME}`;
      await mustRun(engines.crane.path, ['append', '-f', 'layer.tar', '-t', `${image}:${VERSION}`], { cwd: path });

      const generate = async (sha256: string) => {
        write('postern.yaml', specFor(image, sha256));
        const { status, stderr } = await run('generate');
        assert.is(status, 0, stderr);
        return read('generated/vault/openbao-plugin.hcl');
      };
      const start = async (block: string, line: RegExp) => {
        const port = await freePort();
        const url = `http://127.0.0.1:${port}`;
        write('plugins/.keep', '');
        write('server/base.hcl', serverFor(port, join(path, 'plugins')));
        write('server/plugin.hcl', block);
        const server = await startServer({
          command: engines.openbao.path,
          args: ['server', `-config=${join(path, 'server')}`],
          cwd: path,
          env: { PATH: process.env['PATH'], HOME: path },
          ready: { line },
        });
        scope.defer(() => server.stop());
        return { ...server, url };
      };

      const wrong = await start(await generate('0'.repeat(64)), /sha256|checksum|hash/i);
      await wrong.stop();

      const { url } = await start(await generate(digest), /OpenBao server started/);
      const bao = (args: readonly string[], token = '') =>
        mustRun(engines.openbao.path, args, {
          env: { PATH: process.env['PATH'], HOME: path, BAO_ADDR: url, BAO_TOKEN: token },
        });
      const made = JSON.parse(await bao(['operator', 'init', '-key-shares=1', '-key-threshold=1', '-format=json']));
      await bao(['operator', 'unseal', made.unseal_keys_b64[0]]);
      const listed = await bao(['plugin', 'list', 'secret'], made.root_token);
      assert.match(listed, new RegExp(`^gitlab +${VERSION}$`, 'm'));
    })(),
  ));

test.run();
