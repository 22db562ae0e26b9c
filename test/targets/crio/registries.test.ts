import { once } from 'node:events';
import { createServer } from 'node:net';
import { parse } from 'smol-toml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crio } from '../../../src/targets/crio/index.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { freePort } from '../../../src/verify/ports.ts';
import { run } from '../../engines/run.ts';
import { engineSuite } from '../../engines/suite.ts';
import { emitMirrors } from '../../support/mirrors.ts';

const test = suite('crio');
const registryOf = (options: object) => {
  const [file] = emitMirrors(crio, options).files;
  assert.is(file?.path, 'crio/registries.conf.d/50-postern-test.conf');
  return structuredClone(parse(file?.text ?? ''))['registry'];
};

test('a mirror first, then the registry', () => {
  const mirror = [{ location: 'gitlab-registry.privatelink.example.com' }];
  assert.equal(registryOf({}), [{ prefix: 'registry.example.com', location: 'registry.example.com', mirror }]);
});

test('without fallback the last mirror is the location', () => {
  const mirrors = { 'registry.example.com': ['https://a.example.com/v2/cache', 'https://b.example.com:8443/v2'] };
  const mirror = [{ location: 'a.example.com/cache' }];
  assert.equal(registryOf({ mirrors, fallback: false }), [
    { prefix: 'registry.example.com', location: 'b.example.com:8443', mirror },
  ]);
});

test('what a location cannot say is refused', () => {
  const mirrors = { '*': ['https://a.example.com'], 'b.example.com': ['https://a.example.com/proxy/v2'] };
  const { files, problems } = emitMirrors(crio, { mirrors });
  assert.is(files.length, 0);
  assert.equal(problems, [
    'targets.crio.mirrors.* mirror/unsupported',
    'targets.crio.mirrors.b.example.com mirror/unsupported',
  ]);
});

test.run();

const { test: real, engines } = await engineSuite('skopeo on registries.conf', ['skopeo']);
real('contacts the mirror', async () => {
  const folder = await temporaryFolder();
  const port = await freePort();
  const server = createServer((socket) => socket.on('error', () => {}).destroy()).listen(port, '127.0.0.1');
  await once(server, 'listening');
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  try {
    const mirrors = { 'registry.postern.invalid': [`https://localhost:${port}`] };
    const text = emitMirrors(crio, { mirrors, fallback: false }).files[0]?.text ?? '';
    await folder.write('.config/containers/registries.conf', text);
    const env = { ...process.env, HOME: folder.path, XDG_CONFIG_HOME: `${folder.path}/.config` };
    const outcome = await run(
      engines.skopeo.path,
      ['inspect', '--retry-times=0', 'docker://registry.postern.invalid/group/app:v1'],
      { env },
    );
    assert.ok(connections > 0, outcome.text);
    assert.ok(outcome.text.includes(`localhost:${port}`), outcome.text);
  } finally {
    server.close();
    await folder.remove();
  }
});
real.run();
