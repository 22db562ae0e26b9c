import { loadAll } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { talos } from '../../../src/targets/talos/index.ts';
import { emitMirrors } from '../../support/mirrors.ts';

const test = suite('talos');
const document = (name: string, endpoints: object[], more: object = {}) => ({
  apiVersion: 'v1alpha1',
  kind: 'RegistryMirrorConfig',
  name,
  endpoints,
  ...more,
});

test('a document for each registry', () => {
  const mirrors = { '*': ['https://all.example.com/v2/cache', 'https://b.example.com'] };
  const [file] = emitMirrors(talos, { mirrors, fallback: false }).files;
  assert.equal(loadAll(file?.text ?? ''), [
    document('*', [{ url: 'https://all.example.com/v2/cache', overridePath: true }, { url: 'https://b.example.com' }], {
      skipFallback: true,
    }),
    document('registry.example.com', [{ url: 'https://gitlab-registry.privatelink.example.com' }], {
      skipFallback: true,
    }),
  ]);
});

test('the registry itself is tried last unless said otherwise', () => {
  const [file] = emitMirrors(talos, {}).files;
  assert.equal(loadAll(file?.text ?? ''), [
    document('registry.example.com', [{ url: 'https://gitlab-registry.privatelink.example.com' }]),
  ]);
  assert.equal(emitMirrors(talos, {}, { rewrites: false }), { files: [], problems: ['targets.talos mirror/none'] });
});

test.run();
