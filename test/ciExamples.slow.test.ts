import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { engineSuite } from './engines/suite.ts';
import { expecting, inRepository, LIVE, labelIn, SPEC, withoutInstall } from './support/ciRepository.ts';
import { demoRanges } from './support/demo.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (file: string) => load(readFileSync(join(root, 'examples/ci', file), 'utf8')) as Record<string, unknown>;

function gitlabScript(job: string): string[] {
  const { script } = read('.gitlab-ci.yml')[job] as { script: string[] };
  return withoutInstall(script);
}

interface Step {
  readonly run?: string;
  readonly if?: string;
  readonly 'continue-on-error'?: boolean;
}

/** The steps of a job. */
function githubScript(job = 'change'): string[] {
  const { jobs } = read('.github/workflows/postern.yml') as { jobs: Record<string, { steps: readonly Step[] }> };
  return withoutInstall(
    (jobs[job]?.steps ?? []).flatMap(({ run, ...step }) =>
      run ? [step['continue-on-error'] ? `${run} || true` : run] : [],
    ),
  );
}

/** What the hooks of pre-commit run, those of the example and those that others name. */
function hookLines(): string[] {
  const { repos } = read('.pre-commit-config.yaml') as { repos: { hooks: Hook[] }[] };
  const named = load(readFileSync(join(root, '.pre-commit-hooks.yaml'), 'utf8')) as Hook[];
  const hooks = [...repos.flatMap((each) => each.hooks), ...named];
  return hooks.map(({ entry }) => entry).filter((line) => /^postern (?:validate|generate) /.test(line));
}

interface Hook {
  readonly entry: string;
}

const mergeRequest = (system: string) =>
  system === 'GitLab' ? [...gitlabScript('postern:files'), ...gitlabScript('postern:access')] : githubScript();

const test = suite('examples/ci');

