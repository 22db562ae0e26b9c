import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { mustRun } from '../engines/run.ts';
import { engineSuite } from '../engines/suite.ts';
import { scoped } from '../support/scoped.ts';
import { siteEngines, targetOf } from './generated.ts';
import { GITLAB_PORT, PRIVATE_GITLAB, type SiteWorldOptions, siteWorldEngines, startSiteWorld } from './siteWorld.ts';

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

for (const engine of siteEngines) {
  test(
    `a site of ${engine} whose public name leads back to itself ends the request`,
    scoped(async (scope) => {
      const spec: SiteWorldOptions['spec'] = (_, site) => ({
        upstreams: {
          gitlab: { url: 'https://gitlab.example.com', tls: { caFile: site.certFile } },
        },
        domainRewrites: [{ from: 'gitlab.example.com', to: PRIVATE_GITLAB, upstream: 'gitlab' }],
        targets: { [targetOf(engine)]: { sites: { tls: site } } },
      });
      const hosts = [PRIVATE_GITLAB, 'gitlab.example.com'];
      const world = await startSiteWorld({ engine, engines, spec, hosts }, scope);
      const ask = `fetch('https://${PRIVATE_GITLAB}/').then(({ status }) => console.log(status))`;
      const env = { ...world.env, NODE_EXTRA_CA_CERTS: world.env['SSL_CERT_FILE'] };
      assert.is(await mustRun(await world.enter(process.execPath), ['-e', ask], { env }), '508\n');
    }),
  );
}

test.run();
