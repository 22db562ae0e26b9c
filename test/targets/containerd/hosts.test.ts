import { parse } from 'smol-toml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { containerd } from '../../../src/targets/containerd/index.ts';
import { emitMirrors } from '../../support/mirrors.ts';

const test = suite('containerd');
const capabilities = ['pull', 'resolve'];

function filesOf(options: object): Record<string, unknown> {
  const { files } = emitMirrors(containerd, options);
  return Object.fromEntries(
    files.map(({ path, text }) => [path.replace('containerd/certs.d/', ''), structuredClone(parse(text))]),
  );
}

test('a mirror first, then the registry', () => {
  assert.equal(filesOf({}), {
    'registry.example.com/hosts.toml': {
      server: 'https://registry.example.com',
      host: { 'https://gitlab-registry.privatelink.example.com': { capabilities } },
    },
  });
});

test('without fallback the mirror is the server', () => {
  assert.equal(filesOf({ fallback: false, caFile: '/etc/ca.pem' }), {
    'registry.example.com/hosts.toml': {
      server: 'https://gitlab-registry.privatelink.example.com',
      capabilities,
      ca: '/etc/ca.pem',
      host: {},
    },
  });
});

test('ports, paths, several endpoints, Docker Hub and all other registries', () => {
  const mirrors = {
    'gitlab.example.com:443': ['https://b.example.com', 'https://a.example.com/v2/cache'],
    'docker.io': ['https://hub.example.com'],
    '*': ['https://all.example.com'],
  };
  const { files } = emitMirrors(containerd, { mirrors, caFile: '/ca.pem' });
  const [, , port] = files;
  assert.ok(
    (port?.text.indexOf('b.example.com') ?? 0) < (port?.text.indexOf('a.example.com') ?? 0),
    'the order of the spec',
  );
  const { 'registry.example.com/hosts.toml': _, ...others } = filesOf({ mirrors, caFile: '/ca.pem' });
  const host = { capabilities, ca: '/ca.pem' };
  assert.equal(others, {
    '_default/hosts.toml': { host: { 'https://all.example.com': host } },
    'docker.io/hosts.toml': { server: 'https://registry-1.docker.io', host: { 'https://hub.example.com': host } },
    'gitlab.example.com_443_/hosts.toml': {
      server: 'https://gitlab.example.com:443',
      host: { 'https://b.example.com': host, 'https://a.example.com/v2/cache': { ...host, override_path: true } },
    },
  });
});

test('no registry, no file', () => {
  assert.equal(emitMirrors(containerd, {}, { rewrites: false }), {
    files: [],
    problems: ['targets.containerd mirror/none'],
  });
});

test.run();
