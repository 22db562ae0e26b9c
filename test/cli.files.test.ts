import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { demoSpec } from './support/demo.ts';
import { inWorkspace } from './support/workspace.ts';

const COREFILE = 'generated/coredns/Corefile';
const generate = suite('generate');

generate('writes everything once, and the same bytes again', () =>
  inWorkspace(async ({ run, read, path }) => {
    const first = await run('generate');
    assert.is(first.status, 0);
    assert.match(first.stdout, /^create coredns\/Corefile: missing$/m);
    assert.is(first.stderr, 'generated: 6 written, 0 unchanged\n');
    const bytes = read(COREFILE) + read('generated/.postern.json');
    assert.not.ok(bytes.includes(path));
    assert.match(read('generated/.gitignore'), /^\/nginx\/secrets\/$/m);
    const second = await run('generate');
    assert.equal(second, { status: 0, stdout: '', stderr: 'generated: 0 written, 6 unchanged\n' });
    await run('generate --out again');
    assert.is(read('again/coredns/Corefile') + read('again/.postern.json'), bytes);
  }),
);

generate('two at once into one folder leave the files of one of them', () =>
  inWorkspace(async ({ run, write, path }) => {
    const specs = [demoSpec, demoSpec.replaceAll('gitlab.privatelink', 'gitlab.inside')];
    for (const [index, text] of specs.entries()) write(`${index}.yaml`, text);
    for (let round = 0; round < 3; round += 1) {
      const ran = await Promise.all(
        [0, 1, 0, 1].map((index) => run(`generate ${index}.yaml --out both`, { apart: true })),
      );
      assert.equal(
        ran.map(({ status }) => status),
        [0, 0, 0, 0],
        ran.map(({ stderr }) => stderr).join(''),
      );
      const checks = await Promise.all([0, 1].map((index) => run(`generate ${index}.yaml --out both --check`)));
      assert.equal(checks.map(({ status }) => status).sort(), [0, 1]);
      assert.equal(
        readdirSync(join(path, 'both')).filter((name) => name.includes('postern-tmp')),
        [],
      );
    }
  }),
);

generate('makes the same files from wherever it is started', () =>
  inWorkspace(async ({ run, read, path, write }) => {
    write('deep/er/postern.yaml', demoSpec);
    write('deep/er/partner.txt', '192.0.2.0/24\n');
    await run('generate');
    assert.is((await run(`generate ${join(path, 'deep/er')}`)).status, 0);
    assert.is(read(`deep/er/${COREFILE}`), read(COREFILE));
    const piped = await run('generate - --out piped', { input: demoSpec });
    assert.is(piped.status, 0, piped.stderr);
    assert.is(read('piped/coredns/Corefile'), read(COREFILE));
  }),
);

generate('only says what it would do when asked to', () =>
  inWorkspace(async ({ run, path }) => {
    const check = await run('generate --check');
    assert.is(check.status, 1);
    assert.match(check.stdout, /^create coredns\/Corefile/m);
    const dry = await run('generate --dry-run');
    assert.is(dry.status, 0);
    assert.match(dry.stderr, /6 to write/);
    assert.equal(readdirSync(path).sort(), ['partner.txt', 'postern.yaml']);
    await run('generate');
    assert.is((await run('generate --check')).status, 0);
  }),
);

generate('restricts itself to the targets that are asked for', () =>
  inWorkspace(async ({ run, path }) => {
    assert.is((await run('generate --target coredns')).status, 0);
    assert.equal(readdirSync(join(path, 'generated')).sort(), [
      '.gitattributes',
      '.gitignore',
      '.postern.json',
      'ACCESS.md',
      'coredns',
    ]);
    await run('generate');
    assert.is((await run('generate --target coredns,bottlerocket')).stdout, '');
    const unknown = await run('generate --target caddi');
    assert.is(unknown.status, 2);
    assert.match(unknown.stderr, /the spec has no target "caddi"/);
  }),
);

