import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { demoSpec } from './support/demo.ts';
import { inWorkspace, type Workspace } from './support/workspace.ts';

const test = suite('lint');

const FALLBACK = 'rule/public-fallback';
/** Has one finding of this code and nothing else. */
const ONE = demoSpec
  .replace(
    'bottlerocket: {}',
    'bottlerocket: { mirrors: { "gitlab.example.com:443": [https://gitlab.privatelink.example.com] } }\n  nginx: { sites: { tls: off } }',
  )
  .replace('expires: 2090-06-30 }', 'expires: 2090-06-30, owner: team@example.com }')
  .replace('ipRanges: ["@partner"] }', 'ipRanges: ["@partner"], publicUrl: https://api.example.com }');
const TWO = ONE.replace('upstreams:\n', 'upstreams:\n  idle: { url: https://idle.example.com }\n');

test('what is accepted is listed apart and is no reason to fail', () =>
  inWorkspace(async ({ run, write }) => {
    write('postern.yaml', ONE);
    assert.is((await run('lint')).status, 1);
    const { status, stdout, stderr } = await run(`lint --accept ${FALLBACK}`);
    assert.is(status, 0);
    assert.match(stdout, /^accepted:\npostern\.yaml:\d+:\d+: warning: .* \[rule\/public-fallback\]\n/);
    assert.match(stdout, /\npostern\.yaml: nothing to improve beside 1 accepted finding\n$/);
    assert.is(stderr, '');
    write('postern.yaml', TWO);
    const other = await run(`lint --accept ${FALLBACK}`);
    assert.is(other.status, 1);
    assert.match(other.stdout, /rule\/unused\][\s\S]*\naccepted:\n[\s\S]*public-fallback\]/);
    assert.is((await run(`lint --accept ${FALLBACK},rule/unused`)).status, 0);
  }));

test('a set that only a guarantee or an envelope names is in use', () =>
  inWorkspace(async ({ run, write }) => {
    write('team.yaml', 'version: 1\nfragment: true\n');
    write(
      'postern.yaml',
      `version: 1
name: demo
include: [{ file: team.yaml, within: { allow: [GET /a], ipRanges: ["@team"] } }]
ipRanges: { team: [192.0.2.0/25], office: [192.0.2.128/25], nowhere: [203.0.113.1] }
guarantees: [{ never: { request: GET /b, from: ["@office"] } }]
targets: { nginx: {} }
`,
    );
    const { stdout } = await run('lint');
    assert.equal(stdout.match(/.*rule\/unused.*/g)?.length, 1, stdout);
    assert.match(stdout, /address set "nowhere" is used nowhere/);
  }));

test('a code that accepts nothing is told beside the result', () =>
  inWorkspace(async ({ run, write }) => {
    write('postern.yaml', ONE);
    const { status, stderr } = await run(`lint --accept ${FALLBACK} --accept rule/wide-write`);
    assert.is(status, 0);
    assert.is(stderr, '--accept rule/wide-write: there is no such finding any more\n');
  }));

test('a code that does not exist, or is an error, cannot be accepted', () =>
  inWorkspace(async ({ run }) => {
    for (const [code, meant] of [
      ['public-fallbak', /did you mean "rule\/public-fallback"/],
      ['rule/unusd', /did you mean "rule\/unused"/],
      ['rule/expired-key', /lint has no such finding/],
    ] as const) {
      const { status, stdout, stderr } = await run(`lint --accept ${code}`);
      assert.is(status, 2, code);
      assert.is(stdout, '');
      assert.match(stderr, meant);
      assert.match(stderr, /hint: it has: .*rule\/unused/);
    }
  }));

async function machine({ run }: Workspace, format: string): Promise<string> {
  const { status, stdout } = await run(`lint --accept ${FALLBACK} --format ${format}`);
  assert.is(status, 0, format);
  return stdout;
}

test('every format marks what is accepted', () =>
  inWorkspace(async (workspace) => {
    workspace.write('postern.yaml', ONE);
    const { diagnostics } = JSON.parse(await machine(workspace, 'json'));
    assert.equal(
      diagnostics.map(({ code, accepted }: { code: string; accepted: boolean }) => [code, accepted]),
      [[FALLBACK, true]],
    );
    const [result] = JSON.parse(await machine(workspace, 'sarif')).runs[0].results;
    assert.equal(
      [result.level, result.suppressions],
      ['note', [{ kind: 'external', status: 'accepted', justification: 'named by --accept' }]],
    );
    assert.match(
      await machine(workspace, 'junit'),
      /failures="0" errors="0" skipped="1">[\s\S]*<skipped message="accepted: /,
    );
    assert.match(await machine(workspace, 'github'), /^::notice .*::accepted: /);
    const [issue] = JSON.parse(await machine(workspace, 'gitlab'));
    assert.is(issue.severity, 'info');
    assert.match(issue.description, /^accepted: /);
    assert.match(await machine(workspace, 'markdown'), /✅ postern lint[\s\S]*\*\*Accepted\*\* \(1\)/);
  }));

