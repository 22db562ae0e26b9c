import { load } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { coredns } from '../../../src/targets/coredns/index.ts';
import { merge, nothing, ours, policy } from './merging.ts';

const test = suite('merge into a ConfigMap');

const CONFIG_MAP = `apiVersion: v1
data:
  Corefile: |
    .:53 {
        errors

        forward . /etc/resolv.conf
    }
  other: kept # as it is
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system}
`;

test('a ConfigMap keeps every other byte', () => {
  const merged = merge(CONFIG_MAP, { form: 'configMap' });
  assert.equal(merged.problems, []);
  assert.is(merged.file?.path, 'coredns/configmap.yaml');
  assert.is(merged.file?.comment, undefined);
  assert.is(merged.text, CONFIG_MAP.replace('.:53 {\n', `.:53 {\n${ours('        ')}`));
  assert.is(merge(merged.text ?? '', { form: 'configMap' }).text, merged.text);
  assert.is(merge(merged.text ?? '', { form: 'configMap', rewrites: nothing }).text, CONFIG_MAP);
  const carriage = CONFIG_MAP.replaceAll('\n', '\r\n');
  assert.is(merge(carriage, { form: 'configMap' }).text, merged.text?.replaceAll('\n', '\r\n'));
});

/** As kubectl writes JSON: with four blanks, and what HTML would take for a tag escaped. */
const asJson = (corefile: string) =>
  `${JSON.stringify({ apiVersion: 'v1', data: { Corefile: corefile, other: 'a\\b' }, kind: 'ConfigMap', metadata: { name: 'coredns' } }, null, 4)}\n`
    .replaceAll('<', '\\u003c')
    .replaceAll('>', '\\u003e');
const GIVEN = '.:53 {\n\terrors # <all> "of" them \\\n\n\tforward . /etc/resolv.conf\n}\n';

test('a ConfigMap in JSON, or with its Corefile quoted, keeps every other byte too', () => {
  const json = asJson(GIVEN);
  const merged = merge(json, { form: 'configMap' });
  assert.equal(merged.problems, []);
  assert.is(merged.file?.path, 'coredns/configmap.json');
  assert.is(merged.text, asJson(GIVEN.replace('{\n', `{\n${ours('\t')}`)));
  assert.is(merge(merged.text ?? '', { form: 'configMap' }).text, merged.text);
  assert.is(merge(merged.text ?? '', { form: 'configMap', rewrites: nothing }).text, json);
  assert.is(merge(json, { form: 'eks' }).text, undefined, 'its lines cannot be shown');

  const quoted = `kind: ConfigMap\ndata:\n  Corefile: ${JSON.stringify(GIVEN)} # as it is\n`;
  const both = merge(quoted, { form: 'configMap' });
  assert.is(both.file?.path, 'coredns/configmap.yaml');
  assert.is(both.text, quoted.replace('{\\n', `{\\n${JSON.stringify(ours('\t')).slice(1, -1)}`));
  assert.is(merge(both.text ?? '', { form: 'configMap', rewrites: nothing }).text, quoted);

  // What kubectl makes of long lines.
  const folded =
    'data:\n  Corefile: ".:53 {\\n    errors \\n\\n    kubernetes cluster.local\n    ip6.arpa\\n\\\n    \\  }\\n"\n';
  const over = merge(folded, { form: 'configMap' });
  assert.is(over.text, folded.replace('{\\n', `{\\n${JSON.stringify(ours('    ')).slice(1, -1)}`));
  assert.is(merge(over.text ?? '', { form: 'configMap', rewrites: nothing }).text, folded);
});

test('what the API server fills in is left out of the copy, so that another capture makes the same one', () => {
  const captured = (version: string) => `apiVersion: v1
data:
  Corefile: |
    .:53 {
        errors
    }
kind: ConfigMap
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {"apiVersion":"v1","data":{"Corefile":"old"}}
  creationTimestamp: "2026-01-01T00:00:00Z"
  labels: # of ours
    k8s-app: kube-dns
  managedFields:
  - apiVersion: v1
    fieldsV1:
      f:data: {}
    manager: kubectl
  name: coredns
  namespace: kube-system
  resourceVersion: "${version}"
  uid: 8f0c0f7a-0000-4000-8000-000000000000
`;
  const copy = merge(captured('7'), { form: 'configMap' }).text ?? '';
  assert.is(merge(captured('8'), { form: 'configMap' }).text, copy);
  const metadata = { labels: { 'k8s-app': 'kube-dns' }, name: 'coredns', namespace: 'kube-system' };
  assert.equal((load(copy) as { metadata: object }).metadata, metadata);
  assert.match(copy, /^ {2}labels: # of ours$/m);
  const noted = captured('7').replace('  annotations:\n', '  annotations:\n    note: mine\n');
  const kept = load(merge(noted, { form: 'configMap' }).text ?? '') as { metadata: { annotations: object } };
  assert.equal(kept.metadata.annotations, { note: 'mine' });
  const json = `${JSON.stringify(load(captured('7')), null, 4)}\n`;
  const copied = JSON.parse(merge(json, { form: 'configMap' }).text ?? '');
  assert.equal(copied.metadata, metadata);
  const flow = CONFIG_MAP.replace('{name:', '{uid: x, name:');
  assert.match(merge(flow, { form: 'configMap' }).text ?? '', /\{uid: x, name:/, 'only whole lines');
});

test('problems in JSON are shown in the JSON', () => {
  const text = asJson(GIVEN.replace('errors', 'autopath'));
  const options = coredns.options.parse({ form: 'configMap', merge: 'given' });
  const { diagnostics } = coredns.emit({ policy, options, at: ['targets', 'coredns'], read: () => text });
  assert.equal(
    diagnostics.map(({ code, place }) => `${code} ${place?.text.slice(place.start, place.end)}`),
    ['coredns/autopath autopath'],
  );
});

test('an object of Kubernetes is not taken for a Corefile', () => {
  for (const text of [CONFIG_MAP, asJson(GIVEN)]) assert.equal(merge(text).problems, ['bad-merge']);
});

test('problems in a ConfigMap are shown in the ConfigMap', () => {
  const text = CONFIG_MAP.replace('        errors', '        autopath @kubernetes');
  assert.equal(merge(text, { form: 'configMap' }).problems, ['autopath 5']);
});

for (const [what, text, problem] of [
  ['a Corefile in single quotes', "data:\n  Corefile: '. { }'\n", 'bad-merge 2'],
  ['a Corefile alone', '. {\n    errors\n}\n', 'bad-merge'],
  ['a folded Corefile', 'data:\n  Corefile: >\n    .:53 {\n    }\n', 'bad-merge 2'],
  ['no Corefile', 'data: {}\n', 'bad-merge'],
  ['no YAML', 'data: [\n', 'unexpected'],
] as const) {
  test(`${what} is refused`, () => {
    const result = merge(text, { form: 'configMap' });
    assert.is(result.text, undefined);
    assert.ok(
      what === 'no YAML' ? result.problems.length === 1 : result.problems.join() === problem,
      result.problems.join(),
    );
  });
}

test('the add-on of EKS gets the whole Corefile, from either', () => {
  const fromMap = merge(CONFIG_MAP, { form: 'eks' });
  const corefile = (load(CONFIG_MAP) as { data: { Corefile: string } }).data.Corefile;
  assert.is(merge(corefile, { form: 'eks' }).text, fromMap.text);
  assert.equal(load(fromMap.text ?? ''), { corefile: merge(corefile).text });
});

test.run();
