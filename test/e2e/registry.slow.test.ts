import { cp, readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { type Outcome, run } from '../engines/run.ts';
import { engineSuite } from '../engines/suite.ts';
import { scoped } from '../support/scoped.ts';
import { siteEngines } from './generated.ts';
import { CREDENTIALS, type RegistryWorld, registryWorldEngines, startRegistryWorld } from './registryWorld.ts';
import { type Edit, PRIVATE_REGISTRY } from './siteWorld.ts';

const { test, engines } = await engineSuite('registry', [...registryWorldEngines, 'skopeo']);

const REMOTE = `docker://${PRIVATE_REGISTRY}/group/app:v1`;

/** Copies an image as somebody does who knows the private names only. */
async function copy({ enter, env, folder }: RegistryWorld, from: string, to: string): Promise<Outcome> {
  const program = await enter(engines.skopeo.path);
  const source = from === REMOTE ? ['--src-creds', CREDENTIALS] : [];
  const destination = to === REMOTE ? ['--dest-creds', CREDENTIALS] : [];
  const args = ['--insecure-policy', '--tmpdir', folder.path, 'copy', ...source, ...destination, from, to];
  return run(program, args, { env, cwd: folder.path });
}

for (const engine of siteEngines) {
  test(
    `skopeo pushes and pulls by the private name through ${engine}`,
    scoped(async (scope) => {
      const world = await startRegistryWorld({ engine, engines }, scope);
      const pushed = await copy(world, `oci:${world.image.path}:v1`, REMOTE);
      assert.is(pushed.code, 0, pushed.text);
      const pulled = await copy(world, REMOTE, `oci:${world.folder.path}/pulled:v1`);
      assert.is(pulled.code, 0, pulled.text);
      const index = JSON.parse(await readFile(`${world.folder.path}/pulled/index.json`, 'utf8'));
      assert.is(index.manifests[0].digest, world.image.digest);
      const seen = world.seenByGitlab();
      assert.equal(
        seen.map(({ method, status }) => `${method} ${status}`),
        ['GET 200', 'GET 200'],
      );
      for (const { url, host, serverName } of seen) {
        assert.match(url, /^\/jwt\/auth\?account=deploy&scope=repository%3Agroup%2Fapp%3Apull/);
        assert.equal([host, serverName], ['gitlab.example.com', 'gitlab.example.com']);
      }
    }),
  );
}

for (const [engine, fallback] of [
  ['caddy', true],
  ['nginx', false],
] as const) {
  test(
    `skopeo pulls by the public name through registries.conf and ${engine}${fallback ? '' : ', with no way round it'}`,
    scoped(async (scope) => {
      const world = await startRegistryWorld({ engine, engines, targets: () => ({ crio: { fallback } }) }, scope);
      const { folder, generated, image } = world;
      const pushed = await copy(world, `oci:${image.path}:v1`, REMOTE);
      assert.is(pushed.code, 0, pushed.text);
      const publicName = 'docker://registry.example.com/group/app:v1';
      const before = await copy(world, publicName, `oci:${folder.path}/before:v1`);
      assert.is(before.code, 1);
      assert.match(before.text, /lookup registry\.example\.com/);
      // Credentials count for the host that is really asked, so nodes have to have them under the private name.
      const auths = { [PRIVATE_REGISTRY]: { auth: Buffer.from(CREDENTIALS).toString('base64') } };
      const authFile = await folder.write('auth.json', JSON.stringify({ auths }));
      // Where everybody's own settings are; those of a node would be below /etc.
      await cp(`${generated.path}/crio`, `${folder.path}/.config/containers`, { recursive: true });
      const env = { ...world.env, REGISTRY_AUTH_FILE: authFile };
      const pulled = await copy({ ...world, env }, publicName, `oci:${folder.path}/pulled:v1`);
      assert.is(pulled.code, 0, pulled.text);
      const index = JSON.parse(await readFile(`${folder.path}/pulled/index.json`, 'utf8'));
      assert.is(index.manifests[0].digest, image.digest);
    }),
  );
}

/** Takes the mapping of one header out of what was generated. */
const withoutMapping = (header: string): Readonly<Record<'caddy' | 'nginx', Edit>> => ({
  caddy: { file: 'caddy/Caddyfile', by: withoutLines(`header_down ${header} `) },
  nginx: { file: 'nginx/sites.conf', by: withoutLines(`(?:proxy_hide_header|add_header) ${header}[ ;]`) },
});

const withoutLines = (start: string) => (text: string) => text.replace(new RegExp(`^[ \\t]*${start}.*\\n`, 'gm'), '');

// What each mapping is for: without it the client is sent to a name that it cannot resolve. The registry makes its
// Location of the name that the site tells it.
for (const engine of ['caddy', 'nginx'] as const) {
  for (const [header, name] of [
    ['Www-Authenticate', 'gitlab.example.com'],
    ['Location', 'registry.example.com'],
  ] as const) {
    test(
      `a push through a site of ${engine} that does not map ${header} goes to ${name}, and fails`,
      scoped(async (scope) => {
        const world = await startRegistryWorld({ engine, engines, edit: withoutMapping(header)[engine] }, scope);
        const { code, text } = await copy(world, `oci:${world.image.path}:v1`, REMOTE);
        assert.is(code, 1);
        assert.match(text, new RegExp(`lookup ${name}`));
      }),
    );
  }
}

test.run();
