import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace } from './support/workspace.ts';

interface Parts {
  readonly targets?: string;
  readonly runner?: string;
  readonly rewrites?: string;
}

const specOf = ({
  targets = 'caddy: {}, coredns: { form: configMap }, bottlerocket: {}, containerd: { fallback: false }',
  runner = 'helperImage: registry.example.com/mirror/helper:18.9',
  rewrites = '{ from: gitlab.example.com, to: gitlab.link.example.com, upstream: gitlab }',
}: Parts) => `version: 1
name: ci
upstreams: { gitlab: { url: https://gitlab.example.com }, registry: { url: https://registry.example.com } }
domainRewrites:
  - ${rewrites}
  - { from: registry.example.com, to: registry.link.example.com, upstream: registry, containerRegistry: true }
targets: { ${targets}, gitlabRunner: { url: https://gitlab.example.com, secret: t, image: alpine, ${runner} } }
`;

interface Told {
  readonly private: boolean;
  readonly steps: readonly {
    step: string;
    hops: { host: string; at?: string }[];
    leaves: string | null;
    onFailure: string | null;
  }[];
}

const test = suite('explain job');

/** What is said of a job with this image. */
async function told(parts: Parts, image = 'registry.example.com/g/a:v1', ...more: string[]) {
  let found: { status: number | null; said: Told } | undefined;
  await inWorkspace(async ({ runArgs, write }) => {
    write('postern.yaml', specOf(parts));
    const { status, stdout, stderr } = await runArgs(['explain', 'job', image, '--format', 'json', ...more]);
    assert.ok(stdout !== '', stderr);
    found = { status, said: JSON.parse(stdout) };
  });
  assert.ok(found);
  const { status, said } = found;
  const leaving = said.steps.filter(({ leaves }) => leaves !== null).map(({ step, leaves }) => `${step}: ${leaves}`);
  return { status, leaving, said };
}

test('a job whose names are all told stays private, and where a node falls back is said', async () => {
  const { status, leaving, said } = await told({});
  assert.equal({ status, leaving }, { status: 0, leaving: [] });
  assert.equal(
    said.steps.map(({ step, hops }) => `${step}: ${hops[0]?.host}`),
    [
      'the runner asks for jobs: gitlab.link.example.com',
      'the image that clones is pulled on bottlerocket: registry.link.example.com',
      'the image that clones is pulled on containerd: registry.link.example.com',
      'the image of the job is pulled on bottlerocket: registry.link.example.com',
      'the image of the job is pulled on containerd: registry.link.example.com',
      'the job is cloned: gitlab.link.example.com',
      'Git LFS, artifacts and caches of GitLab: gitlab.link.example.com',
      'the script calls the API (CI_API_V4_URL): gitlab.link.example.com',
      'the script pushes to registry.example.com: registry.link.example.com',
    ],
  );
  assert.equal(
    said.steps.filter(({ onFailure }) => onFailure !== null).map(({ step }) => step.replace(/.* on /, '')),
    ['bottlerocket', 'bottlerocket'],
  );
  assert.is(said.steps[5]?.hops[0]?.at, 'postern.yaml:7:118');
});

test('an image that is named by its private name stays there, and is followed through its site', async () => {
  const { status, leaving, said } = await told({}, 'registry.link.example.com/g/a:v1');
  assert.equal({ status, leaving }, { status: 0, leaving: [] });
  const pulled = said.steps.find(({ step }) => step.startsWith('the image of the job'));
  assert.equal(
    pulled?.hops.map(({ host }) => host),
    [
      'registry.link.example.com',
      'registry.link.example.com',
      'registry.example.com',
      'gitlab.example.com',
      'gitlab.link.example.com',
    ],
  );
  assert.is(pulled?.onFailure, null);
});