generate('overwrites a hand edit of its own file, but no file of others without --force', () =>
  inWorkspace(async ({ run, read, write }) => {
    await run('generate');
    const text = read(COREFILE);
    write(COREFILE, text.replace('cache 30', 'cache 31'));
    assert.match((await run('generate')).stdout, /^change coredns\/Corefile: edited by hand$/m);
    assert.is(read(COREFILE), text);
    write(COREFILE, 'mine\n');
    write(
      'generated/bottlerocket/user-data.toml',
      read('generated/bottlerocket/user-data.toml').replace('endpoint', 'endpoints'),
    );
    const refused = await run('generate');
    assert.is(refused.status, 2);
    assert.is(refused.stdout, '');
    assert.match(
      refused.stderr,
      /generated\/coredns\/Corefile.*was not made by postern, so it is not overwritten \[output\/not-ours\]/,
    );
    assert.is(read(COREFILE), 'mine\n');
    assert.match(read('generated/bottlerocket/user-data.toml'), /endpoints/);
    assert.is((await run('generate --force')).status, 0);
    assert.is(read(COREFILE), text);
  }),
);

generate('does not touch what another spec made', () =>
  inWorkspace(async ({ run, write }) => {
    await run('generate');
    write('postern.yaml', demoSpec.replace('name: demo', 'name: other'));
    const { status, stderr } = await run('generate');
    assert.is(status, 2);
    assert.match(stderr, /made from another spec/);
    assert.is((await run('generate --force')).status, 0);
  }),
);

generate('prunes its own stale files', () =>
  inWorkspace(async ({ run, write, path }) => {
    await run('generate');
    write('generated/notes.txt', 'mine\n');
    write('postern.yaml', demoSpec.replace('  bottlerocket: {}\n', ''));
    const { status, stdout } = await run('generate');
    assert.is(status, 0);
    assert.match(stdout, /^delete bottlerocket\/user-data\.toml: no longer generated$/m);
    assert.equal(readdirSync(join(path, 'generated')).sort(), [
      '.gitattributes',
      '.gitignore',
      '.postern.json',
      'ACCESS.md',
      'coredns',
      'notes.txt',
    ]);
  }),
);

generate('never writes through a symbolic link', () =>
  inWorkspace(async ({ run, path }) => {
    mkdirSync(join(path, 'elsewhere'));
    mkdirSync(join(path, 'generated'));
    symlinkSync(join(path, 'elsewhere'), join(path, 'generated/coredns'));
    const { status, stderr } = await run('generate --force');
    assert.is(status, 2);
    assert.match(stderr, /symbolic link/);
    assert.equal(readdirSync(join(path, 'elsewhere')), []);
    assert.equal(readdirSync(join(path, 'generated')), ['coredns']);
  }),
);

generate('leaves everything as it was when it cannot write', () =>
  inWorkspace(async ({ run, write, path }) => {
    write('taken', 'a file\n');
    const blocked = await run('generate --out taken');
    assert.is(blocked.status, 2);
    assert.is(blocked.stdout, '');
    assert.match(
      blocked.stderr,
      /^taken.*: it is a file \[output\/no-folder\]\n {2}hint: name another with --out.*\n$/,
    );
    assert.match(
      (await run('generate --out taken/below')).stderr,
      /^taken\/below.*not a folder \[output\/no-folder\]\n.*\n$/,
    );
    if (process.getuid?.() !== 0) return;
    chmodSync(path, 0o755);
    mkdirSync(join(path, 'locked'));
    const locked = await run('generate --out locked', { uid: 65534 });
    assert.is(locked.status, 2, locked.stderr);
    assert.match(locked.stderr, /permission denied; nothing was changed/);
    assert.equal(readdirSync(join(path, 'locked')), []);
  }),
);

