import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { compile } from '../../../src/compile.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { mustRun, run } from '../../engines/run.ts';
import { engineSuite } from '../../engines/suite.ts';
import { type Cluster, startCluster } from '../../support/cluster.ts';
import { ALL_OPTIONS } from '../gitlabRunner/specs.ts';
import { FORMS, specOf } from './specs.ts';

const { test, engines } = await engineSuite('what is made for clusters, at a real API server', [
  'kubernetes',
  'kubectl',
  'helm',
]);
let cluster: Cluster;
test.before(async () => {
  cluster = await startCluster(engines.kubernetes.path, engines.kubectl.path);
});
test.after(async () => cluster.stop());

/** The files of a spec in a folder, and what is done with them there. */
async function withFiles(text: string, work: (folder: string) => Promise<void>): Promise<void> {
  const { files, diagnostics } = compile(text, { file: 'postern.yaml', read: () => undefined });
  assert.ok(files, JSON.stringify(diagnostics));
  const folder = await temporaryFolder();
  try {
    for (const file of files) await folder.write(file.path, file.text);
    await work(folder.path);
  } finally {
    await folder.remove();
  }
}

/** Everything in a place is accepted before it is there, then put there, and is then what the server has. */
async function accepted(...place: readonly string[]): Promise<void> {
  const strictly = ['apply', ...place, '--validate=strict'];
  const tried = await cluster.mustKubectl(...strictly, '--dry-run=server');
  assert.match(tried, /created \(server dry run\)/);
  await cluster.mustKubectl(...strictly);
  const { code, text } = await cluster.kubectl('diff', ...place);
  assert.equal({ code, text }, { code: 0, text: '' });
}

for (const [name, parts] of Object.entries(FORMS)) {
  test(`the Kustomize base, form ${name}: accepted, applied, and in sync then`, async () => {
    const options = `${parts.options ?? 'clientAddress: cluster'}, namespace: form-${name}`;
    await cluster.mustKubectl('create', 'namespace', `form-${name}`);
    await withFiles(specOf({ ...parts, options }), async (folder) => accepted('-k', folder));
  });
}

test('one changed field is found', () =>
  withFiles(specOf({ options: 'clientAddress: cluster, namespace: form-cluster' }), async (folder) => {
    await cluster.mustKubectl('-n', 'form-cluster', 'patch', 'deployment', 'access', '--type=json', '-p', READ_WRITE);
    const { code, text } = await cluster.kubectl('diff', '-k', folder);
    assert.is(code, 1, text);
    const changed = text.split('\n').filter((line) => /^[-+] /.test(line) && !/generation:/.test(line));
    assert.equal(
      changed.map((line) => line.replace(/^(.) +/, '$1 ')),
      ['- readOnlyRootFilesystem: false', '+ readOnlyRootFilesystem: true'],
    );
  }));

const READ_WRITE = JSON.stringify([
  { op: 'replace', path: '/spec/template/spec/containers/0/securityContext/readOnlyRootFilesystem', value: false },
]);

test('a route that is added is a difference, by its file', () =>
  withFiles(specOf({ options: 'clientAddress: cluster, namespace: form-cluster' }), async (folder) => {
    await cluster.mustKubectl('apply', '-k', folder);
    const routes = join(folder, 'nginx/api.routes.conf');
    writeFileSync(routes, `${readFileSync(routes, 'utf8')}# one more line\n`);
    const { code, text } = await cluster.kubectl('diff', '-k', folder);
    assert.is(code, 1, text);
    assert.match(text, /^\+.*# one more line/m);
  }));

test('a field that Kubernetes does not know is refused, so that the above means something', () =>
  withFiles(specOf({ options: 'clientAddress: cluster, namespace: form-cluster' }), async (folder) => {
    const file = join(folder, 'kubernetes/deployment.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem'));
    const { code, text } = await cluster.kubectl('apply', '-k', folder, '--validate=strict', '--dry-run=server');
    assert.is(code, 1);
    assert.match(
      text,
      /unknown field "spec\.template\.spec\.containers\[0\]\.securityContext\.readOnlyRootFileSystem"/,
    );
  }));

const chart = fileURLToPath(new URL('../gitlabRunner/chart', import.meta.url));

test('runners: the values through Helm are accepted, and the runner may do what it needs and no more', async () => {
  for (const space of ['dev', 'runners']) await cluster.mustKubectl('create', 'namespace', space);
  await withFiles(ALL_OPTIONS, async (folder) => {
    const values = join(folder, 'gitlabRunner/values.yaml');
    const args = ['template', 'ci', chart, '--namespace', 'runners', '--values', values];
    const objects = join(folder, 'objects.yaml');
    writeFileSync(objects, await mustRun(engines.helm.path, args));
    await accepted('-f', objects, '-f', join(folder, 'gitlabRunner/mirrors.yaml'));
    const may = async (verb: string, what: string, space = 'dev') => {
      const [resource = '', part = ''] = what.split('/');
      const who = ['--as=system:serviceaccount:runners:ci', '-n', space, `--subresource=${part}`];
      return (await cluster.kubectl('auth', 'can-i', verb, resource, ...who)).code === 0;
    };
    for (const [verb, what] of [
      ['create', 'pods'],
      ['watch', 'pods'],
      ['create', 'pods/attach'],
      ['patch', 'pods/exec'],
      ['get', 'pods/log'],
      ['update', 'secrets'],
      ['get', 'serviceaccounts'],
      ['create', 'services'],
    ] as const)
      assert.ok(await may(verb, what), `${verb} ${what}`);
    for (const [verb, what] of [
      ['list', 'secrets'],
      ['create', 'deployments'],
      ['update', 'configmaps'],
      ['create', 'serviceaccounts'],
      ['create', 'rolebindings'],
      ['create', 'serviceaccounts/token'],
    ] as const)
      assert.not.ok(await may(verb, what), `${verb} ${what}`);
    assert.not.ok(await may('create', 'pods', 'runners'), 'jobs have a namespace of their own');
  });
});

const examples = fileURLToPath(new URL('../../../examples/', import.meta.url));
for (const file of [
  'addresses/generated/ipRanges/network-policies.yaml',
  'privatelink/generated/coredns/configmap.yaml',
]) {
  test(`examples/${file}`, async () => {
    await accepted('-f', join(examples, file));
  });
}

/** The kinds of objects that External Secrets brings, as the Go proxy has them in a version of it. */
async function kindsOfExternalSecrets(): Promise<string | undefined> {
  const module = 'github.com/external-secrets/external-secrets@v1.3.2';
  const { code, text } = await run('go', ['mod', 'download', '-json', module], {
    env: { ...process.env, GOFLAGS: '-mod=mod' },
  });
  if (code === 0) return join(JSON.parse(text).Dir, 'config/crds/bases');
  assert.is.not(process.env['CI'], 'true', text);
  console.log(`skipped: the kinds of External Secrets could not be had (${text.trim().split('\n').at(-1)})`);
  return undefined;
}

test('vault: External Secrets', async () => {
  const kinds = await kindsOfExternalSecrets();
  if (kinds === undefined) return;
  const names = ['generators.external-secrets.io_vaultdynamicsecrets', 'external-secrets.io_externalsecrets'];
  const files = names.flatMap((name) => ['-f', join(kinds, `${name}.yaml`)]);
  await cluster.mustKubectl('apply', '--server-side', ...files);
  await cluster.mustKubectl('wait', '--for=condition=Established', '--timeout=60s', ...files);
  await accepted('-f', join(examples, 'vault/generated/vault/external-secrets.yaml'));
});

test.run();