test('the URL of GitLab is its own, and not the one that a rewrite makes of it', () =>
  inWorkspace(async ({ runArgs, write }) => {
    write(
      'postern.yaml',
      specOf({}).replace('url: https://gitlab.example.com, secret', 'url: https://gitlab.link.example.com, secret'),
    );
    const { status, stderr } = await runArgs(['explain', 'job', 'alpine']);
    assert.is(status, 2);
    assert.match(
      stderr,
      /error: "gitlab\.link\.example\.com" is what "gitlab\.example\.com" is rewritten to.*\[runner\/private-url\]/,
    );
    assert.match(stderr, /hint: write https:\/\/gitlab\.example\.com/);
  }));

const LEAVES: readonly [parts: Parts, image: string, leaving: readonly string[]][] = [
  [{}, 'alpine:3.22', ['the image of the job is pulled on bottlerocket, containerd: no mirror is for docker.io']],
  [
    { runner: 'concurrent: 2', targets: 'caddy: {}, coredns: { form: configMap }, containerd: {}' },
    'registry.example.com/g/a:v1',
    ['the image that clones is pulled on containerd: no mirror is for registry.gitlab.com'],
  ],
  [
    { targets: 'caddy: {}, containerd: {}' },
    'registry.example.com/g/a:v1',
    [
      'Git LFS, artifacts and caches of GitLab: nothing tells its pod that gitlab.example.com is gitlab.link.example.com',
      'the script calls the API (CI_API_V4_URL): nothing tells its pod that gitlab.example.com is gitlab.link.example.com',
      'the script pushes to registry.example.com: nothing tells its pod that registry.example.com is registry.link.example.com',
    ],
  ],
  [
    { rewrites: '{ from: other.example.com, to: other.link.example.com }' },
    'registry.example.com/g/a:v1',
    [
      'the runner asks for jobs',
      'the job is cloned',
      'Git LFS, artifacts and caches of GitLab',
      'the script calls the API (CI_API_V4_URL)',
    ].map((step) => `${step}: no rewrite is for gitlab.example.com`),
  ],
];
for (const [parts, image, leaving] of LEAVES) {
  test(`${image} of ${JSON.stringify(parts)} leaves the private names where it is said`, async () => {
    const found = await told(parts, image);
    assert.equal({ status: found.status, leaving: found.leaving }, { status: 1, leaving });
  });
}

test('jobs with a DNS server of their own need none of the cluster', async () => {
  const runner = 'helperImage: registry.example.com/h, names: { nameservers: [10.0.0.53] }';
  const { leaving } = await told({ runner, targets: 'caddy: {}, containerd: {}' });
  assert.equal(leaving, []);
});

test('for people: each step, each line of the spec once, and the first place where it leaves', () =>
  inWorkspace(async ({ runArgs, write }) => {
    write('postern.yaml', specOf({}));
    const { status, stdout } = await runArgs(['explain', 'job', 'alpine:3.22', '--node', 'containerd']);
    assert.is(status, 1);
    assert.match(
      stdout,
      /^the image of the job is pulled on containerd\n {2}the node contacts docker\.io\n {2}LEAVES the private names: no mirror is for docker\.io$/m,
    );
    assert.match(
      stdout,
      /^the private names are left once, first where the image of the job is pulled on containerd: /m,
    );
    assert.is(stdout.split('from: gitlab.example.com').length, 2);
  }));

test('what cannot be answered is said', () =>
  inWorkspace(async ({ runArgs, write }) => {
    write('postern.yaml', specOf({}));
    write('none.yaml', specOf({}).replace(/, gitlabRunner: .*/, ' }'));
    for (const [args, said] of [
      [['alpine', 'none.yaml'], /has no target that runs CI jobs/],
      [['https://a'], /is no image/],
      [['alpine', '--node', 'talos'], /no target for nodes named "talos"/],
      [['alpine', '--type', 'A'], /--type has no meaning with job/],
    ] as const) {
      const { status, stderr } = await runArgs(['explain', 'job', ...args]);
      assert.is(status, 2);
      assert.match(stderr, said);
    }
  }));
test.run();
