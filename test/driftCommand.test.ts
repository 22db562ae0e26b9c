import { chmodSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { demoSpec } from './support/demo.ts';
import { commit, git } from './support/repository.ts';
import { inWorkspace } from './support/workspace.ts';

const FORMATS = ['text', 'json', 'sarif', 'junit', 'github', 'gitlab', 'markdown'];
const WIDER = demoSpec.replace('      - GET /api/v4/user\n', '      - GET,DELETE /api/v4/user\n');
const NARROWER = demoSpec.replace('      - GET /api/v4/user\n', '');

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
      for example DELETE /api/v4/user with key partner from 192.0.2.1 on 2090-06-29T23:59:59Z: refused with 405 → forwarded to gitlab
`,
    );
    write('postern.yaml', NARROWER);
    assert.is((await run('diff --base old.yaml')).status, 1);
    write(
      'mirrored.yaml',
      NARROWER.replace('bottlerocket: {}', 'bottlerocket: { mirrors: { docker.io: ["https://m.example.com"] } }'),
    );
    const mirrored = await run('diff mirrored.yaml --base postern.yaml --fail-on widening');
    assert.is(mirrored.status, 1);
    assert.match(
      mirrored.stdout,
      /mirrored\.yaml:\d+:\d+: nodes pull images of docker\.io from https:\/\/m\.example\.com/,
    );
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

base('a version of the same bytes is not compiled again, and what does not hold is still told', () =>
  inWorkspace(async ({ run, write, path }) => {
    write('postern.yaml', `${demoSpec}\nguarantees: [{ never: "* /{x*}" }, { same: { as: other.yaml } }]\n`);
    write('other.yaml', demoSpec);
    write('partner.txt', '192.0.2.0/24\n');
    commit(path);
    write('copy.yaml', `${demoSpec}\nguarantees: [{ same: { as: other.yaml } }, { never: "* /{x*}" }]\n`);
    const told = await run('diff --base git:HEAD');
    assert.is(told.status, 1);
    assert.match(told.stdout, /guarantee does not hold: /);
    // The same promises in another order are other bytes.
    assert.equal(await run('diff --base copy.yaml'), told);
    write('other.yaml', WIDER);
    const other = await run('diff --base git:HEAD');
    assert.is(other.status, 1);
    assert.match(other.stdout, /guarantee does not hold: .*other\.yaml/);
    write('partner.txt', '192.0.2.0/24\n198.51.100.0/24\n');
    assert.match((await run('diff --base git:HEAD')).stdout, /198\.51\.100\.0\/24 may connect now/);
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
    await failing('diff --base gone.yaml', /there is no such file[\s\S]*hint: name another spec, or git:REV/);
    await failing('diff --base HEAD', /hint: write git:HEAD if it is a revision/);
    for (const itself of ['postern.yaml', '.', './postern.yaml'])
      await failing(`diff --base ${itself}`, /it is the spec itself[\s\S]*git:REV for this one/);
    write('broken.yaml', demoSpec.replace('upstream: gitlab', 'upstream: github'));
    await failing('diff --base broken.yaml', /no valid spec[\s\S]*broken\.yaml:9:/);
    await failing('diff --base git:HEAD --live coredns=-', /no meaning beside --base/);
    await failing('diff --fail-on widening', /no meaning beside a comparison of files/);
    write('refused.yaml', demoSpec.replace('bottlerocket: {}', 'docker: {}'));
    await failing('diff --base refused.yaml', /no valid spec[\s\S]*Docker cannot mirror/);
    for (const line of [
      'diff refused.yaml --base postern.yaml',
      'explain GET / refused.yaml',
      'test refused.yaml',
      'secrets check refused.yaml',
      'verify refused.yaml',
      'lint refused.yaml',
    ])
      await failing(line, /Docker cannot mirror/);
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
      /^somebody may be able to do more.*\n {2}postern\.yaml:\d+:5: gitlab\.example\.com stands for git\.privatelink/,
    );
    write(
      'postern.yaml',
      demoSpec.replace('name: demo', 'name: demo # ours').replace('bottlerocket: {}', 'bottlerocket: { form: eksctl }'),
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
    assert.match(small.stderr, /1 file of 6 differ from the spec, \d+% of the lines, and 30% may/);
    assert.is((await run('diff --max-changes 0.5%')).status, 1);
    write(file, '');
    assert.is((await run('diff --max-changes 2%')).status, 1);
  }),
);

const USER_DATA = `[settings.kubernetes]
"bootstrap-token" = "hunter2.first"
api-server = "https://k8s.example.com"

[[settings.container-registry.credentials]]
registry = "paid.example"
password = "hunter2 second"

[settings.host-containers.admin]
user-data = """
hunter2third
plain hunter2-fourth words
"""
# was hunter2-fifth
`;

files('what stands in a file that is merged is shown by its names alone, and said to be copied', () =>
  inWorkspace(async ({ run, write, read }) => {
    write('base.toml', USER_DATA);
    write('postern.yaml', demoSpec.replace('bottlerocket: {}', 'bottlerocket: { merge: base.toml }'));
    const copy = 'generated/bottlerocket/user-data.toml';
    const said: string[] = [];
    const diff = async (status: number) => {
      for (const format of FORMATS) {
        const ran = await run(`diff --format ${format}`);
        assert.is(ran.status, status, ran.stderr);
        said.push(ran.stdout, ran.stderr);
      }
    };
    await diff(1);
    const made = await run('generate');
    assert.match(made.stderr, /warning: "base\.toml" names credentials, and so does bottlerocket\/user-data\.toml/);
    await diff(0);
    write(copy, read(copy).replaceAll('hunter2', 'sw0rdfish').replace('https://registry', 'https://elsewhere'));
    await diff(1);
    write(copy, read('base.toml'));
    write('base.toml', USER_DATA.replaceAll('hunter2', 'sw0rdfish'));
    await diff(1);
    const all = [...said, made.stdout, made.stderr].join('\n');
    assert.not.match(all, /hunter2|sw0rdfish/);
    assert.match(all, /^-"bootstrap-token" = <hidden:[0-9a-f]{8}>$/m);
    assert.match(all, /^\+endpoint = \["https:\/\/r\.privatelink\.example\.com"\]$/m);
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

for (const one of [base, files, live]) one.run();
