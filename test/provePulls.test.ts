import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { proveWritten } from '../src/commands/proofs.ts';
import { compileArgument } from '../src/commands/spec.ts';
import { compile } from '../src/compile.ts';
import { targets } from '../src/targets/index.ts';
import { randomOf } from '../src/verify/random.ts';
import { recordingIo } from './support/captured.ts';
import { nodeSettings, USER_DATA } from './support/nodeSettings.ts';

const pulls = suite('pulls are proved');

const MERGED = `[settings.kubernetes]
cluster-name = "prod"

[[settings.container-registry.credentials]]
registry = "ghcr.io"
auth = "c2VjcmV0"

[[settings.container-registry.mirrors]]
registry = "quay.io"
endpoint = ["https://quay.example.net"]
`;

function made(target: string, options: string, rewrites: string) {
  const text = `version: 1\nname: pulls\ndomainRewrites: [${rewrites}]\ntargets: { ${target}: { ${options} } }\n`;
  const read = (name: string) => (name === 'node.toml' ? MERGED : undefined);
  const { policy, spec, files, diagnostics } = compile(text, { file: 'postern.yaml', read });
  if (!policy || !spec || !files) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  return { policy, spec, readFile: read, files };
}

async function said({ files, ...asked }: ReturnType<typeof made>, [from, to]: readonly [string, string] = ['', '']) {
  const edited = files.map(({ path, text }) => ({ path, text: text.replace(from, () => to) }));
  assert.ok(from === '' || files.some(({ text }) => text.includes(from)), from);
  const [proof] = await proveWritten(asked, edited);
  return proof?.line ?? proof?.diagnostic?.message ?? 'nothing';
}

const REWRITES = `{ from: registry.example.com, to: registry.link.example, containerRegistry: true },
  { from: "other.example.com:5050", to: "other.link.example:5050", containerRegistry: true }`;
const HUB = 'docker.io: [https://a.example.com, https://b.example.com/hub]';
const ALL = '"*": ["http://127.0.0.1:30020", "https://all.example.com"]';

type Edit = readonly [edit: readonly [string, string], said: RegExp];
interface Case {
  readonly target: string;
  readonly options: string;
  readonly rewrites?: string;
  readonly edits: readonly Edit[];
}

const CASES: readonly Case[] = [
  {
    target: 'containerd',
    options: `mirrors: { ${HUB}, ${ALL} }`,
    edits: [
      [
        ['registry.link.example', 'registry.lynk.example'],
        /images of registry\.example\.com come from https:\/\/registry\.lynk\.example\/v2, then the registry itself instead/,
      ],
      [
        ['[host."https://registry.link.example"]\ncapabilities = ["pull", "resolve"]\n', '[host]\n'],
        /images of registry\.example\.com come from the registry itself instead/,
      ],
      [
        ['override_path = true\n', ''],
        /b\.example\.com\/hub\/v2, then the registry itself instead of from .*b\.example\.com\/hub, then/,
      ],
      [
        ['server = "https://registry.example.com"', 'server = "https://x.example.com"'],
        /then https:\/\/x\.example\.com\/v2 instead/,
      ],
      [
        ['capabilities = ["pull", "resolve"]', 'capabilities = ["pull"]'],
        /serves only some of what a pull needs, so that nothing is proved/,
      ],
      [['override_path = true', 'override_path = true\nskip_verify = true'], /without a check of the certificate/],
      [['override_path = true', 'dial_timeout = "1s"'], /has dial_timeout, which is not understood/],
    ],
  },
  {
    target: 'containerd',
    options: `fallback: false, caFile: /ca.pem, mirrors: { ${HUB}, ${ALL} }`,
    edits: [[['server = "https://registry.link.example"', ''], /registry\.example\.com come from /]],
  },
  {
    target: 'crio',
    options: `mirrors: { ${HUB.replace('/hub', '/v2/hub')} }`,
    edits: [
      [
        ['[[registry.mirror]]\nlocation = "a.example.com"\n', ''],
        /images of docker\.io come from https:\/\/b\.example\.com/,
      ],
      [
        ['location = "registry.link.example"', 'location = "registry.link.example"\ninsecure = true'],
        /come from http:\/\/registry\.link/,
      ],
    ],
  },
  {
    target: 'crio',
    options: 'fallback: false, mirrors: { docker.io: [https://a.example.com, https://b.example.com] }',
    edits: [],
  },
  {
    target: 'talos',
    options: `fallback: false, mirrors: { ${HUB}, ${ALL} }`,
    edits: [
      [
        ['skipFallback: true\n', ''],
        /images of a registry that nothing names come from .*then the registry itself instead/,
      ],
      [['    overridePath: true\n', ''], /b\.example\.com\/hub\/v2 instead/],
    ],
  },
  {
    target: 'k3sRegistries',
    options: `caFile: /ca.pem, mirrors: { ${HUB}, ${ALL} }`,
    edits: [
      [['ca_file: "/ca.pem"', 'insecure_skip_verify: true'], /without a check of the certificate/],
      [
        ['"a.example.com":\n    tls:\n      ca_file: "/ca.pem"', '"*":\n    tls:\n      insecure_skip_verify: true'],
        /a\.example\.com\/v2 without a check of the certificate/,
      ],
      [
        ['"*":', '"gcr.io":'],
        /images of a registry that nothing names come from the registry itself|images of gcr\.io/,
      ],
    ],
  },
  {
    target: 'docker',
    options: 'mirrors: { docker.io: [https://a.example.com, https://b.example.com] }',
    rewrites: '',
    edits: [[['"https://a.example.com", ', ''], /images of docker\.io come from https:\/\/b/]],
  },
  ...['userData', 'terraform', 'eksctl', 'karpenter', 'apiclient'].map(
    (form): Case => ({
      target: 'bottlerocket',
      options: `form: ${form}, mirrors: { ${HUB}, ${ALL} }`,
      edits: [
        [
          ['registry.link.example', 'registry.lynk.example'],
          /images of registry\.example\.com come from https:\/\/registry\.lynk.* \(containerd 1\.7\)/,
        ],
        [['"*"', '"gcr.io"'], /come from .* \(containerd 1\.7\)/],
      ],
    }),
  ),
  {
    target: 'bottlerocket',
    options: `merge: node.toml, mirrors: { ${HUB} }`,
    edits: [
      [
        ['"registry.example.com"', '"registry.example.net"'],
        /images of registry\.example\.com come from the registry itself/,
      ],
      [
        [
          '[[settings.container-registry.mirrors]]',
          '[[settings.container-registry.mirrors]]\nregistry = "*"\nendpoint = ["https://x.example"]\n\n[[settings.container-registry.mirrors]]',
        ],
        /images of any|images of .* nothing names/,
      ],
    ],
  },
];

