import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { engineSuite } from './engines/suite.ts';
import { inRepository, LIVE } from './support/ciRepository.ts';
import { commit } from './support/repository.ts';

// The hooks and the action, each from a repository of its own, and installed as their users install them.

const root = fileURLToPath(new URL('../', import.meta.url));

/** What is checked in here, as it is now, in a repository of its own. */
function published(folder: string): string {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.split('\0').filter((name) => /^(?!test\/|examples\/).+/.test(name))) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  commit(folder);
  return folder;
}

const { test: hooked, engines } = await engineSuite('the hooks', ['pre-commit']);

hooked('are installed by pre-commit from the repository, and refuse what is not in sync', async () => {
  const { path, remove } = await temporaryFolder();
  try {
    const repository = published(path);
    await inRepository(({ run, write, read, git }) => {
      const rev = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: repository, encoding: 'utf8' }).trim();
      const hooks = ['postern-validate', 'postern-generate'].map((id) => ({ id }));
      write('.pre-commit-config.yaml', JSON.stringify({ repos: [{ repo: `file://${repository}`, rev, hooks }] }));
      git('add', '-A');
      const pass = run([`"${engines['pre-commit'].path}" run --all-files`], { PRE_COMMIT_COLOR: 'never' });
      assert.is(pass.status, 0, pass.text);
      assert.match(pass.text, /its tests pass\.+Passed[\s\S]*those of the spec\.+Passed/);
      write(LIVE, read(LIVE).replace('cache 30', 'cache 60'));
      git('add', '-A');
      const fail = run([`"${engines['pre-commit'].path}" run --all-files`], { PRE_COMMIT_COLOR: 'never' });
      assert.is(fail.status, 1, fail.text);
      assert.match(fail.text, /configmap\.yaml: edited by hand/);
    });
  } finally {
    await remove();
  }
});
hooked.run();

const action = suite('the action');
action('installs the command from its own repository', async () => {
  const { path, remove } = await temporaryFolder();
  try {
    mkdirSync(join(path, 'actions'));
    const repository = published(join(path, 'actions'));
    const { runs } = load(readFileSync(join(root, '.github/actions/postern/action.yml'), 'utf8')) as {
      runs: { steps: readonly { readonly run: string }[] };
    };
    const prefix = join(path, 'prefix');
    const { PACKAGE: _, ...env } = process.env;
    const installed = spawnSync('bash', ['-eo', 'pipefail', '-c', runs.steps[0]?.run ?? ''], {
      cwd: path,
      encoding: 'utf8',
      env: { ...env, npm_config_prefix: prefix, GITHUB_ACTION_PATH: join(repository, '.github/actions/postern') },
    });
    assert.is(installed.status, 0, installed.stderr);
    writeFileSync(join(path, 'package.json'), '{}');
    const said = execFileSync('postern', ['--version'], {
      env: { ...env, PATH: `${prefix}/bin${delimiter}${process.env['PATH']}` },
      encoding: 'utf8',
    });
    assert.match(said, /^\d+\.\d+\.\d+\n$/);
  } finally {
    await remove();
  }
});
action.run();
