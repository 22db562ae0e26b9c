import { load } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { k3sRegistries } from '../../../src/targets/k3sRegistries/index.ts';
import { emitMirrors } from '../../support/mirrors.ts';

const test = suite('k3sRegistries');
const textOf = (options: object, more = {}) => load(emitMirrors(k3sRegistries, options, more).files[0]?.text ?? '');

test('mirrors by registry, certificates by the host that is contacted', () => {
  const mirrors = { 'docker.io': ['https://hub.example.com:8443/v2/cache', 'https://hub2.example.com'] };
  const tls = { ca_file: '/etc/ca.pem' };
  assert.equal(textOf({ mirrors, caFile: '/etc/ca.pem' }), {
    mirrors: {
      'docker.io': { endpoint: mirrors['docker.io'] },
      'registry.example.com': { endpoint: ['https://gitlab-registry.privatelink.example.com'] },
    },
    configs: {
      'gitlab-registry.privatelink.example.com': { tls },
      'hub.example.com:8443': { tls },
      'hub2.example.com': { tls },
    },
  });
});

test('without a registry the file is still one', () => {
  assert.equal(textOf({}, { rewrites: false }), { mirrors: {} });
  assert.equal(emitMirrors(k3sRegistries, {}, { rewrites: false }).problems, ['targets.k3sRegistries mirror/none']);
});

test.run();
