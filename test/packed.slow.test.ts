import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { engineSuite } from './engines/suite.ts';
import { packed } from './support/packed.ts';

// The tarball, installed where nothing else is, by each line of Node that is supported.

const root = fileURLToPath(new URL('../', import.meta.url));
const run = (program: string, args: readonly string[], cwd: string) =>
  execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

const PROGRAM = `
import { compile, evaluate, prove, version } from 'postern';
import schema from 'postern/schema.json' with { type: 'json' };
import { readFileSync } from 'node:fs';
const { policy, files } = compile(readFileSync('postern.yaml', 'utf8'), { file: 'postern.yaml', read: () => undefined });
const { kind } = evaluate(policy, { method: 'GET', target: '/api/v4/user', apiKey: 'partner', at: 0 });
console.log(version, typeof schema.$id, kind, prove(policy, 'nginx', files).kind);
`;

const { test: installs, engines } = await engineSuite('the packed package', ['node-oldest', 'node-22', 'node-24']);

for (const name of ['node-oldest', 'node-22', 'node-24'] as const) {
  installs(`installs and does its work on ${name}`, async () => {
    const { path, remove } = await temporaryFolder();
    try {
      const node = engines[name].path;
      const npm = realpathSync(run('sh', ['-c', 'command -v npm'], root).trim());
      const project = join(path, 'project');
      mkdirSync(project);
      writeFileSync(join(project, 'package.json'), '{ "private": true }');
      const { status, stderr } = spawnSync(node, [npm, 'install', '--no-audit', '--no-fund', packed(path)], {
        cwd: project,
        encoding: 'utf8',
      });
      // Nor is there a warning, as of a script that would run.
      assert.equal({ status, stderr }, { status: 0, stderr: '' });
      const postern = (...args: string[]) => run(node, [join(project, 'node_modules/.bin/postern'), ...args], project);
      postern('init');
      assert.match(postern('validate'), /5 tests passed/);
      postern('generate');
      assert.ok(readdirSync(join(project, 'generated/nginx')).includes('nginx.conf'));
      postern('diff');
      assert.match(postern('prove'), /nginx: proxy api: proved for all requests/);
      writeFileSync(join(project, 'program.mjs'), PROGRAM);
      assert.match(run(node, ['program.mjs'], project), /^\d+\.\d+\.\d+ string forward proved$/m);
      postern('validate', 'node_modules/postern/examples/gitlab-proxy');
    } finally {
      await remove();
    }
  });
}

installs('works through a link, from elsewhere, with node_modules that nobody may write to', async () => {
  const { path, remove } = await temporaryFolder();
  const project = join(path, 'project');
  const mode = (change: string) => run('chmod', ['-R', change, project], path);
  try {
    for (const folder of ['project', 'bin', "my folder's"]) mkdirSync(join(path, folder));
    writeFileSync(join(project, 'package.json'), '{ "private": true }');
    run('npm', ['install', '--no-audit', '--no-fund', packed(path)], project);
    symlinkSync(join(project, 'node_modules/.bin/postern'), join(path, 'bin/postern'));
    mode('a-w');
    const sh = (script: string) => {
      const env = { ...process.env, PATH: `${join(path, 'bin')}:${process.env['PATH']}` };
      return spawnSync('sh', ['-c', script], { cwd: join(path, "my folder's"), encoding: 'utf8', env });
    };
    const begun = sh("postern init 'new one'");
    const [, next = ''] = /^next: (.*)$/m.exec(begun.stderr) ?? [];
    const done = sh(next);
    assert.is(done.status, 0, `${next}: ${done.stderr}`);
    assert.match(sh("postern prove 'new one'").stdout, /nginx: proxy api: proved for all requests/);
    assert.is(sh("npx --prefix ../project postern validate 'new one'").status, 0);
    const gone = sh('mkdir gone && cd gone && rmdir ../gone && postern validate');
    assert.equal(
      [gone.status, gone.stderr],
      [2, 'postern: the folder that it was started in is gone: cd to another one\n'],
    );
  } finally {
    mode('u+w');
    await remove();
  }
});

installs.run();
