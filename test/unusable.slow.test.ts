import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COMMANDS } from '../src/commands/commandLine.ts';
import { importers } from '../src/commands/import.ts';
import type { options } from '../src/commands/options.ts';
import { isProvable } from '../src/commands/proofs.ts';
import { targets } from '../src/targets/index.ts';
import { temporaryFolder } from '../src/verify/folder.ts';
import { runHere } from './support/commands.ts';

const example = (name: string, file = 'postern.yaml') =>
  fileURLToPath(new URL(`../examples/${name}/${file}`, import.meta.url));

/** An example with each target that can be compared with what runs. */
const EXAMPLES: Readonly<Record<string, string>> = {
  bottlerocket: 'privatelink',
  caddy: 'gitlab-proxy',
  coredns: 'privatelink',
  ipRanges: 'addresses',
  nginx: 'gitlab-proxy',
  vault: 'vault',
};
const specOf = (target: string) => example(EXAMPLES[target] ?? '');
const SPEC = example('gitlab-proxy');

/** What is in a file that somebody takes for the right one. */
const CONTENTS: Readonly<Record<string, string | Uint8Array>> = {
  empty: '',
  blank: '\n \n\t\n',
  picture: Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0xff, 0xfe]),
  'an error page': '<!doctype html>\n<html><head><title>502 Bad Gateway</title></head><body></body></html>\n',
  'a message': 'error: You must be logged in to the server (Unauthorized)\n',
  'no JSON yet': '{ "apps": ',
  'JSON of something else': '{ "weather": [{ "day": 1, "sun": true }] }\n',
  'a list': '[]\n',
  'a number': '42\n',
  null: 'null\n',
  'another object': 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: web\n',
};

/** Names an argument's value is taken from: those of an option, or of a position in the usage of a command. */
type Reads = 'a file' | 'no file';

/** Whether the value of an option names a file that is read. A new option does not compile until it is said here. */
const OPTIONS = {
  format: 'no file',
  out: 'no file',
  certificate: 'no file',
  target: 'no file',
  base: 'a file',
  'changed-since': 'no file',
  live: 'a file',
  'fail-on': 'no file',
  reviewed: 'no file',
  'max-changes': 'no file',
  accept: 'no file',
  explain: 'no file',
  check: 'no file',
  to: 'no file',
  log: 'a file',
  keys: 'no file',
  watch: 'no file',
  reload: 'no file',
  'dry-run': 'no file',
  force: 'no file',
  'allow-expired': 'no file',
  nginx: 'a file',
  against: 'no file',
  upstream: 'no file',
  operations: 'a file',
  tag: 'no file',
  method: 'no file',
  path: 'no file',
  within: 'a file',
  unused: 'a file',
  'access-log': 'a file',
  openapi: 'a file',
  environments: 'no file',
  access: 'no file',
  preset: 'no file',
  coverage: 'no file',
  'fail-under': 'no file',
  engine: 'no file',
  confirm: 'no file',
  seed: 'no file',
  shard: 'no file',
  patience: 'no file',
  spec: 'a file',
  key: 'no file',
  from: 'no file',
  at: 'no file',
  proxy: 'no file',
  header: 'no file',
  type: 'no file',
  node: 'no file',
  requests: 'a file',
  prove: 'no file',
} satisfies { [Name in keyof typeof options | 'prove']: Reads };

/** Likewise for positions. */
const POSITIONS: Readonly<Record<string, Reads>> = {
  spec: 'a file',
  specs: 'a file',
  files: 'a file',
  logs: 'a file',
  download: 'a file',
  words: 'no file',
  action: 'no file',
  step: 'no file',
  id: 'no file',
  act: 'no file',
  set: 'no file',
  kind: 'no file',
  shell: 'no file',
  dir: 'no file',
};

/** Arguments of that name that read no file all the same. */
const OTHERWISE: Readonly<Record<string, string>> = { 'verify --requests': 'a number' };

