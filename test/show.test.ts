import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { presetText, runHere } from './support/commands.ts';
import { writeFiles } from './support/files.ts';

const FILES = new Map([
  ['.git/HEAD', ''],
  [
    'envs/prod.yaml',
    `version: 1
name: prod
include: [../base.yaml, { preset: gitlab/health-checks@1, as: gl, with: { gitlab: main } }]
ipRanges: { offices: [203.0.113.0/24] }
upstreams: { main: { url: https://gitlab.example.com } }
proxies: { api: { listen: 8080, ipRanges: ["@offices"], routes: [read, gl-health] } }
targets: { nginx: {} }
tests: [{ request: GET /-/health, expect: allow }]
`,
  ],
  [
    'base.yaml',
    `version: 1
fragment: true
include: [again.yaml]
routes:
  read:
    upstream: main
    allow: [{ request: "GET /a/{b}", reason: "it's: so" }]
apiKeys: { bot: { key: env:KEY, token: env:TOKEN, expires: 2027-06-30, owner: a@example.com } }
`,
  ],
  ['again.yaml', 'version: 1\nfragment: true\nipRanges:\n  offices: [203.0.113.0/24]\n'],
]);

async function inProject(work: (run: (args: string) => ReturnType<typeof runHere>, path: string) => Promise<void>) {
  const folder = await temporaryFolder();
  try {
    writeFiles(folder.path, FILES);
    const spec = join(folder.path, 'envs/prod.yaml');
    const run = async (args: string) => {
      const ran = await runHere(args.replaceAll('SPEC', spec).replaceAll('OUT', join(folder.path, 'out')).split(' '));
      return { ...ran, stdout: ran.stdout.replaceAll(`${folder.path}/`, '') };
    };
    await work(run, folder.path);
  } finally {
    await folder.remove();
  }
}

const show = suite('show');

show('prints one spec that means the same, with each place where an entry is written', () =>
  inProject(async (run, path) => {
    const { status, stdout } = await run('show SPEC');
    assert.is(status, 0);
    assert.match(stdout, '  # envs/prod.yaml:4, again.yaml:4\n  offices:\n');
    assert.match(stdout, '  # base.yaml:5\n  read:\n');
    assert.match(stdout, '  # preset:gitlab/health-checks@1:11\n  gl-health:\n    upstream: main\n');
    assert.not.match(stdout, 'include');
    writeFiles(path, new Map([['envs/flat.yaml', stdout]]));
    const flat = join(path, 'envs/flat.yaml');
    const [many, one] = [
      await run('generate SPEC --out OUT'),
      await runHere(['generate', flat, '--check', '--out', join(path, 'out')]),
    ];
    assert.equal([many.status, one.status, one.stdout], [0, 0, '']);
    assert.is((await runHere(['show', flat, '--access'])).stdout, (await run('show SPEC --access')).stdout);
  }),
);

show('says in JSON where each entry is written', () =>
  inProject(async (run) => {
    const { spec, origins } = JSON.parse((await run('show SPEC --format json')).stdout);
    assert.equal(Object.keys(spec.routes).sort(), ['gl-health', 'read']);
    assert.equal(origins.routes.read, [{ file: 'base.yaml', line: 5, col: 3 }]);
    assert.equal(origins.tests['0'], [{ file: 'envs/prod.yaml', line: 8, col: 9 }]);
  }),
);

show('says who may do what', () =>
  inProject(async (run) => {
    const page = await run('show SPEC --access --format markdown');
    assert.match(page.stdout, '| GET | `/a/{b}` |');
    const rows = JSON.parse((await run('show SPEC --access --format json')).stdout);
    assert.equal(rows.at(-1), {
      proxy: 'api',
      methods: ['GET'],
      path: '/a/{b}',
      group: 'read',
      upstream: 'main',
      keys: [{ id: 'bot', until: '2027-06-30T00:00:00.000Z', owner: 'a@example.com' }],
      reason: "it's: so",
      at: 'base.yaml:7:13',
    });
  }),
);

show('prints a preset as it comes', async () => {
  const name = 'gitlab/ci-runner@1';
  assert.equal(await runHere(['show', '--preset', name]), { status: 0, stdout: presetText(name), stderr: '' });
  const wrong = await runHere(['show', '--preset', 'gitlab/ci-runer@1']);
  assert.is(wrong.status, 2);
  assert.match(wrong.stderr, 'did you mean "gitlab/ci-runner@1"?');
  assert.is((await runHere(['show', '--preset', name, '--access'])).status, 2);
});

show('of a spec that is not valid only what is wrong', async () => {
  const { status, stdout, stderr } = await runHere(['show', '-'], 'version: 1\n');
  assert.equal([status, stdout], [2, '']);
  assert.match(stderr, 'key "name" is missing');
});

show.run();
