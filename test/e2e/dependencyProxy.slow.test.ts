import * as assert from 'uvu/assert';
import type { Scope } from '../../src/verify/scope.ts';
import type { Certificate } from '../engines/certificate.ts';
import { run } from '../engines/run.ts';
import { engineSuite } from '../engines/suite.ts';
import { scoped } from '../support/scoped.ts';
import { exampleSpec } from './exampleSpec.ts';
import { type ProxyEngine, proxyEngines, siteEngines } from './generated.ts';
import { type ClusterNode, startNode } from './node.ts';
import {
  CREDENTIALS,
  type RegistryWorld,
  type RegistryWorldOptions,
  registryWorldEngines,
  startRegistryWorld,
} from './registryWorld.ts';
import { type Edit, GITLAB_PORT, PRIVATE_GITLAB } from './siteWorld.ts';

const { test, engines } = await engineSuite('the Dependency Proxy', [
  ...registryWorldEngines,
  'skopeo',
  'containerd',
  'ctr',
]);

const REPOSITORY = 'grp/dependency_proxy/containers/alpine';

/** The example, with the addresses and certificates of this machine. */
function exampleHere(own: Certificate, site: Certificate): object {
  const spec = exampleSpec('dependency-proxy');
  const gitlab = { servers: [`127.0.0.1:${GITLAB_PORT}`], tls: { caFile: own.certFile } };
  spec.ipRanges['nodes'] = ['127.0.0.0/8'];
  spec.upstreams['gitlab'] = { ...spec.upstreams['gitlab'], ...gitlab };
  for (const target of ['caddy', 'nginx']) spec.targets[target] = { sites: { tls: site } };
  spec.targets['containerd'] = { ...spec.targets['containerd'], caFile: site.certFile };
  return spec;
}

async function start(
  options: Pick<RegistryWorldOptions, 'engine' | 'edit'>,
  scope: Scope,
): Promise<{ world: RegistryWorld; node: ClusterNode }> {
  const world = await startRegistryWorld({ ...options, engines, spec: exampleHere }, scope);
  return { world, node: await startNode(world, engines, scope) };
}

/** Answers 403 to what is a method that no route takes. */
const forbidding: Readonly<Record<ProxyEngine, Edit>> = {
  caddy: {
    file: 'caddy/Caddyfile',
    by: (text) => text.replace('error @method method 405', 'error @method method 403'),
  },
  nginx: { file: 'nginx/pulls.conf', by: (text) => text.replace(' return 405 ', ' return 403 ') },
};

for (const engine of siteEngines) {
  test(
    `containerd pulls through the routes of the example and ${engine}, with and without port`,
    scoped(async (scope) => {
      const { world, node } = await start({ engine }, scope);
      for (const host of ['gitlab.example.com:443', 'gitlab.example.com']) {
        const image = `${host}/${REPOSITORY}:latest`;
        const { code, text } = await node.pull(image);
        assert.is(code, 0, text);
        assert.is(await node.digest(image), world.image.digest);
      }
      const seen = world.seenByGitlab();
      const [first] = seen;
      const manifest = `HEAD /v2/${REPOSITORY}/manifests/latest?ns=gitlab.example.com%3A443`;
      assert.is(`${first?.method} ${first?.url}`, manifest);
      // The first request for a token was a POST, which the proxy refused so that containerd went on.
      assert.equal([...new Set(seen.map(({ method }) => method))].sort(), ['GET', 'HEAD']);
      for (const { host, serverName } of seen) assert.equal([host, serverName], Array(2).fill('gitlab.example.com'));
    }),
  );
}

for (const engine of proxyEngines) {
  test(
    `a pull fails where ${engine} answers POST /jwt/auth with 403, so 405 is what keeps it going`,
    scoped(async (scope) => {
      const { world, node } = await start({ engine, edit: forbidding[engine] }, scope);
      const { code, text } = await node.pull(`gitlab.example.com:443/${REPOSITORY}:latest`);
      assert.is(code, 1);
      assert.match(text, /jwt\/auth.*403/);
      assert.not.ok(world.seenByGitlab().some(({ url }) => url.startsWith('/jwt/auth')));
    }),
  );

  test(
    `${engine} refuses a push at its first write, of which GitLab sees nothing`,
    scoped(async (scope) => {
      const { world } = await start({ engine }, scope);
      const { enter, env, folder, image } = world;
      const options = ['--insecure-policy', '--tmpdir', folder.path, 'copy', '--dest-creds', CREDENTIALS];
      const to = `docker://${PRIVATE_GITLAB}/${REPOSITORY}:v1`;
      const pushed = await run(await enter(engines.skopeo.path), [...options, `oci:${image.path}:v1`, to], {
        env,
        cwd: folder.path,
      });
      assert.is(pushed.code, 1);
      assert.match(pushed.text, /StatusCode: 405/);
      const methods = new Set(world.seenByGitlab().map(({ method }) => method));
      assert.equal([...methods].sort(), ['GET', 'HEAD']);
    }),
  );
}

test.run();
