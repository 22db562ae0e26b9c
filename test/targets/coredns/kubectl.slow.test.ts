import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import * as assert from 'uvu/assert';
import { diffLive } from '../../../src/commands/diffLive.ts';
import { generate } from '../../../src/commands/generate.ts';
import { type TemporaryFolder, temporaryFolder } from '../../../src/verify/folder.ts';
import { engineSuite } from '../../engines/suite.ts';
import { recordingIo } from '../../support/captured.ts';
import { postern } from '../../support/cli.ts';
import { type Kubectl, startKubectl } from './kubectl.ts';

const spec = (options: string) => `version: 1
name: kubectl
domainRewrites:
  - { from: gitlab.example.com, to: gitlab.privatelink.example.com }
  - { from: "*.pages.example.com", to: "*.pages.privatelink.example.com" }
targets: { coredns: { ${options} } }
`;

const GIVEN = `apiVersion: v1
data:
  Corefile: |
    .:53 {
        errors

        kubernetes cluster.local in-addr.arpa ip6.arpa {
          pods insecure
        }
        forward . /etc/resolv.conf
    }
kind: ConfigMap
metadata:
  name: coredns
  namespace: kube-system
`;

/** Options, the file that they make, and whether that is an object of Kubernetes or only the Corefile of one. */
const FORMS: readonly [options: string, file: string, kind: 'object' | 'Corefile'][] = [
  ['form: configMap', 'configmap.yaml', 'object'],
  ['form: configMap, merge: given.yaml', 'configmap.yaml', 'object'],
  ['form: configMap, merge: given.json', 'configmap.json', 'object'],
  ['form: configMap, merge: blanks.yaml', 'configmap.yaml', 'object'],
  ['form: aks', 'coredns-custom.yaml', 'object'],
  ['form: k3s', 'coredns-custom.yaml', 'object'],
  ['form: nodeLocal, bind: [169.254.20.10]', 'node-local-dns.yaml', 'object'],
  ['form: eks', 'eks.yaml', 'Corefile'],
  ['form: eks, merge: given.yaml', 'eks.yaml', 'Corefile'],
  ['form: corefile', 'Corefile', 'Corefile'],
];

const { test, engines } = await engineSuite('kubectl', ['kubectl']);
let folder: TemporaryFolder;
let kubectl: Kubectl;
test.before(async () => {
  folder = await temporaryFolder();
  kubectl = await startKubectl(engines.kubectl.path, folder.path);
  const create = ['--validate=false', '-f', await folder.write('given.yaml', GIVEN), '-o'];
  await folder.write('given.json', await kubectl.create([...create, 'json']));
  // With a blank at a line's end kubectl prints it in quotes, with line breaks where it likes.
  await folder.write('given.yaml', GIVEN.replace('errors', 'errors '));
  await folder.write('blanks.yaml', await kubectl.create([...create, 'yaml']));
  await folder.write('given.yaml', GIVEN);
});
test.after(async () => {
  await kubectl.stop();
  await folder.remove();
});

/** What kubectl makes of the file that the spec makes. */
async function throughKubectl(file: string, kind: 'object' | 'Corefile', output: string): Promise<string> {
  const path = join(folder.path, 'generated/coredns', file);
  if (kind === 'object') return kubectl.create(['--validate=false', '-f', path, '-o', output]);
  const text = await readFile(path, 'utf8');
  const corefile = file === 'eks.yaml' ? (load(text) as { corefile: string }).corefile : text;
  const from = `--from-file=Corefile=${await folder.write('Corefile', corefile)}`;
  return kubectl.create(['configmap', 'coredns', '-n', 'kube-system', from, '-o', output]);
}

const make = (specFile: string) => generate({ spec: specFile, force: true, format: 'text' }, recordingIo().io);

async function compare(specFile: string, live: string) {
  const { io, said } = recordingIo(live);
  const status = await diffLive({ spec: specFile, live: ['coredns=-'], format: 'text' }, io);
  return { status, ...said() };
}

for (const [options, file, kind] of FORMS) {
  test(`{ ${options} } is taken by kubectl and in sync with what it prints, until somebody edits that`, async () => {
    const specFile = await folder.write('postern.yaml', spec(options));
    assert.is(await make(specFile), 0);
    const json = await throughKubectl(file, kind, 'json');
    const yaml = await throughKubectl(file, kind, 'yaml');
    for (const text of Object.values((load(yaml) as { data: object }).data)) assert.type(text, 'string');
    assert.match(yaml, options.includes('blanks') ? /^ {2}Corefile: "/m : /^ {4,}rewrite stop name/m);
    for (const live of [json, yaml]) {
      assert.equal(await compare(specFile, live), { status: 0, out: 'in sync with what runs\n', err: '' });
    }
    const { status, out } = await compare(specFile, yaml.replace(/(\s)gitlab\.privatelink\./, '$1gitlab.elsewhere.'));
    assert.is(status, 1);
    assert.match(out, /postern\.yaml:4:5: error: .* gitlab\.elsewhere\..*\[drift\/changed\]$/m);
    assert.match(out, /note: coredns: names: what the difference does: .* \[diff\/shown-by\]$/m);
  });
}

test('kubectl … | postern diff --live coredns=-', async () => {
  const specFile = await folder.write('postern.yaml', spec('form: configMap'));
  assert.is(await make(specFile), 0);
  const input = await throughKubectl('configmap.yaml', 'object', 'yaml');
  const { status, stdout } = await postern(['diff', '--live', 'coredns=-'], { cwd: folder.path, input });
  assert.equal([status, stdout], [0, 'in sync with what runs\n']);
});

test.run();
