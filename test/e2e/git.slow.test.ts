import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { mustRun } from '../engines/run.ts';
import { engineSuite } from '../engines/suite.ts';
import { scoped } from '../support/scoped.ts';
import { siteEngines } from './generated.ts';
import { GITLAB_PORT, PRIVATE_GITLAB, type SiteWorld, siteWorldEngines, startSiteWorld } from './siteWorld.ts';

const { test, engines } = await engineSuite('git', [...siteWorldEngines, 'git']);

const MEGABYTE = 1024 * 1024;
const SIZE = 200 * MEGABYTE;
const REMOTE = `https://deploy:let-me-in@${PRIVATE_GITLAB}/group/app.git`;

/** What GitLab saw, in its own name: each first request without credentials, and the pack in chunks. */
const exchange = [
  'GET /group/app.git/info/refs?service=git-upload-pack 401 gitlab.example.com -',
  'GET /group/app.git/info/refs?service=git-upload-pack 200 gitlab.example.com -',
  'POST /group/app.git/git-upload-pack 200 gitlab.example.com -',
  'POST /group/app.git/git-upload-pack 200 gitlab.example.com -',
  'GET /group/app.git/info/refs?service=git-receive-pack 401 gitlab.example.com -',
  'GET /group/app.git/info/refs?service=git-receive-pack 200 gitlab.example.com -',
  'POST /group/app.git/git-receive-pack 200 gitlab.example.com -',
  'POST /group/app.git/git-receive-pack 200 gitlab.example.com chunked',
];

type Git = (...args: readonly string[]) => Promise<string>;

/** git on a machine that knows the private names only. */
async function clientOf({ enter, env, folder }: SiteWorld, certFile = env['SSL_CERT_FILE'] ?? ''): Promise<Git> {
  const program = await enter(engines.git.path);
  const settings = { GIT_SSL_CAINFO: certFile, GIT_CONFIG_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' };
  const who = [
    '-c',
    'user.name=deploy',
    '-c',
    'user.email=deploy@example.com',
    '-c',
    'core.compression=0',
    '-c',
    'core.bigFileThreshold=1m',
  ];
  return (...args) => mustRun(program, [...who, ...args], { env: { ...env, ...settings }, cwd: folder.path });
}

/** The most memory that any process of a group ever had at once, in bytes. */
async function peakOf(group: number): Promise<number> {
  const peaks = (await readdir('/proc'))
    .filter((name) => /^\d+$/.test(name))
    .map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      if (Number(stat.slice(stat.lastIndexOf(')')).split(' ')[3]) !== group) return 0;
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    });
  return Math.max(...(await Promise.all(peaks)));
}

/** A bare repository with one small commit, as GitLab holds it. */
async function writeRepository(git: Git, root: string): Promise<string> {
  const path = `${root}/group/app.git`;
  await git('init', '--quiet', '--bare', '--initial-branch', 'main', path);
  await git('init', '--quiet', '--initial-branch', 'main', 'seed');
  await git('-C', 'seed', 'commit', '--quiet', '--allow-empty', '-m', 'first');
  await git('-C', 'seed', 'push', '--quiet', path, 'main');
  return path;
}

for (const engine of siteEngines) {
  test(
    `clones, and pushes 200 MB through ${engine}, which never holds them`,
    scoped(async (scope) => {
      const world = await startSiteWorld({ engine, engines }, scope);
      const { folder, site } = world;
      const git = await clientOf(world);
      const root = `${folder.path}/repositories`;
      const repository = await writeRepository(git, root);
      const server = await world.startScript('gitServer.ts', ['--root', root, '--git', engines.git.path], GITLAB_PORT);
      await git('clone', '--quiet', REMOTE, 'clone');
      await writeFile(`${folder.path}/clone/data`, randomBytes(SIZE));
      await git('-C', 'clone', 'add', 'data');
      await git('-C', 'clone', 'commit', '--quiet', '-m', 'second');
      const before = await peakOf(site.pid);
      await git('-C', 'clone', 'push', '--quiet', 'origin', 'main');
      const grown = (await peakOf(site.pid)) - before;
      assert.ok(before > MEGABYTE, 'the engine was not found');
      assert.ok(grown < SIZE / 4, `${engine} grew by ${grown} bytes`);
      const pushed = await git('-C', 'clone', 'rev-parse', 'main');
      assert.is(await git('--git-dir', repository, 'rev-parse', 'main'), pushed);
      assert.equal(server.output().trimEnd().split('\n'), exchange);
    }),
  );
}

test.run();
