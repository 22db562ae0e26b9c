import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadAll } from 'js-yaml';
import { parse } from 'smol-toml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../../../src/compile.ts';
import { isRecord, memberOf } from '../../../src/source/value.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { mustRun } from '../../engines/run.ts';
import { engineSuite } from '../../engines/suite.ts';
import { ALL_OPTIONS, specOf } from './specs.ts';

function made(text: string) {
  const { files = [], diagnostics } = compile(text, { file: 'postern.yaml', read: () => undefined });
  const file = (name: string) => files.find(({ path }) => path === `gitlabRunner/${name}`)?.text ?? '';
  return { values: file('values.yaml'), mirrors: file('mirrors.yaml'), problems: diagnostics.map(({ code }) => code) };
}

const test = suite('gitlabRunner');

const REFUSED: readonly [options: string, codes: readonly string[]][] = [
  ['', ['runner/names-left']],
  ['names: cluster', []],
  ['names: { nameservers: [10.0.0.53] }', []],
  ['names: { hosts: { gitlab.example.com: 10.0.0.1, registry.example.com: 10.0.0.2 } }', []],
  ['names: { hosts: { gitlab.example.com: 10.0.0.1 } }', ['runner/host-missing']],
  [
    'names: { hosts: { gitlab.example.com: 10.0.0.1, registry.example.com: 10.0.0.2, other.example.com: 10.0.0.3 } }',
    ['runner/host-unknown'],
  ],
  ['names: cluster, privileged: true', ['runner/privileged-any']],
  ['names: cluster, serviceAccountToken: true', ['runner/token-unused']],
  ['names: { nameservers: [example.com] }', ['spec/bad-value']],
  ['names: cluster, tolerations: ["a=b=c:NoSchedule"]', ['spec/bad-value']],
  ['names: cluster, helperImage: "alpine:3.22\\nprivileged = true"', ['spec/bad-value']],
];
for (const [options, codes] of REFUSED) {
  test(`what is said of ${options || 'nothing'}`, () => assert.equal(made(specOf(options)).problems, codes));
}

test('a wildcard has no line in /etc/hosts, and a runner that keeps the public name does not see the nameservers', () => {
  const wildcard = specOf(
    'names: { hosts: {} }',
    '  - { from: "*.pages.example.com", to: "*.pages.link.example.com" }',
  );
  assert.equal(made(wildcard).problems.sort(), ['runner/host-missing', 'runner/host-missing', 'runner/host-wildcard']);
  const siteless = specOf('names: { nameservers: [10.0.0.53] }').replace(', upstream: gitlab }', ' }');
  assert.ok(made(siteless).problems.includes('runner/manager-name'));
  assert.match(made(siteless).values, /^gitlabUrl: "https:\/\/gitlab\.example\.com"$/m);
  assert.not.match(made(siteless).values, /clone_url/);
});

test('mirrors for image builders need rewrites of registries', () => {
  const none = specOf('names: cluster, imageBuilders: [buildkit]').replace(/ {2}- \{ from: registry.*\n/, '');
  assert.equal(made(none).problems, ['runner/no-mirror']);
});

test.run();

const chart = fileURLToPath(new URL('chart', import.meta.url));
const { test: helm, engines } = await engineSuite('gitlabRunner through Helm', ['helm']);

/** What the chart makes of the values: objects by kind, and the configuration of the runner. */
async function installed(values: string) {
  const folder = await temporaryFolder();
  try {
    const file = await folder.write('values.yaml', values);
    const args = ['template', 'ci', chart, '--namespace', 'runners', '--values', file];
    const objects = loadAll(await mustRun(engines.helm.path, args)) as {
      kind: string;
      data?: Record<string, string>;
    }[];
    const byKind = (kind: string): unknown => objects.find((one) => one.kind === kind);
    const config = objects.find(({ kind }) => kind === 'ConfigMap')?.data?.['config.template.toml'] ?? '';
    return { byKind, config };
  } finally {
    await folder.remove();
  }
}

/** Keys by their path, as the list of the runner's own structures spells them. */
function keysOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => (isRecord(one) ? keysOf(one, path) : [path]));
  if (!isRecord(value)) return [path];
  return Object.entries(value).flatMap(([name, one]) => keysOf(one, path === '' ? name : `${path}.${name}`));
}