test('in SARIF what is not accepted says so beside what is', () =>
  inWorkspace(async ({ run, write }) => {
    write('postern.yaml', TWO);
    const { stdout } = await run(`lint --accept ${FALLBACK} --format sarif`);
    const { results } = JSON.parse(stdout).runs[0];
    assert.equal(
      results.map((one: { ruleId: string; suppressions: object[] }) => [one.ruleId, one.suppressions.length]),
      [
        ['rule/unused', 0],
        [FALLBACK, 1],
      ],
    );
    assert.not.match((await run('lint --format sarif')).stdout, /suppressions/);
  }));

test('what the spec accepts, with a reason and until a day, is listed apart', () =>
  inWorkspace(async ({ run, write }) => {
    const accepting = (entry: string) => `${ONE}accepted:\n  - { finding: public-fallback, ${entry} }\n`;
    write('postern.yaml', accepting('reason: nobody pulls from there, expires: 2090-01-01'));
    const kept = await run('lint');
    assert.is(kept.status, 0);
    assert.match(kept.stdout, /^accepted:\n[\s\S]*hint: accepted until 2090-01-01: nobody pulls from there\n/);
    const [result] = JSON.parse((await run('lint --format sarif')).stdout).runs[0].results;
    assert.is(result.suppressions[0].status, 'accepted');

    write('postern.yaml', accepting('at: domainRewrites.0, reason: elsewhere, expires: 2090-01-01'));
    const elsewhere = await run('lint');
    assert.is(elsewhere.status, 1);
    assert.match(elsewhere.stdout, /rule\/public-fallback\][\s\S]*rule\/unused-acceptance\]/);
    write('postern.yaml', accepting('at: domainRewrites.1.from, reason: there, expires: 2090-01-01'));
    assert.is((await run('lint')).status, 0);

    write('postern.yaml', accepting('reason: over, expires: 2020-01-01'));
    assert.match((await run('lint')).stdout, /rule\/public-fallback\][\s\S]*rule\/expired-acceptance\]/);
    write('postern.yaml', accepting('reason: no such day, expires: 2090-02-31').replace('fallback', 'fallbak'));
    assert.match((await run('validate')).stdout, /accepted|2090-02-31.*policy\/bad-date/);
    write('postern.yaml', accepting('reason: x, expires: 2090-01-01').replace('public-fallback', 'public-fallbak'));
    assert.match((await run('lint')).stdout, /did you mean rule\/public-fallback\?/);
  }));

test('a reason or an owner of blanks only is refused', () =>
  inWorkspace(async ({ run, write }) => {
    for (const blank of ['""', '" "', '"\\t\\n"']) {
      write('postern.yaml', `${ONE}accepted: [{ finding: public-fallback, reason: ${blank}, expires: 2090-01-01 }]\n`);
      const { status, stdout } = await run('validate');
      assert.is(status, 1, blank);
      assert.match(stdout, /must say something/);
    }
    write('postern.yaml', 'version: 1\nname: a\nipRanges: { a: [{ cidr: 192.0.2.1, owner: "  " }] }\n');
    assert.match((await run('validate')).stdout, /postern\.yaml:3:\d+: error: .*must say something/);
    const entry = 'routes: { r: { upstream: u, allow: [{ request: GET /a, reason: " " }] } }';
    const key = 'apiKeys: { k: { key: env:K_EY, owner: "" } }';
    const never = 'guarantees: [{ never: { request: GET /b, reason: "" } }]';
    write('postern.yaml', ['version: 1', 'name: a', entry, key, never, ''].join('\n'));
    const { stdout } = await run('validate');
    for (const line of [3, 4, 5]) assert.match(stdout, new RegExp(`:${line}:\\d+: error: [^\n]*must say something`));
    assert.not.match(stdout, /hint: write \/\n/);
  }));

test('an error cannot be accepted, and a file of others accepts nothing', () =>
  inWorkspace(async ({ run, write }) => {
    const over = ONE.replace('expires: 2090-06-30,', 'expires: 2020-01-01,');
    const accepting = 'accepted: [{ finding: expired-key, reason: x, expires: 2090-01-01 }]\n';
    write('postern.yaml', over + accepting);
    const { status, stdout } = await run('lint');
    assert.is(status, 1);
    assert.match(stdout, /error: key "partner" expired[\s\S]*there is no finding rule\/expired-key here/);
    write('team.yaml', `version: 1\nfragment: true\n${accepting}`);
    write('postern.yaml', `${ONE}include: [team.yaml]\n`);
    assert.match((await run('lint')).stderr, /unknown key "accepted" \[spec\/unknown-key\]/);
  }));

test('--fail-on says how grave a finding must be', () =>
  inWorkspace(async ({ run, write }) => {
    const statuses = async () => {
      const all = [];
      for (const gravity of ['error', 'warning', 'note']) all.push((await run(`lint --fail-on ${gravity}`)).status);
      return all;
    };
    write('postern.yaml', ONE);
    assert.equal(await statuses(), [0, 1, 1]);
    write('postern.yaml', ONE.replace(', owner: team@example.com', '').replace('bottlerocket:', 'containerd:'));
    assert.is((await run('lint --accept public-fallback')).status, 2, 'the code in full, as before');
    write('postern.yaml', ONE.replace('expires: 2090-06-30,', 'expires: 2020-01-01,'));
    assert.equal(await statuses(), [1, 1, 1]);
    const noted = await run('lint --format github');
    assert.not.match(noted.stdout, /^::notice/m);
  }));

test.run();
