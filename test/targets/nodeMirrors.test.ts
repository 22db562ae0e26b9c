import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { diffAccess } from '../../src/accessDiff/diff.ts';
import type { Policy } from '../../src/policy/types.ts';
import { targets } from '../../src/targets/index.ts';
import type { RenderedFile } from '../../src/targets/target.ts';
import { temporaryFolder } from '../../src/verify/folder.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { run } from '../engines/run.ts';
import { engineSuite } from '../engines/suite.ts';
import { startContainerd } from '../support/containerd.ts';
import { emitMirrors } from '../support/mirrors.ts';
import { policyOf } from '../support/policy.ts';
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

const PORTS = policyOf({
  domainRewrites: [
    { from: 'registry.example.com:5050', to: 'registry.link.example.com:5050', containerRegistry: true },
    { from: 'other.example.com', to: 'other.link.example.com:5000', containerRegistry: true },
  ],
});
const emitPorts = (name: string) =>
  target(name).emit({ policy: PORTS, options: {}, at: ['targets', name], read: () => undefined });
for (const [name, text] of [
  ['bottlerocket', 'registry = "registry.example.com:5050"\nendpoint = ["https://registry.link.example.com:5050"]\n'],
  [
    'containerd',
    'server = "https://registry.example.com:5050"\n\n[host."https://registry.link.example.com:5050"]\ncapabilities',
  ],
  [
    'crio',
    'prefix = "registry.example.com:5050"\nlocation = "registry.example.com:5050"\n\n[[registry.mirror]]\nlocation = "registry.link.example.com:5050"\n',
  ],
  [
    'k3sRegistries',
    '  "registry.example.com:5050":\n    endpoint:\n      - "https://registry.link.example.com:5050"\n',
  ],
  ['talos', 'name: "registry.example.com:5050"\nendpoints:\n  - url: "https://registry.link.example.com:5050"\n'],
] as const)
  test(`${name} finds a registry on a port of its own by that port`, () => {
    const { value = [], diagnostics } = emitPorts(name);
    assert.equal(diagnostics, []);
    const made = value.map((file) => file.text).join('\n');
    assert.ok(made.includes(text), made);
    assert.ok(made.includes('other.link.example.com:5000'), made);
    if (name === 'containerd') assert.match(value[1]?.path ?? '', 'registry.example.com_5050_/hosts.toml');
  });
test('docker has no mirror of a registry on a port of its own, and CoreDNS no rule', () => {
  const { value, diagnostics } = emitPorts('docker');
  assert.is(value, undefined);
  assert.equal(
    diagnostics.map(({ code, at }) => `${at.join('.')} ${code}`),
    ['domainRewrites.1 mirror/unsupported', 'domainRewrites.0 mirror/unsupported'],
  );
  assert.match(diagnostics[1]?.hint ?? '', 'let the node resolve "registry.example.com" to');
  const { value: [file] = [] } = emitPorts('coredns');
  assert.not.match(file?.text ?? '', 'rewrite');
});
test('a registry on a port of its own that is pulled from elsewhere is a change of access', () => {
  const none = { ...PORTS, registries: [] };
  const told = (before: Policy, after: Policy) =>
    (diffAccess(before, after).value ?? []).map(({ effect, message }) => `${effect}: ${message}`);
  assert.equal(told(none, PORTS), [
    'unclear: other.example.com is pulled from other.link.example.com:5000 now (before: itself)',
    'unclear: registry.example.com:5050 is pulled from registry.link.example.com:5050 now (before: itself)',
  ]);
  assert.is(told(PORTS, none).length, 2);
  assert.equal(told(PORTS, PORTS), []);
});
test.run();

/** A registry that is asked over TLS, and ends each connection at once. */
async function startRegistry(scope: Scope): Promise<{ readonly host: string; readonly connections: () => number }> {
  let count = 0;
  const server = createTcpServer((socket) => {
    count += 1;
    socket.on('error', () => {}).destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(async () => void server.close());
  return { host: `localhost:${(server.address() as AddressInfo).port}`, connections: () => count };
}

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
const PORT_IMAGE = 'registry.postern.invalid:5050/group/app:v1';

/** What a target makes of a registry on a port of its own that leads to another. */
function portFiles(name: string, to: string, options: object) {
  const domainRewrites = [{ from: 'registry.postern.invalid:5050', to, containerRegistry: true }];
  const policy = policyOf({ domainRewrites });
  return target(name).emit({ policy, options, at: ['targets', name], read: () => undefined }).value ?? [];
}

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
skopeo(
  'finds a registry on a port of its own',
  scoped(async (scope) => {
    const { host, connections } = await startRegistry(scope);
    const folder = await temporaryFolder();
    scope.defer(() => folder.remove());
    const [file] = portFiles('crio', host, { fallback: false });
    await folder.write('.config/containers/registries.conf', file?.text ?? '');
    const env = { ...process.env, HOME: folder.path, XDG_CONFIG_HOME: `${folder.path}/.config` };
    const { text } = await run(clients.skopeo.path, ['inspect', '--retry-times=0', `docker://${PORT_IMAGE}`], { env });
    assert.ok(connections() > 0, text);
  }),
);
skopeo.run();

for (const age of ['', '-newest'] as const) {
  const names = [`containerd${age}`, `ctr${age}`] as const;
  const { test: node, engines } = await engineSuite(`containerd${age} and mirrors`, names);
  /** What ctr says when it fetches an image by the hosts that were generated. */
  const fetch = async (scope: Scope, image: string, files: readonly RenderedFile[]): Promise<string> => {
    const folder = await temporaryFolder();
    scope.defer(() => folder.remove());
    for (const { path, text } of files) await folder.write(path, text);
    const programs = { containerd: engines[names[0]].path, ctr: engines[names[1]].path };
    const ctr = await startContainerd(programs, `${folder.path}/home`, scope);
    const hosts = `${folder.path}/containerd/certs.d`;
    return (await ctr('content', 'fetch', '--hosts-dir', hosts, image)).text;
  };

  node(
    'asks the node itself over plain HTTP, whatever authority the others are verified with',
    scoped(async (scope) => {
      const { url, asked } = await startMirror(scope);
      const options = { fallback: false, caFile: '/nowhere/ca.pem' };
      const text = await fetch(
        scope,
        IMAGE,
        filesOf('containerd', { 'registry.postern.invalid': [url] }, options).files,
      );
      const manifest = '/v2/group/app/manifests/v1?ns=registry.postern.invalid';
      assert.ok(asked.includes(`HEAD ${manifest}`), text);
    }),
  );
  node(
    'finds a registry on a port of its own',
    scoped(async (scope) => {
      const { host, connections } = await startRegistry(scope);
      const text = await fetch(scope, PORT_IMAGE, portFiles('containerd', host, {}));
      assert.ok(connections() > 0, text);
    }),
  );
  node.run();
}