/** A file that is read well, for commands that read two. */
interface Good {
  readonly log: string;
  readonly operations: string;
  readonly rotating: string;
  readonly shadowed: string;
  /** A path where nothing is. */
  readonly nothing: string;
  /** A spec with the targets for nodes. */
  readonly nodes: string;
}

type Line = (file: string, good: Good) => readonly string[];

/** A command line for each argument that reads a file, or several. */
const LINES: Readonly<Record<string, Line | Readonly<Record<string, Line>>>> = {
  'validate specs': (file) => ['validate', file],
  'test specs': (file) => ['test', file],
  'lint specs': (file) => ['lint', file],
  'verify specs': (file) => ['verify', file],
  'prove spec': (file) => ['prove', file],
  'generate specs': (file) => ['generate', file],
  'diff specs': (file) => ['diff', file],
  'secrets spec': { check: (file) => ['secrets', 'check', file], render: (file) => ['secrets', 'render', file] },
  'keys spec': {
    rotate: (file) => ['keys', 'rotate', 'echoes', file],
    retire: (file, { log }) => ['keys', 'retire', 'echoes', file, '--log', log],
  },
  'ranges spec': (file, { operations }) => ['ranges', 'update', 'github', operations, file, '--check'],
  'show spec': { flat: (file) => ['show', file], access: (file) => ['show', file, '--access'] },
  'report spec': (file, { nothing }) => ['report', file, '--out', nothing],
  'fmt spec': (file) => ['fmt', file, '--check'],
  'explain --spec': (file) => ['explain', 'GET', '/', '--spec', file],
  'shadow --spec': (file, { log }) => ['shadow', 'report', log, '--spec', file],
  'prove --live': Object.fromEntries(
    targets
      .filter(isProvable)
      .map(
        ({ name }) =>
          [
            name,
            (file, { nodes }) => ['prove', EXAMPLES[name] ? specOf(name) : nodes, '--live', `${name}=${file}`],
          ] satisfies [string, Line],
      ),
  ),
  'diff --live': Object.fromEntries(
    targets
      .filter(({ live }) => live)
      .map(
        ({ name }) => [name, (file) => ['diff', '--live', `${name}=${file}`, specOf(name)]] satisfies [string, Line],
      ),
  ),
  'diff --base': (file) => ['diff', SPEC, '--base', file],
  'report --base': (file, { nothing }) => ['report', SPEC, '--base', file, '--out', nothing],
  'keys --log': (file, { rotating }) => ['keys', 'retire', 'echoes', rotating, '--log', file],
  'ranges download': (file) => ['ranges', 'update', 'github', file, specOf('ipRanges'), '--check'],
  'shadow logs': (file, { shadowed }) => ['shadow', 'report', file, '--spec', shadowed],
  'explain --requests': (file) => ['explain', '--requests', file, '--spec', SPEC],
  'import files': Object.fromEntries(
    importers().map(({ kind }) => [kind, (file) => ['import', kind, file]] satisfies [string, Line]),
  ),
  'audit --nginx': (file, { operations }) => ['audit', '--nginx', file, '--operations', operations],
  'audit --operations': (file) => [
    'audit',
    '--nginx',
    example('gitlab-proxy', 'generated/nginx'),
    '--operations',
    file,
  ],
  'learn logs': {
    spec: (file) => ['learn', file],
    unused: (file) => ['learn', file, '--unused', SPEC],
  },
  'learn --within': (file, { log }) => ['learn', log, '--within', file],
  'learn --openapi': (file, { log }) => ['learn', log, '--openapi', file],
  'learn --unused': (file, { log }) => ['learn', log, '--unused', file],
  'init --openapi': (file, { nothing }) => ['init', nothing, '--openapi', file],
  'init --access-log': (file, { nothing }) => ['init', nothing, '--access-log', file],
};

/** Of `validate`, a spec that says something else is the answer it was asked for. */
const isAnswer = (name: string, file: string) =>
  name === 'validate specs' && !['missing', 'folder', 'picture'].includes(file);