for (const system of ['GitLab', 'GitHub']) {
  test(`${system}: green in sync and on a narrowing, red on a hand edit and on a widening`, () =>
    inRepository(({ run, write, read: text }) => {
      const lines = mergeRequest(system);
      const expected = expecting(run, lines);
      expected(0);
      write(LIVE, text(LIVE).replace('cache 30', 'cache 60'));
      expected(1);
      write('postern.yaml', SPEC.replace('- GET /api/v4/user', '- GET,PUT /api/v4/user'));
      run(['postern generate']);
      expected(1, /newly allowed: PUT \/api\/v4\/user/);
      write(
        'postern.yaml',
        SPEC.replace(/ {6}- GET \/api\/v4\/projects.*\n/, '').replace(
          / {2}- \{ request: GET \/api\/v4\/projects.*\n/,
          '',
        ),
      );
      run(['postern generate']);
      expected(0);
      write('postern.yaml', SPEC.replace('version: 1', 'version: 2'));
      assert.is.not(run(lines).status, 0);
    }));
}

const ACCESS = {
  GitLab: { lines: gitlabScript('postern:access'), variable: 'CI_MERGE_REQUEST_LABELS', told: 'access.md' },
  GitHub: { lines: githubScript(), variable: 'LABELS', told: '../summary.md' },
} as const;

for (const [system, { lines, variable, told }] of Object.entries(ACCESS))
  test(`${system}: a widening passes once somebody has looked at it, and no other does`, () =>
    inRepository(({ run, write, read: text }) => {
      const widened = (methods: string) => {
        write('postern.yaml', SPEC.replace('- GET /api/v4/user', `- ${methods} /api/v4/user`));
        run(['postern generate']);
      };
      widened('GET,PUT');
      const first = run(lines);
      assert.is(first.status, 1);
      assert.match(text(told), /### ❌ postern diff[\s\S]*newly allowed: PUT \/api\/v4\/user/);
      const label = labelIn(text(told));
      for (const labels of ['', 'a,b', 'access-reviewed', `${label}0`, `x${label.slice(-32)}`])
        assert.is(run(lines, { [variable]: labels }).status, 1, labels);
      const reviewed = run(lines, { [variable]: `a,${label},b` });
      assert.is(reviewed.status, 0, reviewed.text);
      widened('GET,PUT,DELETE');
      assert.is(run(lines, { [variable]: label }).status, 1, 'another change under the same label');
    }));

test('GitLab: what others have merged since is no change of this merge request', () =>
  inRepository(({ run, write, git }) => {
    write('postern.yaml', SPEC.replace('- GET /api/v4/user', '- GET,PUT /api/v4/user'));
    git('commit', '-qam', 'somebody else has merged this');
    assert.is(run(ACCESS.GitLab.lines).status, 1);
    const merged = { CI_MERGE_REQUEST_TARGET_BRANCH_SHA: git('rev-parse', 'HEAD') };
    assert.is(run(ACCESS.GitLab.lines, merged).status, 0);
  }));

test('GitLab: the widening stands in the lines of the merge request and in a note', () =>
  inRepository(({ run, write, read: text }) => {
    write('postern.yaml', SPEC.replace('- GET /api/v4/user', '- GET,PUT /api/v4/user'));
    run(['postern generate']);
    assert.is(run(gitlabScript('postern:access')).status, 1);
    const [issue] = JSON.parse(text('gl-code-quality-report.json'));
    assert.equal(issue.location, { path: 'postern.yaml', lines: { begin: 11 } });
    assert.match(text('access.md'), /newly allowed: PUT \/api\/v4\/user/);
  }));

test('the merge request that brings the spec cannot be compared, says so, and passes with the label', () =>
  inRepository(({ run, write, git, read: text }) => {
    git('rm', '-rq', '--cached', '.');
    git('commit', '-qm', 'before there was a spec');
    git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    const env = { CI_MERGE_REQUEST_DIFF_BASE_SHA: git('rev-parse', 'HEAD') };
    git('add', '-A');
    git('commit', '-qm', 'the spec');
    const { status, text: said } = run(gitlabScript('postern:access'), env);
    assert.is(status, 2, said);
    const label = labelIn(text('access.md'));
    assert.match(text('access.md'), 'where the spec is new there is nothing to compare yet');
    assert.is(JSON.parse(text('gl-code-quality-report.json'))[0].severity, 'critical');
    assert.is(run(githubScript()).status, 2);
    for (const { lines, variable } of Object.values(ACCESS))
      assert.is(run(lines, { ...env, [variable]: label }).status, 0);
    write('partner.txt', '0.0.0.0/1\n128.0.0.0/1\n');
    run(['postern generate']);
    assert.is(run(ACCESS.GitLab.lines, { ...env, CI_MERGE_REQUEST_LABELS: label }).status, 2, 'another list');
  }));

test('an expired key turns no unrelated change red, but the scheduled run', () =>
  inRepository(({ run, write, git }) => {
    write('postern.yaml', SPEC.replace('2090-06-30 }', '2020-06-30 }').replace(', at: 2090-06-30', ', at: 2021-01-01'));
    run(['postern generate --allow-expired']);
    git('add', '-A');
    git('commit', '-qm', 'a key that has expired since');
    git('update-ref', 'refs/remotes/origin/main', 'HEAD');
    for (const lines of [gitlabScript('postern:files'), githubScript()]) {
      const { status, text } = run(lines);
      assert.is(status, 0, text);
      assert.match(text, /expired on 2020-06-30/);
    }
    // What compares access, and a commit, are no worse off.
    for (const lines of [
      gitlabScript('postern:access'),
      hookLines(),
      ['postern lint --allow-expired --fail-on error'],
    ]) {
      const { status, text } = run(lines, { CI_MERGE_REQUEST_DIFF_BASE_SHA: 'origin/main' });
      assert.is(status, 0, text);
    }
    const accepted = 'rule/public-fallback,rule/dependency-proxy,rule/makes-nothing';
    assert.is(run([`postern lint --accept ${accepted}`]).status, 1);
    const linted = run([`postern lint --allow-expired --accept ${accepted}`]);
    assert.is(linted.status, 0, linted.text);
    assert.not.match(linted.text, 'pass --allow-expired');
    assert.is(run(gitlabScript('postern:keys')).status, 1);
    assert.is(run(githubScript('keys')).status, 1);
  }));

test('the job before a deployment: green in sync, red on drift and where nothing could be read', () =>
  inRepository(({ run, write, read: text }) => {
    const lines = gitlabScript('postern:live');
    write('live.yaml', text(LIVE));
    assert.is(run(lines).status, 0);
    write('live.yaml', text(LIVE).replace('gitlab.privatelink', 'evil.privatelink'));
    assert.is(run(lines).status, 1);
    write('live.yaml', '');
    assert.is(run(lines).status, 2);
  }));

test('no expression of GitHub is put into a shell line', () => {
  for (const line of githubScript()) assert.not.match(line, /\$\{\{/);
});

test.run();

const { test: hooked, engines } = await engineSuite('pre-commit', ['pre-commit']);

hooked('lets a commit through that is in sync, and none that is not', () =>
  inRepository(({ run, write, read: text, git }) => {
    const tried = (title: string) => {
      git('add', '-A');
      return run([`git -c user.name=test -c user.email=test@example.com commit -qm "${title}"`]);
    };
    const accepted = (title: string) => {
      const { status, text: said } = tried(title);
      assert.is(status, 0, said);
      assert.match(
        said,
        /the spec is valid and its tests pass\.+Passed[\s\S]*generated files are those of the spec\.+Passed/,
      );
    };
    const refused = (title: string, found: RegExp) => {
      const { status, text: said } = tried(title);
      assert.is(status, 1, said);
      assert.match(said, found);
    };
    write('.pre-commit-config.yaml', readFileSync(join(root, 'examples/ci/.pre-commit-config.yaml'), 'utf8'));
    const installed = run([`"${engines['pre-commit'].path}" install`]);
    assert.is(installed.status, 0, installed.text);
    accepted('the hooks');
    write(LIVE, text(LIVE).replace('cache 30', 'cache 60'));
    refused('a hand edit', /configmap\.yaml: edited by hand/);
    run(['postern generate --force']);
    write('partner.txt', `${demoRanges}198.51.100.0/24\n`);
    write('postern.yaml', SPEC.replace('to: r.privatelink', 'to: s.privatelink').replace('expect: r.', 'expect: s.'));
    refused('a change that was not generated', /spec changed/);
    run(['postern generate']);
    accepted('a change with its files');
    write('partner.txt', 'nonsense\n');
    refused('a file that the spec names', /valid and its tests pass\.+Failed[\s\S]*partner\.txt/);
  }),
);
hooked.run();
