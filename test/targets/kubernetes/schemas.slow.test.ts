import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { compile } from '../../../src/compile.ts';
import { type TemporaryFolder, temporaryFolder } from '../../../src/verify/folder.ts';
import { mustRun, run } from '../../engines/run.ts';
import { engineSuite } from '../../engines/suite.ts';
import { ALL_OPTIONS } from '../gitlabRunner/specs.ts';
import { FORMS, specOf } from './specs.ts';

/** Kubernetes from the oldest with schemas that can be had to the newest. */
const VERSIONS = ['1.25', '1.31', '1.37'];

const { test, engines } = await engineSuite('what is made for clusters, by the schemas of Kubernetes', [
  'kubernetes-schemas',
  'kubectl',
]);

/** What the schemas of a version say of objects in these files, with fields that they do not know. */
async function problemsOf(version: string, files: readonly string[]): Promise<string[]> {
  const { code, text } = await run(engines['kubernetes-schemas'].path, ['--strict', '-k', version, ...files]);
  const lines = text.trim().split('\n');
  const problems = lines.filter((line) => !line.startsWith('INFO '));
  // An object whose kind it does not know is only a warning to it.
  assert.is(code, problems.some((line) => line.startsWith('ERROR ')) ? 1 : 0, text);
  assert.ok(lines.length >= files.length, text);
  return problems;
}

async function written(folder: TemporaryFolder, text: string, inside = ''): Promise<void> {
  const { files, diagnostics } = compile(text, { file: 'postern.yaml', read: () => undefined });
  assert.ok(files, JSON.stringify(diagnostics));
  for (const file of files) await folder.write(join(inside, file.path), file.text);
}

async function built(folder: TemporaryFolder, form: string): Promise<string> {
  await written(folder, specOf(FORMS[form] ?? {}), form);
  const file = join(folder.path, `${form}.yaml`);
  await writeFile(file, await mustRun(engines.kubectl.path, ['kustomize', join(folder.path, form)]));
  return file;
}

const example = (path: string) => fileURLToPath(new URL(`../../../examples/${path}`, import.meta.url));

test('the Kustomize base in each form, and all other objects: every field is known and of its type', async () => {
  const folder = await temporaryFolder();
  try {
    const files: string[] = [];
    for (const form of Object.keys(FORMS)) files.push(await built(folder, form));
    await written(folder, ALL_OPTIONS);
    files.push(join(folder.path, 'gitlabRunner/mirrors.yaml'));
    files.push(example('addresses/generated/ipRanges/network-policies.yaml'));
    files.push(example('privatelink/generated/coredns/configmap.yaml'));
    for (const version of VERSIONS) assert.equal(await problemsOf(version, files), [], version);
  } finally {
    await folder.remove();
  }
});

const FAULTS: readonly [fault: string, from: string, to: string, said: RegExp][] = [
  ['an unknown field', 'readOnlyRootFilesystem', 'readOnlyRootFileSystem', /'readOnlyRootFileSystem' was unexpected/],
  ['a number as text', 'containerPort: 8080', 'containerPort: "8080"', /'8080' is not of type 'integer'/],
  ['an unknown kind', 'kind: PodDisruptionBudget', 'kind: PodBudget', /find schema for kind PodBudget/],
  [
    'an old version',
    'apiVersion: autoscaling/v2',
    'apiVersion: autoscaling/v2beta2',
    /with api version autoscaling\/v2b/,
  ],
];
test('faults are found, so that the above means something', async () => {
  const folder = await temporaryFolder();
  try {
    const file = await built(folder, 'cluster');
    const text = await readFile(file, 'utf8');
    for (const [fault, from, to, said] of FAULTS) {
      assert.ok(text.includes(from), from);
      const wrong = await folder.write('wrong.yaml', text.replace(from, to));
      const problems = await problemsOf('1.37', [wrong]);
      assert.is(problems.length, 1, fault);
      assert.match(problems[0] ?? '', said);
    }
  } finally {
    await folder.remove();
  }
});

test.run();