generate('says why an invalid spec makes nothing', () =>
  inWorkspace(async ({ run, write, path }) => {
    write('postern.yaml', `${demoSpec}nope: 1\n`);
    const text = await run('generate');
    assert.is(text.status, 2);
    assert.is(text.stdout, '');
    assert.match(text.stderr, /unknown key "nope"/);
    const json = await run('generate --format json');
    assert.is(json.status, 2);
    assert.match(JSON.parse(json.stdout).diagnostics[0].message, /nope/);
    assert.equal(readdirSync(path).sort(), ['partner.txt', 'postern.yaml']);
  }),
);

generate.run();

const diff = suite('diff');

diff('is silent about files in sync', () =>
  inWorkspace(async ({ run }) => {
    await run('generate');
    assert.equal(await run('diff'), { status: 0, stdout: '', stderr: 'in sync: 6 files\n' });
  }),
);

diff('shows the edited line, the cause, and a patch that undoes it', () =>
  inWorkspace(async ({ run, read, write, path }) => {
    await run('generate');
    const text = read(COREFILE);
    write(COREFILE, text.replace('cache 30', 'cache 31'));
    rmSync(join(path, 'generated/bottlerocket/user-data.toml'));
    const { status, stdout, stderr } = await run('diff');
    assert.is(status, 1);
    assert.match(stdout, /^change coredns\/Corefile: edited by hand$/m);
    assert.match(stdout, /^- {4}cache 31$/m);
    assert.match(stdout, /^\+ {4}cache 30$/m);
    assert.match(stdout, /^create bottlerocket\/user-data\.toml: missing$/m);
    assert.is(stderr, '2 files of 6 differ from the spec\n');
    execFileSync('patch', ['-s', '-p1'], { cwd: join(path, 'generated'), input: stdout });
    assert.is((await run('diff')).status, 0);
  }),
);

diff('tells a stale file from an edited one, in JSON too', () =>
  inWorkspace(async ({ run, write }) => {
    await run('generate');
    write(
      'postern.yaml',
      demoSpec
        .replace('to: gitlab.privatelink.example.com', 'to: gitlab.inside.example.com')
        .replace('expect: gitlab.privatelink', 'expect: gitlab.inside'),
    );
    const { status, stdout } = await run('diff --format json');
    assert.is(status, 1);
    const { changes } = JSON.parse(stdout);
    const corefile = changes.find((change: { path: string }) => change.path === 'coredns/Corefile');
    assert.is(corefile.cause, 'spec changed');
    assert.match(corefile.patch, /^\+.*gitlab\.inside\.example\.com/m);
  }),
);

diff('calls everything missing before the first generate', () =>
  inWorkspace(async ({ run }) => {
    const { status, stdout } = await run('diff');
    assert.is(status, 1);
    assert.match(stdout, /^create coredns\/Corefile: missing$/m);
  }),
);

diff('cannot tell from an invalid spec, a folder it may not read, or a file in its place', () =>
  inWorkspace(async ({ run, write, path }) => {
    await run('generate');
    const spec = await run('diff - --out generated', { input: 'version: 1\n' });
    assert.is(spec.status, 2);
    assert.is(spec.stdout, '');
    write('taken', '');
    const taken = await run('diff --out taken');
    assert.is(taken.status, 2, taken.stdout);
    if (process.getuid?.() !== 0) return;
    chmodSync(path, 0o755);
    chmodSync(join(path, 'generated/coredns'), 0o700);
    const locked = await run('diff', { uid: 65534 });
    assert.is(locked.status, 2);
    assert.match(locked.stderr, /cannot read: permission denied/);
  }),
);

diff('masks what looks like a secret in a hand edit', () =>
  inWorkspace(async ({ run, read, write }) => {
    await run('generate');
    write(COREFILE, `${read(COREFILE)}# glpat-abcdefghijklmnopqrst\n`);
    for (const format of ['text', 'json']) {
      const { status, stdout, stderr } = await run(`diff --format ${format}`);
      assert.is(status, 1);
      assert.not.ok((stdout + stderr).includes('abcdefghij'));
    }
  }),
);

diff.run();
