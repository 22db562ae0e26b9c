import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { targets } from '../../src/targets/index.ts';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { startServer } from '../../src/verify/process.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { run } from '../engines/run.ts';
import { engineSuite } from '../engines/suite.ts';
import { emitMirrors } from '../support/mirrors.ts';
import { scoped } from '../support/scoped.ts';

const target = (name: string) => {
  const found = targets.find((one) => one.name === name);
  if (!found) throw new Error(name);
  return found;
};
const filesOf = (name: string, mirrors: Readonly<Record<string, readonly string[]>>, more: object = {}) =>
  emitMirrors(target(name), { mirrors, ...more }, { rewrites: false });

const test = suite('mirrors on the node itself');
const peers = 'http://127.0.0.1:30020';
const both = { 'docker.io': [peers, 'https://cache.example.com'] };
for (const [name, text] of [
  ['bottlerocket', `endpoint = ["${peers}", "https://cache.example.com"]`],
  ['containerd', `[host."${peers}"]\ncapabilities = ["pull", "resolve"]\n\n[host."https://cache.example.com"]`],
  ['crio', 'location = "127.0.0.1:30020"\ninsecure = true\n\n[[registry.mirror]]\nlocation = "cache.example.com"\n'],
  ['docker', `"${peers}"`],
  ['k3sRegistries', `      - "${peers}"\n`],
  ['talos', `  - url: "${peers}"\n`],
] as const) {
  test(`${name} asks them over plain HTTP`, () => {
    const { files, problems } = filesOf(name, both);
    assert.equal(
      problems.filter((problem) => !problem.endsWith('own-order')),
      [],
    );
    assert.ok(files[0]?.text.includes(text), files[0]?.text);
  });
  test(`${name} asks nobody else over plain HTTP`, () => {
    const asks = (endpoint: string) => target(name).options.safeParse({ mirrors: { 'docker.io': [endpoint] } }).success;
    for (const endpoint of ['http://localhost', 'http://localhost:5000', 'http://127.0.0.2:5000'])
      assert.ok(asks(endpoint), endpoint);
    for (const host of ['10.0.0.1:5000', 'cache.example.com', '127.example.com', 'localhost.example.com', '128.0.0.1'])
      assert.not.ok(asks(`http://${host}`), host);
  });
}
test('an authority is for those that are asked over HTTPS', () => {
  const [hosts] = filesOf('containerd', both, { caFile: '/ca.pem' }).files;
  assert.match(
    hosts?.text ?? '',
    /30020"\]\ncapabilities = .*\n\n.*cache\.example\.com"\]\ncapabilities = .*\nca = "\/ca\.pem"/,
  );
  const [k3s] = filesOf('k3sRegistries', both, { caFile: '/ca.pem' }).files;
  assert.match(k3s?.text ?? '', /configs:\n {2}"cache\.example\.com":\n/);
  assert.not.match(k3s?.text ?? '', '"127.0.0.1:30020":');
});
test.run();

/** A mirror without images that remembers what it was asked. */
async function startMirror(scope: Scope): Promise<{ readonly url: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const server = createServer(({ method, url }, response) => {
    asked.push(`${method} ${url}`);
    response.writeHead(url === '/v2/' ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(async () => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const IMAGE = 'registry.postern.invalid/group/app:v1';

const { test: skopeo, engines: clients } = await engineSuite('skopeo and a mirror on the node', ['skopeo']);
for (const fallback of [true, false])
  skopeo(
    `asks it over plain HTTP${fallback ? '' : ', and nobody else'}`,
    scoped(async (scope) => {
      const { url, asked } = await startMirror(scope);
      const folder = await temporaryFolder();
      scope.defer(() => folder.remove());
      const [file] = filesOf('crio', { 'registry.postern.invalid': [url] }, { fallback }).files;
      await folder.write('.config/containers/registries.conf', file?.text ?? '');
      const env = { ...process.env, HOME: folder.path, XDG_CONFIG_HOME: `${folder.path}/.config` };
      const question = ['inspect', '--retry-times=0', `docker://${IMAGE}`];
      const { text } = await run(clients.skopeo.path, question, { env });
      assert.ok(asked.includes('GET /v2/group/app/manifests/v1'), text);
      assert.is(text.includes('lookup registry.postern.invalid'), fallback, text);
    }),
  );
skopeo.run();

for (const age of ['', '-newest'] as const) {
  const names = [`containerd${age}`, `ctr${age}`] as const;
  const { test: node, engines } = await engineSuite(`containerd${age} and a mirror on the node`, names);
  node(
    'asks it over plain HTTP, whatever authority the others are verified with',
    scoped(async (scope) => {
      const { url, asked } = await startMirror(scope);
      const folder = await temporaryFolder();
      scope.defer(() => folder.remove());
      const options = { fallback: false, caFile: `${folder.path}/ca.pem` };
      for (const { path, text } of filesOf('containerd', { 'registry.postern.invalid': [url] }, options).files)
        await folder.write(path, text);
      await folder.write(
        'config.toml',
        `version = 2\nroot = "${folder.path}/root"\nstate = "${folder.path}/state"\n` +
          'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]\n' +
          `[grpc]\naddress = "${folder.path}/sock"\n[plugins."io.containerd.internal.v1.opt"]\npath = "${folder.path}/opt"\n`,
      );
      const ctr = (...args: string[]) => run(engines[names[1]].path, ['--address', `${folder.path}/sock`, ...args]);
      const server = await startServer({
        command: engines[names[0]].path,
        args: ['--config', `${folder.path}/config.toml`],
        cwd: folder.path,
        ready: async () => (await ctr('version')).code === 0,
      });
      scope.defer(() => server.stop());
      const { text } = await ctr('content', 'fetch', '--hosts-dir', `${folder.path}/containerd/certs.d`, IMAGE);
      const manifest = '/v2/group/app/manifests/v1?ns=registry.postern.invalid';
      assert.equal([...new Set(asked)], [`HEAD ${manifest}`, `GET ${manifest}`].slice(0, new Set(asked).size), text);
      assert.ok(asked.length > 0, text);
    }),
  );
  node.run();
}