helm('the runner gets exactly what the spec says', async () => {
  const { values, mirrors, problems } = made(ALL_OPTIONS);
  assert.equal(problems, []);
  const { byKind, config } = await installed(values);
  assert.equal(JSON.parse(JSON.stringify(parse(config))), {
    runners: [
      {
        clone_url: 'https://gitlab.link.example.com',
        environment: ['FORMAT={{.Name}} {{ "x" }}', 'PLAIN=a "quoted" $HOME'],
        kubernetes: {
          namespace: 'dev',
          image: 'alpine:3.22',
          helper_image: 'registry.example.com/runner/helper:18.9',
          allowed_images: ['registry.example.com/**', 'alpine:*'],
          allowed_services: ['registry.example.com/services/*'],
          privileged: false,
          allow_privilege_escalation: false,
          service_account: 'app-deployer',
          automount_service_account_token: false,
          poll_timeout: 360,
          cpu_request: '100m',
          memory_limit: '1Gi',
          helper_cpu_limit: '2',
          service_memory_request: '128Mi',
          bearer_token_overwrite_allowed: false,
          namespace_overwrite_allowed: '',
          node_selector_overwrite_allowed: '',
          node_tolerations_overwrite_allowed: '',
          pod_annotations_overwrite_allowed: '',
          pod_labels_overwrite_allowed: '',
          service_account_overwrite_allowed: '',
          dns_policy: 'none',
          dns_config: { nameservers: ['10.96.0.53', 'fd00::53'], searches: ['dev.svc.cluster.local'] },
          node_selector: { 'k8s.scaleway.com/pool-name': 'dev' },
          node_tolerations: { 'jobs-reserved=true': 'NoSchedule', spot: '' },
          volumes: {
            secret: [
              { name: 'dev-api-key', mount_path: '/root/.config/scw', read_only: true },
              { name: 'kubeconfig', mount_path: '/root/.kube', read_only: true, items: { config: 'config' } },
            ],
            config_map: [
              {
                name: 'ci-mirrors',
                mount_path: '/etc/buildkit/buildkitd.toml',
                sub_path: 'buildkitd.toml',
                read_only: true,
              },
              {
                name: 'ci-mirrors',
                mount_path: '/etc/containers/registries.conf.d/50-postern.conf',
                sub_path: '50-postern.conf',
                read_only: true,
              },
            ],
          },
        },
      },
    ],
  });
  const pod = JSON.stringify(byKind('Deployment'));
  assert.match(pod, /"name":"CI_SERVER_URL","value":"https:\/\/gitlab\.link\.example\.com"/);
  assert.match(pod, /"postern\/token-version":"2027-01"/);
  assert.match(pod, /"secret":\{"name":"dev-runner-tokens","items":\[\{"key":"runner-registration-token"/);
  assert.match(pod, /"secretName":"gitlab-ca"/);
  assert.not.match(pod, /KUBERNETES_NAMESPACE/);
  const [map] = loadAll(mirrors) as { data: Record<string, string> }[];
  assert.equal(JSON.parse(JSON.stringify(parse(map?.data['buildkitd.toml'] ?? ''))), {
    registry: { 'registry.example.com': { mirrors: ['registry.link.example.com'] } },
  });
  assert.equal(JSON.parse(JSON.stringify(parse(map?.data['50-postern.conf'] ?? ''))), {
    registry: [{ location: 'registry.example.com', mirror: [{ location: 'registry.link.example.com' }] }],
  });
});

helm('its role is what the runner asks for, and never everything', async () => {
  const { byKind } = await installed(made(specOf('names: cluster')).values);
  const rules = memberOf(byKind('Role'), 'rules') as { resources: string[]; verbs: string[] }[];
  const granted = rules.flatMap(({ resources, verbs }) => resources.map((one) => `${one}: ${verbs.join(' ')}`)).sort();
  assert.equal(granted, [
    'events: list',
    'pods/attach: create delete get patch',
    'pods/exec: create delete get patch',
    'pods/log: get list',
    'pods: create delete get list watch',
    'secrets: create delete get update',
    'serviceaccounts: get',
    'services: create get',
  ]);
});

helm('addresses of rewritten names are told to jobs and to the runner itself', async () => {
  const hosts = 'names: { hosts: { gitlab.example.com: 10.0.0.1, registry.example.com: 10.0.0.1 } }';
  const { byKind, config } = await installed(made(specOf(hosts)).values);
  const kubernetes = memberOf(memberOf(memberOf(parse(config), 'runners'), '0'), 'kubernetes');
  const expected = [{ ip: '10.0.0.1', hostnames: ['gitlab.example.com', 'registry.example.com'] }];
  assert.equal(JSON.parse(JSON.stringify(memberOf(kubernetes, 'host_aliases'))), expected);
  const spec = memberOf(memberOf(memberOf(byKind('Deployment'), 'spec'), 'template'), 'spec');
  assert.equal(JSON.parse(JSON.stringify(memberOf(spec, 'hostAliases'))), expected);
});

const list = fileURLToPath(new URL('../../../../shared/corpora/gitlab-runner/runner-keys-19.4.tsv', import.meta.url));
const lists = [list, '/work/shared/corpora/gitlab-runner/runner-keys-19.4.tsv'].filter((file) => existsSync(file));
helm('runner 19.4 knows every key', async () => {
  const [found] = lists;
  if (found === undefined) {
    console.log('skipped: no list of the keys of the runner here');
    return;
  }
  const lines = readFileSync(found, 'utf8').split('\n');
  const types = new Map(lines.map((line) => line.split('\t')).map(([key = '', type = '']) => [key, type]));
  // What is below a mapping of any keys, or a type of its own, is not listed.
  const isKnown = (key: string): boolean => {
    if (types.has(key)) return true;
    const above = key.slice(0, Math.max(key.lastIndexOf('.'), 0));
    const type = types.get(above);
    return type === undefined ? above !== '' && isKnown(above) && !types.has(above) : /^\{\}|HostAliases/.test(type);
  };
  assert.ok(!isKnown('runners.kubernetes.nope') && !isKnown('runners.kubernetes.volumes.secret.nope'));
  const hosts = 'names: { hosts: { gitlab.example.com: 10.0.0.1, registry.example.com: 10.0.0.1 } }';
  for (const spec of [ALL_OPTIONS, specOf(hosts)]) {
    const { config } = await installed(made(spec).values);
    assert.equal(
      keysOf(parse(config)).filter((key) => !isKnown(key)),
      [],
    );
  }
});
helm.run();
