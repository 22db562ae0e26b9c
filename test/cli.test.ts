import { spawn } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { entry } from './support/cli.ts';
import { demoSpec } from './support/demo.ts';
import { inWorkspace } from './support/workspace.ts';

const line = suite('command line');

line('answers help and version on standard output', () =>
  inWorkspace(async ({ run }) => {
    // yargs prints it by itself.
    const help = await run('--help', { apart: true });
    assert.is(help.status, 0);
    assert.is(help.stderr, '');
    for (const command of [
      'validate',
      'generate',
      'diff',
      'explain',
      'test',
      'lint',
      'secrets',
      'shadow',
      'fmt',
      'schema',
      'init',
    ]) {
      assert.match(help.stdout, new RegExp(`^  postern ${command}`, 'm'));
    }
    const version = await run('--version', { apart: true });
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  }),
);

line('says in one line what it does not know, and runs nothing', () =>
  inWorkspace(async ({ run }) => {
    const { status, stdout, stderr } = await run('generate --chek');
    assert.equal({ status, stdout }, { status: 2, stdout: '' });
    assert.is(
      stderr,
      'postern: "postern generate" has no option --chek, did you mean --check?\nTry "postern --help".\n',
    );
    assert.is((await run('diff')).status, 1);
  }),
);

line('goes on when nobody reads its results', () =>
  inWorkspace(async ({ path }) => {
    const child = spawn(process.execPath, [...entry, 'schema'], { cwd: path });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.on('data', (data) => {
      stderr += String(data);
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    assert.equal({ status, stderr }, { status: 0, stderr: '' });
  }),
);

line.run();

const validate = suite('validate');

validate('takes a file, a folder, standard input, or nothing', () =>
  inWorkspace(async ({ run, path }) => {
    for (const args of ['validate', 'validate postern.yaml', 'validate .', `validate ${path}`]) {
      const { status, stdout, stderr } = await run(args, { apart: true });
      assert.is(status, 0, stdout);
      assert.match(stdout, /postern\.yaml: valid, 5 tests passed\n$/);
      assert.is(stderr, '');
    }
    const piped = await run('validate -', { input: demoSpec, apart: true });
    assert.is(piped.stdout, '<stdin>: valid, 5 tests passed\n');
  }),
);

validate('reports all problems of a spec, with places, on standard output', () =>
  inWorkspace(async ({ run, write }) => {
    write(
      'postern.yaml',
      demoSpec.replace('listen: 8080', 'listen: 99999').replace('url: https://gitlab.example.com', 'ulr: x'),
    );
    const { status, stdout, stderr } = await run('validate');
    assert.is(status, 1);
    assert.is(stderr, '');
    assert.match(stdout, /^postern\.yaml:6:\d+: error: .*ulr/m);
    assert.match(stdout, /^postern\.yaml:\d+:\d+: error: .*\[spec\//m);
    const json = await run('validate --format json');
    assert.is(json.status, 1);
    const report = JSON.parse(json.stdout);
    assert.is(report.status, 1);
    assert.ok(report.diagnostics.length >= 2);
    assert.ok(
      report.diagnostics.every((one: { file: string; line: number }) => one.file === 'postern.yaml' && one.line > 0),
    );
  }),
);

validate('runs the tests of the spec', () =>
  inWorkspace(async ({ run, write }) => {
    write('postern.yaml', demoSpec.replace('expect: 400', 'expect: allow'));
    const { status, stdout } = await run('validate');
    assert.is(status, 1);
    assert.match(stdout, /GET \/api\/v4\/user\?…: expected allow, got 400/);
    assert.match(stdout, /decided here/);
    assert.not.match(stdout, /private_token=[^*]/);
  }),
);

validate('says that a key has expired', () =>
  inWorkspace(async ({ run, write }) => {
    write(
      'postern.yaml',
      demoSpec
        .replace('expires: 2090-06-30', 'expires: 2020-01-01')
        .replace('  - { request: GET /api/v4/projects/group%2Fapp, apiKey: partner, expect: allow }\n', ''),
    );
    const validated = await run('validate');
    assert.is(validated.status, 1);
    assert.match(validated.stdout, /expired on 2020-01-01 \[rule\/expired-key\]/);
    assert.is((await run('generate')).status, 2);
    assert.is((await run('generate --allow-expired')).status, 0);
  }),
);

validate('cannot tell without a spec', () =>
  inWorkspace(async ({ run }) => {
    const { status, stdout, stderr } = await run('validate nowhere.yaml');
    assert.is(status, 2);
    assert.match(stdout + stderr, /nowhere\.yaml.*cannot read the spec: no such file/);
    const json = await run('validate nowhere.yaml --format json');
    assert.is(json.status, 2);
    assert.is(JSON.parse(json.stdout).diagnostics[0].code, 'command/unreadable-spec');
  }),
);

validate.run();

const test = suite('test');

test('counts tests and coverage', () =>
  inWorkspace(async ({ run }) => {
    const plain = await run('test');
    assert.equal(plain, { status: 0, stdout: '5 tests: 5 passed, 0 failed\n', stderr: '' });
    const covered = await run('test --coverage');
    assert.is(covered.status, 0);
    assert.match(covered.stdout, /^postern\.yaml:13:\d+: no test touches POST \/api\/v4\/jobs\/request$/m);
    assert.match(covered.stdout, /coverage: 2 of 3 requests \(66%\)/);
    assert.is((await run('test --fail-under 66')).status, 0);
    assert.is((await run('test --fail-under 67')).status, 1);
    const { coverage, tests } = JSON.parse((await run('test --coverage --format json')).stdout);
    assert.is(coverage.tested, 2);
    assert.is(tests.length, 5);
  }));

test('says no when one fails, and cannot tell about an invalid spec', () =>
  inWorkspace(async ({ run, write }) => {
    write('postern.yaml', demoSpec.replace('expect: allow', 'expect: 404'));
    const failed = await run('test');
    assert.is(failed.status, 1);
    assert.match(failed.stdout, /expected 404, got allow/);
    write('postern.yaml', 'version: 2\n');
    const invalid = await run('test');
    assert.is(invalid.status, 2);
    assert.is(invalid.stdout, '');
    assert.match(invalid.stderr, /error/);
  }));

test('names a test that cannot be run', () =>
  inWorkspace(async ({ run, write }) => {
    write('postern.yaml', `${demoSpec}  - { request: GET /x, apiKey: nobody, expect: 401 }\n`);
    const { status, stdout } = await run('test');
    assert.is(status, 1);
    assert.match(stdout, /nobody/);
  }));

test.run();

const tools = suite('schema, lint, fmt, init');

tools('prints a JSON Schema', () =>
  inWorkspace(async ({ run }) => {
    const { status, stdout, stderr } = await run('schema');
    assert.is(status, 0);
    assert.is(stderr, '');
    const [spec, fragment] = JSON.parse(stdout).anyOf;
    assert.ok(spec.properties.proxies && fragment.properties.routes);
  }),
);

/** Caddy cannot limit rates, which only its target knows. */
const RATED = demoSpec
  .replace('expires: 2090-06-30', 'expires: 2090-06-30, rateLimit: 5/s')
  .replace('bottlerocket: {}', 'caddy: {}');

tools('lints', () =>
  inWorkspace(async ({ run, write }) => {
    const nodes = await run('lint');
    assert.is(nodes.status, 1);
    assert.match(
      nodes.stdout,
      /nodes silently pull from "registry\.example\.com" on the internet instead \(bottlerocket\)/,
    );
    write('postern.yaml', RATED);
    for (const command of ['validate', 'lint']) {
      const { status, stdout, stderr } = await run(command);
      assert.is(status, command === 'lint' ? 2 : 1);
      assert.match(stdout + stderr, /caddy/);
    }
    const podsOnly = demoSpec.replace('  bottlerocket: {}\n', '  caddy: {}\n').replace(', containerRegistry: true', '');
    write('postern.yaml', podsOnly);
    assert.is((await run('lint')).status, 0);
    write('postern.yaml', podsOnly.replace('upstreams:\n', 'upstreams:\n  idle: { url: https://idle.example.com }\n'));
    const { status, stdout } = await run('lint');
    assert.is(status, 1);
    assert.match(stdout, /warning: upstream "idle" is used nowhere/);
  }),
);

tools('lays out a spec and keeps its comments', () =>
  inWorkspace(async ({ run, read, write }) => {
    write('postern.yaml', demoSpec.replace('name: demo', 'name:     demo # ours'));
    assert.is((await run('fmt --check')).status, 1);
    assert.match(read('postern.yaml'), /name: {5}demo/);
    assert.is((await run('fmt')).status, 0);
    assert.match(read('postern.yaml'), /^name: demo # ours$/m);
    assert.is((await run('fmt --check')).status, 0);
    const piped = await run('fmt -', { input: 'version:   1\n' });
    assert.equal(piped, { status: 0, stdout: 'version: 1\n', stderr: '' });
    assert.is((await run('fmt -', { input: 'a: [\n' })).status, 2);
  }),
);

tools('starts a spec that works, and never overwrites one', () =>
  inWorkspace(async ({ run, read, write }) => {
    const first = await run('init new');
    assert.is(first.status, 0);
    assert.is(first.stdout, 'new/postern.yaml\nnew/postern.schema.json\n');
    const text = read('new/postern.yaml');
    // Installed for the whole machine or by npx, the schema is nowhere near; so there is a copy.
    assert.match(text, /^# yaml-language-server: \$schema=\.\/postern\.schema\.json\n/);
    assert.is(read('new/postern.schema.json'), (await run('schema')).stdout);
    write('node_modules/postern/schema/postern.schema.json', '{}');
    assert.is((await run('init apps/one')).stdout, 'apps/one/postern.yaml\n');
    assert.match(
      read('apps/one/postern.yaml'),
      /\$schema=\.\.\/\.\.\/node_modules\/postern\/schema\/postern\.schema\.json\n/,
    );
    const validated = await run('validate new');
    assert.is(validated.status, 0, validated.stdout);
    assert.is((await run('generate new')).status, 0);
    assert.is((await run('fmt new --check')).status, 0);
    const second = await run('init new');
    assert.is(second.status, 2);
    assert.is(second.stdout, '');
    assert.match(second.stderr, /exists already/);
    assert.is(read('new/postern.yaml'), text);
  }),
);

tools.run();
