import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile } from '../src/compile.ts';
import { presetNames, readPreset } from '../src/compose/presets.ts';
import { evaluatorOf } from '../src/policy/decide.ts';
import type { Policy } from '../src/policy/types.ts';
import { parseDocument } from '../src/source/document.ts';
import { gitlabOperations, INTENDED, nameOf, targetOf } from './support/gitlab.ts';

/** A spec that serves the routes of a preset, or of two with other names, to one key. */
function policyOf(name: string): Policy {
  const groups = groupsOf(name);
  const text = `version: 1
name: preset
include:
  - preset: ${name}
  - { preset: ${name}, as: twice, with: { gitlab: other } }
upstreams:
  gitlab: { url: https://gitlab.example.com }
  other: { url: https://other.example.com }
  registry: { url: https://registry.example.com }
apiKeys: { bot: { key: env:KEY, token: env:TOKEN } }
proxies:
  api: { listen: 8080, ipRanges: any, routes: [${groups.join(', ')}] }
  second: { listen: 8081, ipRanges: any, routes: [${groups.map((group) => `twice-${group}`).join(', ')}] }
targets: { nginx: { resolver: [10.0.0.2], version: "1.30" }, caddy: {} }
`;
  const { policy, files, diagnostics } = compile(text, { file: 'postern.yaml', read: () => undefined });
  assert.equal(diagnostics, [], name);
  assert.ok(files);
  if (!policy) throw new Error(`${name} is no policy`);
  return policy;
}

function valueOf(name: string): { readonly include?: unknown; readonly routes: object } {
  const file = readPreset(name);
  const document = file && parseDocument(file).value;
  return document?.value as { readonly routes: object };
}

function groupsOf(name: string): string[] {
  return Object.keys(valueOf(name).routes);
}

/** Each request line of a preset as an operation without names of parameters. */
function linesOf(policy: Policy): string[] {
  const own = policy.routes.filter(({ group }) => !group.startsWith('twice-'));
  return own.flatMap(({ methods, pattern }) => methods.map((method) => nameOf({ method, template: pattern.text })));
}

/** The operations of GitLab's API that get through; HEAD comes with GET. */
function allowed(policy: Policy): string[] {
  const [proxy] = policy.proxies;
  if (!proxy) throw new Error('no proxy');
  const { decide } = evaluatorOf(policy, proxy);
  const client = { family: 4, value: 0xc0000207n } as const;
  return gitlabOperations()
    .operations.filter(({ method, template }) => {
      if (method === 'HEAD') return false;
      const target = targetOf({ method, template });
      const credential = { kind: 'known', id: 'bot' } as const;
      return decide({ method, target, headers: [], client, at: 0, credential }).kind === 'forward';
    })
    .map(nameOf);
}

/** What GitLab answers although no list of its API has it. */
const UNLISTED: readonly string[] = ['GET /api/v4/runners/router/discovery'];
const SECRET = /variable|token|key|hook|secure_file|terraform|trace|artifact|archive|export|integration|service|mirror/;

const presets = suite('presets');

presets('there are some', () =>
  assert.equal(presetNames(), [
    'gitlab/ci-runner@1',
    'gitlab/dependency-proxy@1',
    'gitlab/echoes@1',
    'gitlab/gitlab-flow@1',
    'gitlab/health-checks@1',
    'gitlab/read-only@1',
    'gitlab/registry-pull@1',
    'gitlab/terraform@1',
    'gitlab/update-bot@1',
  ]),
);

for (const name of presetNames()) {
  presets(`${name} is a fragment with a page of why that says what it refers to`, () => {
    const text = readPreset(name)?.text ?? '';
    assert.match(text, /^(?:#.*\n){5,}version: 1\nfragment: true\nroutes:\n/);
    assert.match(text, /^# Refers to: upstream "gitlab"/m);
    assert.is(valueOf(name).include, undefined);
    assert.equal(Object.keys(valueOf(name)), ['version', 'fragment', 'routes']);
  });

  presets(`${name} lets through the operations that it names, and no other`, () => {
    const policy = policyOf(name);
    const lines = new Set(linesOf(policy));
    const through = allowed(policy);
    assert.equal(
      through.filter((operation) => !lines.has(operation)),
      [],
    );
    if (gitlabOperations().source !== 'collection') return;
    const known = new Set(through);
    const invented = [...lines].filter(
      (line) => line.includes('/api/v4/') && !known.has(line) && !UNLISTED.includes(line),
    );
    assert.equal(invented, [], 'what GitLab does not have');
  });
}

presets('what is read-only reads, and nothing that is worth stealing', () => {
  const through = allowed(policyOf('gitlab/read-only@1'));
  assert.ok(through.length > 10);
  assert.equal(
    through.filter((operation) => !operation.startsWith('GET ') || SECRET.test(operation)),
    [],
  );
});

presets('the preset for Echoes lets through what its makers meant', () =>
  assert.equal(allowed(policyOf('gitlab/echoes@1')).sort(), INTENDED.map(nameOf).sort()),
);

presets.run();
