import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { mustRun } from '../engines/run.ts';
import { engineSuite } from '../engines/suite.ts';
import { scoped } from '../support/scoped.ts';
import { siteEngines } from './generated.ts';
import { type ClusterNode, startNode } from './node.ts';
import {
  CREDENTIALS,
  type RegistryWorld,
  type RegistryWorldOptions,
  registryWorldEngines,
  startRegistryWorld,
} from './registryWorld.ts';
import { PRIVATE_GITLAB, PRIVATE_REGISTRY } from './siteWorld.ts';

const APP = 'registry.example.com/group/app:v1';
/** As CI jobs name it: GitLab puts the port into the variable that they take it from. */
const ALPINE = 'gitlab.example.com:443/grp/dependency_proxy/containers/alpine:latest';

async function push({ enter, env, folder, image }: RegistryWorld, skopeo: string): Promise<void> {
  const options = ['--insecure-policy', '--tmpdir', folder.path, 'copy', '--dest-creds', CREDENTIALS];
  const to = `docker://${PRIVATE_REGISTRY}/group/app:v1`;
  await mustRun(await enter(skopeo), [...options, `oci:${image.path}:v1`, to], { env, cwd: folder.path });
}

async function assertPulls(node: ClusterNode, image: string, digest: string): Promise<void> {
  const { code, text } = await node.pull(image);
  assert.is(code, 0, text);
  assert.is(await node.digest(image), digest);
}

/** What GitLab was asked for tokens: by POST first, which it refuses in a way that lets containerd go on. */
const tokenRequests = [
  'POST /jwt/auth 404',
  'GET /jwt/auth?scope=repository%3Agroup%2Fapp%3Apull&service=container_registry 200',
  'GET /jwt/auth?scope=repository%3Agrp%2Fdependency_proxy%2Fcontainers%2Falpine%3Apull&service=dependency_proxy 200',
];

const suites: Test[] = [];
for (const age of ['', '-newest'] as const) {
  const [containerd, ctr] = [`containerd${age}`, `ctr${age}`] as const;
  const { test, engines } = await engineSuite(containerd, [...registryWorldEngines, 'skopeo', containerd, ctr]);
  suites.push(test);

  for (const engine of siteEngines) {
    for (const fallback of [true, false]) {
      test(
        `pulls by public names through hosts.toml and ${engine}${fallback ? '' : ', with no way round it'}`,
        scoped(async (scope) => {
          const mirrors = { 'gitlab.example.com:443': [`https://${PRIVATE_GITLAB}`] };
          const targets: RegistryWorldOptions['targets'] = (caFile) => ({ containerd: { caFile, fallback, mirrors } });
          const world = await startRegistryWorld({ engine, engines, targets }, scope);
          await push(world, engines.skopeo.path);
          const before = world.seenByGitlab().length;
          const node = await startNode(world, { containerd: engines[containerd], ctr: engines[ctr] }, scope);
          await assertPulls(node, APP, world.image.digest);
          await assertPulls(node, ALPINE, world.image.digest);
          const seen = world.seenByGitlab().slice(before);
          for (const { host, serverName } of seen)
            assert.equal([host, serverName], Array(2).fill('gitlab.example.com'));
          const requests = seen.map(({ method, url, status }) => `${method} ${url} ${status}`);
          assert.equal([...new Set(requests.filter((line) => line.includes(' /jwt/')))], tokenRequests);
          const elsewhere = await node.pull(APP, `${world.folder.path}/nowhere`);
          assert.is(elsewhere.code, 1);
          assert.match(elsewhere.text, /lookup registry\.example\.com/);
        }),
      );
    }
  }
}
for (const test of suites) test.run();
