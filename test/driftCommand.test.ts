import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCommandLine } from '../src/commands/commandLine.ts';
import { processIo } from '../src/commands/io.ts';
import { checkJsonSchema, checkSchema } from '../src/report/checkSchema.ts';
import { diffJsonSchema, diffSchema } from '../src/report/diffSchema.ts';
import { demoSpec } from './support/demo.ts';
import { checkGolden } from './support/golden.ts';
import { inWorkspace } from './support/workspace.ts';

const FORMATS = ['text', 'json', 'sarif', 'junit', 'github', 'gitlab', 'markdown'];
const WIDER = demoSpec.replace('      - GET /api/v4/user\n', '      - GET,DELETE /api/v4/user\n');
const NARROWER = demoSpec.replace('      - GET /api/v4/user\n', '');

function git(path: string, ...args: string[]): void {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
  execFileSync('git', [...identity, ...args], { cwd: path, stdio: 'ignore' });
}

function commit(path: string): void {
  git(path, 'init', '-q');
  git(path, 'add', '-A');
  git(path, 'commit', '-qm', 'one');
}

const schema = suite('schema of diff');
schema('is the one that is checked in', () =>
  checkGolden('schema/postern-diff.schema.json', `${JSON.stringify(diffJsonSchema(), null, 2)}\n`),
);
schema('and so is that of validate and lint', () =>
  checkGolden('schema/postern-check.schema.json', `${JSON.stringify(checkJsonSchema(), null, 2)}\n`),
);
schema.run();

const base = suite('diff --base');

base('says who can do more, and fails on that alone if asked to', () =>
  inWorkspace(async ({ run, write }) => {
    write('old.yaml', demoSpec);
    const same = await run('diff --base old.yaml');
    assert.equal(same, { status: 0, stdout: '', stderr: 'no access change\n' });
    write('postern.yaml', WIDER);
    const wider = await run('diff --base old.yaml --fail-on widening');
    assert.is(wider.status, 1);
    assert.is(
      wider.stdout,
      `somebody can do more:
  postern.yaml:11:9: newly allowed: DELETE /api/v4/user for key "partner" (proxy api)
      for example DELETE /api/v4/user with key partner from 192.0.2.0 on 2090-06-29T23:59:59Z: refused with 405 → forwarded to gitlab
`,
    );
    write('postern.yaml', NARROWER);
    assert.is((await run('diff --base old.yaml')).status, 1);
    const narrower = await run('diff --base old.yaml --fail-on widening');
    assert.is(narrower.status, 0);
    assert.match(narrower.stdout, /somebody can do less:\n {2}old\.yaml:11:9: newly denied: GET \/api\/v4\/user/);
  }),
);

base('reads the spec and the files that it names at a revision', () =>
  inWorkspace(async ({ run, write, path }) => {
    write('specs/postern.yaml', demoSpec);
    write('specs/partner.txt', '192.0.2.0/24\n');
    commit(path);
    assert.is((await run('diff specs --base git:HEAD')).stderr, 'no access change\n');
    write('specs/partner.txt', '192.0.2.0/24\n198.51.100.0/24\n');
    const wider = await run('diff specs --base git:HEAD');
    assert.is(wider.status, 1);
    assert.match(wider.stdout, /198\.51\.100\.0\/24 may connect now to proxy "api"/);
    write('specs/partner.txt', '192.0.2.0/25\n');
    const narrower = await run('diff specs/postern.yaml --base git:HEAD --fail-on widening');
    assert.is(narrower.status, 0);
    assert.match(narrower.stdout, /192\.0\.2\.128\/25 may connect no longer/);
  }),
);

