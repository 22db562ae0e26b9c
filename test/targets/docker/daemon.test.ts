import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { docker } from '../../../src/targets/docker/index.ts';
import { emitMirrors } from '../../support/mirrors.ts';

const test = suite('docker');
const hub = { 'docker.io': ['https://a.example.com', 'https://b.example.com:8443'] };

test('Docker Hub has mirrors', () => {
  const { files, problems } = emitMirrors(docker, { mirrors: hub }, { rewrites: false });
  assert.equal(problems, []);
  assert.equal(JSON.parse(files[0]?.text ?? ''), { 'registry-mirrors': hub['docker.io'] });
});

test('nothing else has', () => {
  const { files, problems } = emitMirrors(docker, { mirrors: hub });
  assert.is(files.length, 0);
  assert.equal(problems, ['domainRewrites.0 mirror/unsupported']);
  const paths = emitMirrors(docker, { mirrors: { 'docker.io': ['https://a.example.com/v2'] } }, { rewrites: false });
  assert.equal(paths.problems, ['targets.docker.mirrors.docker.io mirror/unsupported']);
});

test('no registry is pointed out', () => {
  const { files, problems } = emitMirrors(docker, {}, { rewrites: false });
  assert.equal(JSON.parse(files[0]?.text ?? ''), { 'registry-mirrors': [] });
  assert.equal(problems, ['targets.docker mirror/none']);
});

test.run();