const LOGGED = JSON.stringify({
  time: '2026-11-20T10:00:00+00:00',
  proxy: 'api',
  method: 'GET',
  path: '/api/v4/groups/42',
  status: 200,
  reason: '',
  key: 'echoes',
  upstream: '10.0.0.1:443',
});

const test = suite('unusable input');

test('every argument that reads a file has a command line here', () => {
  const reading = COMMANDS.flatMap(({ name, takes, usage }) => {
    const positions = [...usage.matchAll(/[[<](\w+)/g)].map(([, word = '']) => word);
    assert.equal(
      positions.filter((word) => POSITIONS[word] === undefined),
      [],
      `${name}: say whether it reads a file`,
    );
    return [
      ...positions.filter((word) => POSITIONS[word] === 'a file').map((word) => `${name} ${word}`),
      ...Object.keys(takes.options)
        .filter((word) => OPTIONS[word as keyof typeof OPTIONS] === 'a file')
        .map((word) => `${name} --${word}`),
    ];
  });
  assert.equal(Object.keys(LINES).sort(), reading.filter((one) => OTHERWISE[one] === undefined).sort());
});

test('every target that can be compared has an example here', () => {
  const live = targets.filter((target) => target.live).map(({ name }) => name);
  assert.equal(Object.keys(EXAMPLES).sort(), live.sort());
});

async function inFolder(work: (folder: string, files: readonly string[], good: Good) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  try {
    const files: string[] = ['missing', 'folder'];
    await mkdir(join(folder.path, 'folder'));
    for (const [what, content] of Object.entries(CONTENTS)) {
      await writeFile(join(folder.path, what), content);
      files.push(what);
    }
    await work(folder.path, files, {
      log: await folder.write('good/access.log', `${LOGGED}\n`),
      operations: await folder.write('good/operations', 'GET /api/v4/groups\n'),
      rotating: await folder.write('good/rotating.yaml', ROTATING),
      shadowed: await folder.write('good/shadowed.yaml', SHADOWED),
      nodes: await folder.write('good/nodes.yaml', NODES),
      nothing: join(folder.path, 'nothing'),
    });
  } finally {
    await folder.remove();
  }
}

const ACCESS = `version: 1
name: good
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes: { read: { upstream: gitlab, allow: ["GET /api/v4/groups/{group}"] } }
proxies: { api: { listen: 8080, ipRanges: any } }
targets: { nginx: {} }
`;
const MIRRORS = '{ mirrors: { docker.io: [https://hub.link.example] } }';
const NODES = `version: 1
name: nodes
targets:
  containerd: ${MIRRORS}
  crio: ${MIRRORS}
  k3sRegistries: ${MIRRORS}
  talos: ${MIRRORS}
  docker: ${MIRRORS}
`;
const ROTATING = `${ACCESS}apiKeys: { echoes: { key: [env:POSTERN_NEW, env:POSTERN_OLD], token: env:POSTERN_TOKEN } }\n`;
const SHADOWED = `${ACCESS}apiKeys: { echoes: { key: env:POSTERN_NEW, token: env:POSTERN_TOKEN } }\nshadow: shadowed.yaml\n`;

for (const [argument, lines] of Object.entries(LINES)) {
  for (const [form, line] of Object.entries(typeof lines === 'function' ? { '': lines } : lines)) {
    test(`${argument} ${form}: what cannot be read or is something else ends in status 2, a sentence and a remedy`, () =>
      inFolder(async (folder, files, good) => {
        const wrong: string[] = [];
        for (const file of files) {
          const { status, stdout, stderr } = await runHere(line(join(folder, file), good));
          const said = `${stdout}${stderr}`;
          const isSentence = /(?:error|postern): .*[a-z]+ [a-z]+/.test(said) && said.includes(file);
          const isComplete = isSentence && /^ +hint: \w+ \S+/m.test(said);
          if (status !== (isAnswer(argument, file) ? 1 : 2) || !isComplete)
            wrong.push(`${file}: ${status} ${JSON.stringify(said.slice(0, 300))}`);
        }
        assert.equal(wrong, []);
      }));
  }
}

test.run();