base('cannot tell, and says what to do', () =>
  inWorkspace(async ({ run, runArgs, write, path }) => {
    const failing = async (args: string, problem: RegExp, options = {}) => {
      const { status, stdout, stderr } = await run(args, options);
      assert.is(status, 2, args);
      assert.is(stdout, '');
      assert.match(stderr, problem);
      assert.match(stderr, /hint: /);
    };
    await failing('diff --base git:HEAD', /this is no git repository/);
    write('other.txt', '');
    git(path, 'init', '-q');
    await failing('diff --base git:HEAD', /the repository has no commit yet/);
    git(path, 'add', 'other.txt');
    git(path, 'commit', '-qm', 'one');
    await failing('diff --base git:HEAD', /it has no file postern\.yaml/);
    await failing('diff --base git:origin/main', /no such revision[\s\S]*fetch-depth/);
    await failing('diff --base git:--output=x', /no such revision/);
    await failing('diff --base git:', /names no revision/);
    await failing('diff --base git:HEAD:postern.yaml', /name the revision alone/);
    const another = { env: { ...process.env, GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' } };
    await failing('diff --base git:HEAD', /belongs to another user[\s\S]*safe\.directory/, another);
    await failing('diff - --base git:HEAD', /standard input/, { input: demoSpec });
    await failing('diff --base gone.yaml', /cannot read the spec/);
    write('broken.yaml', demoSpec.replace('upstream: gitlab', 'upstream: github'));
    await failing('diff --base broken.yaml', /no valid spec[\s\S]*broken\.yaml:9:/);
    await failing('diff --base git:HEAD --live coredns=-', /no meaning beside --base/);
    await failing('diff --fail-on widening', /no meaning beside a comparison of files/);
    await failing('diff --max-changes many', /is no share/);
    const bare = await runArgs(['diff', '--base', 'git:HEAD'], { env: { ...process.env, PATH: '' } });
    assert.is(bare.status, 2);
    assert.match(bare.stderr, /git is not installed/);
  }),
);

const files = suite('diff of files');

files('leads with the change of access since the last commit', () =>
  inWorkspace(async ({ run, write, path }) => {
    const rewritten = demoSpec
      .replace('to: gitlab.privatelink.example.com', 'to: git.privatelink.example.com')
      .replace('expect: gitlab.privatelink', 'expect: git.privatelink');
    await run('generate');
    commit(path);
    write('postern.yaml', rewritten);
    const { status, stdout, stderr } = await run('diff');
    assert.is(status, 1);
    assert.match(stderr, /files? of \d+ differ from the spec; since the last commit: 1 access change: 1 unclear\n$/);
    assert.match(
      stdout,
      /^requests go elsewhere.*\n {2}postern\.yaml:\d+:5: gitlab\.example\.com stands for git\.privatelink/,
    );
    write(
      'postern.yaml',
      demoSpec.replace('name: demo', 'name: demo # ours').replace('form: corefile', 'form: configMap'),
    );
    const same = await run('diff');
    assert.is(same.status, 1);
    assert.match(same.stderr, /; since the last commit: no access change\n$/);
  }),
);

files('accepts a small share of changed lines where one is given', () =>
  inWorkspace(async ({ run, write, read }) => {
    await run('generate');
    const file = 'generated/coredns/Corefile';
    write(file, read(file).replace('cache 30', 'cache 60'));
    assert.is((await run('diff')).status, 1);
    const small = await run('diff --max-changes 30%');
    assert.is(small.status, 0);
    assert.match(small.stderr, /1 file of 4 differ from the spec, \d+% of the lines, and 30% may/);
    assert.is((await run('diff --max-changes 0.5%')).status, 1);
    write(file, '');
    assert.is((await run('diff --max-changes 10%')).status, 1);
  }),
);

files('a credential that somebody put into a generated file is not shown, in no format', () =>
  inWorkspace(async ({ run, write, read }) => {
    write('postern.yaml', demoSpec.replace('  coredns: {', '  nginx: {}\n  coredns: {'));
    await run('generate');
    const file = 'generated/nginx/api.conf';
    const edits = [
      [/(proxy_set_header PRIVATE-TOKEN) [^;]*;/gi, '$1 hunter2;'],
      [/^server \{$/m, 'map $http_x $y { "drawn4711AtRandom" reader; }\nserver {'],
      [/proxy_http_version 1\.1;/, 'proxy_http_version 1.0; # http://evil.example.com/path'],
    ] as const;
    const edited = edits.reduce((text, [from, to]) => text.replace(from, to), read(file));
    write(file, edited);
    assert.match(edited, /drawn4711[\s\S]*hunter2/);
    for (const format of FORMATS) {
      const { status, stdout } = await run(`diff --format ${format}`);
      assert.is(status, 1);
      assert.not.match(stdout, /hunter2|drawn4711/, format);
    }
    const { stdout } = await run('diff');
    assert.match(stdout, /^-.*PRIVATE-TOKEN <hidden:[0-9a-f]{8}>;$/im);
    assert.match(stdout, /^-map .*"<hidden:[0-9a-f]{8}>" reader/m);
    assert.match(stdout, /^-.*proxy_http_version 1\.0; # http:\/\/evil\.example\.com\/path$/m);
  }),
);

const live = suite('diff --live');

live('compares standard input and files, and passes on what could not be read', () =>
  inWorkspace(async ({ run, write, read, path }) => {
    await run('generate');
    const corefile = read('generated/coredns/Corefile');
    const piped = await run('diff --live coredns=-', { input: corefile });
    assert.equal(piped, { status: 0, stdout: 'in sync with what runs\n', stderr: '' });
    write('live.txt', corefile.replace('r.privatelink', 'evil.privatelink'));
    const both = await run('diff --live coredns=live.txt --live bottlerocket=generated/bottlerocket/user-data.toml');
    assert.is(both.status, 1);
    assert.match(both.stdout, /^postern\.yaml:\d+:\d+: error: live\.txt has .*evil\.privatelink.*\[drift\/changed\]$/m);
    for (const [args, problem] of [
      ['coredns=gone.txt', /cannot read/],
      ['coredns', /names no file/],
      ['dns=live.txt', /"dns" cannot be compared live/],
      ['nginx=live.txt', /the spec has no target "nginx"/],
      ['bottlerocket=live.txt', /neither whole JSON nor whole TOML/],
    ] as const) {
      const { status, stdout } = await run(`diff --live ${args}`);
      assert.is(status, 2, args);
      assert.match(stdout, problem);
      assert.match(stdout, /hint: /);
    }
    chmodSync(join(path, 'live.txt'), 0);
    rmSync(join(path, 'live.txt'));
  }),
);

const formats = suite('formats');

/** What a format says about the exit status by itself. */
function failures(format: string, text: string): number {
  if (format === 'json') return JSON.parse(text).status;
  if (format === 'sarif')
    return JSON.parse(text).runs[0].results.filter(({ level }: { level: string }) => level !== 'note').length;
  if (format === 'gitlab')
    return JSON.parse(text).filter(({ severity }: { severity: string }) => ['critical', 'major'].includes(severity))
      .length;
  if (format === 'junit') return (text.match(/<(?:failure|error) /g) ?? []).length;
  if (format === 'github') return (text.match(/^::(?:error|warning) /gm) ?? []).length;
  if (format === 'markdown') return text.includes('✅') ? 0 : 1;
  return 0;
}

/** Runs a command in this process, in the folder it was told to work in: there are many to run. */
async function inProcess(args: string): Promise<{ status: unknown; stdout: string }> {
  let stdout = '';
  const out = (text: string) => {
    stdout += text;
  };
  const io = { ...processIo(), out, err: () => {}, colour: { out: false, err: false } };
  const status = await runCommandLine(args.split(' '), io);
  return { status, stdout };
}

async function checkFormats(args: string, expected: 0 | 1 | 2): Promise<void> {
  for (const format of FORMATS) {
    const { status, stdout } = await inProcess(`${args} --format ${format}`);
    assert.is(status, expected, `${args} as ${format}`);
    if (format === 'text') continue;
    assert.is(failures(format, stdout) > 0, expected !== 0, `${args} as ${format}:\n${stdout}`);
    if (format === 'json') (args.startsWith('diff') ? diffSchema : checkSchema).parse(JSON.parse(stdout));
  }
}

formats('that platforms read name files from the top of the repository', () =>
  inWorkspace(async ({ write, path }) => {
    write('infra/specs/postern.yaml', WIDER);
    write('infra/specs/partner.txt', '192.0.2.0/24\n');
    write('infra/specs/old.yaml', demoSpec);
    git(path, 'init', '-q');
    const back = process.cwd();
    process.chdir(join(path, 'infra/specs'));
    try {
      const place = async (args: string, format: string) => (await inProcess(`${args} --format ${format}`)).stdout;
      for (const args of [
        'diff --base old.yaml',
        'diff ../specs --base old.yaml',
        `diff ${process.cwd()} --base old.yaml`,
      ]) {
        assert.match(await place(args, 'sarif'), /"uri": "infra\/specs\/postern\.yaml"/);
        assert.match(await place(args, 'gitlab'), /"path": "infra\/specs\/postern\.yaml"/);
        assert.match(await place(args, 'github'), /^::error file=infra\/specs\/postern\.yaml,line=11,/);
        assert.match(await place(args, 'junit'), / file="infra\/specs\/postern\.yaml"/);
      }
      git(path, 'add', '-A');
      git(path, 'commit', '-qm', 'one');
      write('infra/specs/postern.yaml', NARROWER);
      const [taken] = JSON.parse(await place('diff --base git:HEAD', 'sarif')).runs[0].results;
      assert.equal(taken.locations, [{ physicalLocation: { artifactLocation: { uri: 'infra/specs/postern.yaml' } } }]);
      assert.match(await place('diff', 'gitlab'), /"path": "infra\/specs\/generated\/coredns\/Corefile"/);
      assert.match(await place('diff --base old.yaml', 'json'), /"file": "old\.yaml"/);
    } finally {
      process.chdir(back);
    }
  }),
);

formats('say the same as the exit status', () =>
  inWorkspace(async ({ write, path }) => {
    const back = process.cwd();
    process.chdir(path);
    try {
      write('old.yaml', demoSpec);
      await inProcess('generate');
      await checkFormats('diff', 0);
      await checkFormats('diff --base old.yaml', 0);
      await checkFormats('validate', 0);
      await checkFormats('lint --accept rule/public-fallback,rule/dependency-proxy', 0);
      await checkFormats('lint', 1);
      await checkFormats('lint --accept rule/nonsense', 2);
      write('postern.yaml', WIDER.replace('{ form: corefile }', '{ form: configMap }'));
      await checkFormats('diff', 1);
      await checkFormats('diff --base old.yaml', 1);
      await checkFormats('diff --base gone.yaml', 2);
      await checkFormats('diff --live coredns=gone.txt', 2);
      write('postern.yaml', demoSpec.replace('upstream: gitlab\n', 'upstream: github\n'));
      await checkFormats('validate', 1);
      await checkFormats('lint', 2);
    } finally {
      process.chdir(back);
    }
  }),
);

for (const one of [base, files, live, formats]) one.run();