for (const { target, options, rewrites = REWRITES, edits } of CASES)
  pulls(`${target}: ${options}`, async () => {
    const own = made(target, options, rewrites);
    assert.match(await said(own), new RegExp(`^${target}: pulls: proved for all registries \\([0-9]+ told apart\\)$`));
    for (const [edit, expected] of edits) assert.match(await said(own, edit), expected);
  });

pulls('mirrors of others stay as they were given', async () => {
  const own = made('bottlerocket', `merge: node.toml, mirrors: { ${ALL} }`, REWRITES);
  assert.match(await said(own), /: proved for all registries/);
  const foreign = (registry: string) => ['"quay.io"', `"${registry}"`] as const;
  assert.match(await said(own, foreign('gcr.io')), /images of gcr\.io come from https:\/\/quay/);
  assert.match(await said(own, foreign('registry.example.com')), /two mirrors are for registry\.example\.com/);
  assert.match(
    await said(own, ['registry = "*"', 'registry = "gcr.io"']),
    /images of .* come from the registry itself/,
  );
  const marked =
    own.files
      .map(({ text }) => text)
      .join('')
      .match(/# BEGIN postern pulls\n.*# END postern pulls\n/s)?.[0] ?? '';
  assert.match(await said(own, [marked, '']), /come from the registry itself instead of from http:\/\/127/);
});

/** Of a node that is asked itself: where it gets images, as a model says that shares nothing with the reader. */
for (const form of ['JSON', 'TOML'] as const)
  pulls(`random changes of the settings of a node, as ${form}, are found`, async () => {
    const { capture, mutate, decisions, here } = nodeSettings(form);
    const read = () => USER_DATA;
    const { policy, spec } = compile(here.text, { file: 'postern.yaml', read });
    if (!policy || !spec) throw new Error('no spec');
    const own = { policy, spec, readFile: read };
    const sources = async (text: string) => (await decisions(text))?.filter((line) => / from /.test(line)).join('\n');
    const wanted = await sources(capture);
    const random = randomOf(`pulls ${form}`);
    const tally = { same: 0, found: 0, unknown: 0 };
    for (let number = 0; number < 1000; number++) {
      const text = mutate(capture, random);
      const [proof] = await proveWritten(own, [{ path: 'bottlerocket/live', text }]);
      const found = await sources(text);
      if (proof?.status === 2) tally.unknown++;
      else if (found === wanted) tally.same++;
      else if (found !== undefined) {
        assert.is(proof?.status, 1, text);
        tally.found++;
      }
    }
    assert.ok(tally.found > 5 && tally.same > 20, JSON.stringify(tally));
  });

const root = fileURLToPath(new URL('../examples', import.meta.url));
const DECIDED = targets.flatMap(({ name, readBack }) => (readBack && readBack.decides !== 'requests' ? [name] : []));

pulls('names and pulls of every example are proved', async () => {
  const told: string[] = [];
  for (const name of readdirSync(root)) {
    const file = `${root}/${name}/postern.yaml`;
    if (!existsSync(file)) continue;
    const { policy, spec, files, source } = compileArgument(file, recordingIo('').io);
    if (!policy || !spec || !files || !source) throw new Error(name);
    const proofs = await proveWritten({ policy, spec, readFile: source.read }, files, DECIDED);
    for (const { line, diagnostic, outcome } of proofs)
      if (spec.targets?.[outcome.target]) told.push(line ?? diagnostic?.message ?? '');
  }
  assert.ok(told.length > 3);
  for (const each of told) assert.match(each, /: proved for all /);
});

pulls.run();
