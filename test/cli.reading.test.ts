import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { demoSpec } from './support/demo.ts';
import { inWorkspace } from './support/workspace.ts';

const test = suite('files that a spec names');
const env = { DEMO_KEY: 'a-key-that-nobody-else-knows.0' };

test('of a foreign file only the numbers of its lines are told', () =>
  inWorkspace(async ({ run, write }) => {
    const secrets = [
      'PASSWORD=hunter2',
      'root:x:0:0',
      'deadbeefdeadbeef',
      'a b c',
      '# hunter3',
      '10.0.0.999 # hunter4',
    ];
    write('partner.txt', `192.0.2.0/24\n${secrets.join('\n')}\n  10.0.0.1/8 # hunter5\n`);
    for (const format of ['text', 'json', 'sarif', 'github']) {
      const { status, stdout, stderr } = await run(`validate --format ${format}`);
      const said = `${stdout}${stderr}`;
      assert.not.match(said, /hunter|root:|deadbeef|a b c|PASSWORD/);
      if (format !== 'text') continue;
      assert.is(status, 1, said);
      assert.match(said, /partner\.txt:2:1: error: a line of "partner\.txt" is no address \[policy\/bad-line\]/);
      assert.match(said, /partner\.txt:3:1: /);
      assert.match(said, /partner\.txt:4:1: /);
      assert.match(said, /partner\.txt:5:1: /);
      assert.match(said, /partner\.txt:7:1: error: "10\.0\.0\.999" is not an address/);
      assert.match(said, /partner\.txt:8:3: error: "10\.0\.0\.1\/8" has host bits set/);
    }
  }));

test('what is no regular file is not read', () =>
  inWorkspace(async ({ path, run, write }) => {
    execFileSync('mkfifo', [join(path, 'pipe')]);
    write('huge', '');
    truncateSync(join(path, 'huge'), 64 * 2 ** 20 + 1);
    for (const file of ['/dev/zero', 'pipe', '.', 'huge']) {
      write('postern.yaml', demoSpec.replace('partner.txt', file));
      const ranges = await run('validate');
      assert.is(ranges.status, 1);
      assert.match(ranges.stderr + ranges.stdout, /not a file of 64 MiB at most/);
      write('postern.yaml', demoSpec.replace('file:token.txt', `file:${file}`));
      const secret = await run('secrets check', { env });
      assert.is(secret.status, 1);
      assert.match(secret.stderr + secret.stdout, /cannot be read: it (?:is|has) .*\[secret\/unreadable\]/);
    }
    const spec = await run('validate /dev/zero');
    assert.is(spec.status, 2);
    assert.match(spec.stdout + spec.stderr, /cannot read the spec: it is not a regular file/);
    write('postern.yaml', demoSpec);
    const live = await run('diff --live coredns=/dev/zero');
    assert.is(live.status, 2);
    assert.match(live.stderr + live.stdout, /cannot read: it is not a regular file/);
    const requests = await run('explain --requests /dev/zero');
    assert.is(requests.status, 2);
    assert.match(requests.stderr, /it is not a regular file/);
  }));

test('a file outside of the folder of the spec is read', () =>
  inWorkspace(async ({ path, run, write }) => {
    write('inner/postern.yaml', demoSpec.replace('partner.txt', '../partner.txt'));
    assert.is((await run('validate inner')).status, 0);
    write('postern.yaml', demoSpec.replace('partner.txt', join(path, 'partner.txt')));
    assert.is((await run('validate')).status, 0);
  }));

test('secrets are not written through a link', () =>
  inWorkspace(async ({ path, run, write }) => {
    write(
      'postern.yaml',
      demoSpec.replace('coredns: { form: corefile }', 'nginx: {}').replace('bottlerocket', 'caddy'),
    );
    write('token.txt', 'an-upstream-token\n');
    mkdirSync(join(path, 'foreign'));
    chmodSync(join(path, 'foreign'), 0o755);
    mkdirSync(join(path, 'generated/caddy'), { recursive: true });
    symlinkSync(join(path, 'foreign'), join(path, 'generated/caddy/secrets'));
    const { status, stdout, stderr } = await run('secrets render', { env });
    assert.is(status, 2);
    assert.match(stdout + stderr, /generated\/caddy\/secrets.*error: this is a symbolic link.*\[output\/not-a-file\]/);
    assert.equal(readdirSync(join(path, 'foreign')), []);
    assert.is(statSync(join(path, 'foreign')).mode & 0o777, 0o755);
    assert.not.ok(existsSync(join(path, 'generated/nginx')));
  }));

test.run();
