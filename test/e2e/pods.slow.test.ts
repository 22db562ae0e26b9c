import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { mustRun } from '../engines/run.ts';
import { engineSuite } from '../engines/suite.ts';
import { scoped } from '../support/scoped.ts';
import { siteEngines } from './generated.ts';
import { CREDENTIALS, registryWorldEngines, startRegistryWorld } from './registryWorld.ts';

const REMOTE = 'docker://registry.example.com/group/app:v1';

// The names as the rest of the network has them: the public addresses are out of reach from here.
const network = `. {
    bind 127.0.0.2
    hosts {
        127.0.0.1 gitlab.privatelink.example.com gitlab-registry.privatelink.example.com
        192.0.2.1 gitlab.example.com registry.example.com
    }
}
`;

const { test, engines } = await engineSuite('pods', [...registryWorldEngines, 'skopeo', 'coredns', 'coredns-oldest']);

for (const engine of siteEngines) {
  for (const dns of ['coredns', 'coredns-oldest'] as const) {
    test(
      `push and pull by the public name through ${dns} and ${engine}`,
      scoped(async (scope) => {
        const targets = () => ({ coredns: { form: 'corefile', bind: ['127.0.0.1'], forward: ['127.0.0.2'] } });
        const world = await startRegistryWorld({ engine, engines, targets, hosts: [] }, scope);
        const { folder, generated, image, env } = world;
        const program = engines[dns].path;
        const ready = { line: /^CoreDNS-/m };
        await world.start({ program, args: ['-conf', await folder.write('Corefile', network)], ready });
        await world.start({ program, args: ['-conf', `${generated.path}/coredns/Corefile`], ready });
        const skopeo = await world.enter(engines.skopeo.path);
        const copy = ['--insecure-policy', '--tmpdir', folder.path, 'copy'];
        const local = (name: string) => `oci:${folder.path}/${name}:v1`;
        await mustRun(skopeo, [...copy, '--dest-creds', CREDENTIALS, local('image'), REMOTE], { env });
        await mustRun(skopeo, [...copy, '--src-creds', CREDENTIALS, REMOTE, local('pulled')], { env });
        const index = JSON.parse(await readFile(`${folder.path}/pulled/index.json`, 'utf8'));
        assert.is(index.manifests[0].digest, image.digest);
      }),
    );
  }
}

test.run();
