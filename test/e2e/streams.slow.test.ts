import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { mustRun } from '../engines/run.ts';
import { engineSuite } from '../engines/suite.ts';
import { siteEngines } from './generated.ts';
import { scoped } from './scoped.ts';
import { GITLAB_PORT, PRIVATE_GITLAB, siteWorldEngines, startSiteWorld } from './siteWorld.ts';

const { test, engines } = await engineSuite('streams', siteWorldEngines);

const client = fileURLToPath(new URL('streamClient.ts', import.meta.url));

for (const engine of siteEngines) {
  test(
    `both ways through ${engine}, and a WebSocket from a page of the private name`,
    scoped(async (scope) => {
      const world = await startSiteWorld({ engine, engines }, scope);
      await world.startScript('streamServer.ts', [], GITLAB_PORT);
      const args = ['--import', import.meta.resolve('tsx'), client, `https://${PRIVATE_GITLAB}`];
      const env = { ...world.env, NODE_EXTRA_CA_CERTS: world.env['SSL_CERT_FILE'] };
      const said = await mustRun(await world.enter(process.execPath), args, { env });
      assert.equal(said.trimEnd().split('\n'), [
        'upload 10',
        'download first last',
        'websocket https://gitlab.example.com ping',
      ]);
    }),
  );
}

test.run();
