import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { runHere } from './support/commands.ts';
import { writeFiles } from './support/files.ts';

const spec = (name: string) => `version: 1
name: ${name}
include: [../../teams/${name}.yaml]
ipRanges: { office: { file: ../../ranges/${name}.txt } }
upstreams: { up: { url: https://up.example.com } }
proxies: { api: { listen: 8080, ipRanges: ["@office"], routes: [read] } }
targets: { nginx: {} }
`;
const team = 'version: 1\nfragment: true\nroutes: { read: { upstream: up, auth: passthrough, allow: [GET /a] } }\n';

interface Repository {
  readonly path: string;
  git(...args: string[]): void;
  run(line: string): ReturnType<typeof runHere>;
  /** Names of the specs that a command looked at. */
  looked(line: string): Promise<string[]>;
}

/** A repository with two specs, their includes and ranges, and what is generated from them, all committed. */
async function inRepository(work: (repository: Repository) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  const path = folder.path;
  const git = (...args: string[]) =>
    void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { cwd: path });
  const run = (line: string) =>
    runHere(line.split(' ').map((word) => (word.startsWith('envs/') ? join(path, word) : word)));
  const looked = async (line: string) => {
    const { stdout } = await run(`${line} envs/**/postern.yaml --format json`);
    return JSON.parse(stdout).specs.map(({ spec: one }: { spec: string }) => basename(dirname(one)));
  };
  try {
    const files = ['one', 'two'].flatMap((name): [string, string][] => [
      [`envs/${name}/postern.yaml`, spec(name)],
      [`teams/${name}.yaml`, team],
      [`ranges/${name}.txt`, '203.0.113.0/24\n'],
    ]);
    for (const [file] of files) mkdirSync(join(path, file, '..'), { recursive: true });
    writeFiles(path, new Map(files));
    git('init', '-q');
    const made = await run('generate envs/**/postern.yaml');
    assert.is(made.status, 0, made.stderr);
    git('add', '.');
    git('commit', '-qm', 'all');
    await work({ path, git, run, looked });
  } finally {
    await folder.remove();
  }
}

const SINCE = '--changed-since git:HEAD';
const changedSince = suite('specs that have changed since a revision');

changedSince('a pattern names specs in any folder', () =>
  inRepository(async ({ path, run }) => {
    const { status, stderr } = await run('validate envs/**/postern.yaml');
    assert.equal([status, stderr.split('\n').at(-2)], [0, '2 specs: 2 yes']);
    assert.is((await run('validate envs/t*o')).status, 0, 'a folder is a spec');
    mkdirSync(join(path, 'envs/.old'));
    writeFileSync(join(path, 'envs/.old/postern.yaml'), 'no spec');
    assert.is((await run('validate envs/**/postern.yaml')).status, 0, 'what is hidden is passed over');
    const none = await run('validate envs/**/other.yaml');
    assert.is(none.status, 2);
    assert.match(none.stderr, 'the pattern names no spec');
  }),
);

changedSince('nothing to do where nothing has changed', () =>
  inRepository(async ({ run }) => {
    for (const command of ['validate', 'generate', 'diff', 'lint', 'test']) {
      const { status, stdout, stderr } = await run(`${command} envs/**/postern.yaml ${SINCE}`);
      assert.is(status, 0);
      assert.match(stdout + stderr, 'nothing to do: no file of 2 specs has changed since git:HEAD', command);
    }
  }),
);

/** What concerns the second spec only. */
const CHANGES: Readonly<Record<string, (repository: Repository) => void>> = {
  'the spec': ({ path }) => writeFileSync(join(path, 'envs/two/postern.yaml'), `${spec('two')}# more\n`),
  'an include, committed': ({ path, git }) => {
    writeFileSync(join(path, 'teams/two.yaml'), `${team}# more\n`);
    git('commit', '-qam', 'more');
    git('tag', 'later');
  },
  'a file of ranges': ({ path }) => writeFileSync(join(path, 'ranges/two.txt'), '203.0.112.0/24\n'),
  'a file that is gone': ({ path }) => rmSync(join(path, 'ranges/two.txt')),
  'a link that leads elsewhere': ({ path }) => {
    rmSync(join(path, 'teams/two.yaml'));
    symlinkSync('one.yaml', join(path, 'teams/two.yaml'));
  },
  'a file that git ignores': ({ path, git }) => {
    git('rm', '-q', '--cached', 'ranges/two.txt');
    writeFileSync(join(path, '.gitignore'), 'ranges/two.txt\n');
    git('add', '.');
    git('commit', '-qm', 'ignored');
  },
};

for (const [what, change] of Object.entries(CHANGES))
  changedSince(`${what} counts`, () =>
    inRepository(async (repository) => {
      repository.git('tag', 'before');
      change(repository);
      const since = what.includes('committed') ? '--changed-since git:before' : SINCE;
      assert.equal(await repository.looked(`validate ${since}`), ['two']);
    }),
  );

changedSince('an edit of a generated file counts where it is looked at', () =>
  inRepository(async ({ path, looked, run }) => {
    writeFileSync(join(path, 'envs/two/generated/nginx/api.conf'), '# by hand\n');
    assert.equal(await looked(`diff ${SINCE}`), ['two']);
    assert.is((await run(`generate envs/**/postern.yaml --check ${SINCE}`)).status, 1);
    assert.equal(await looked(`validate ${SINCE}`), []);
  }),
);

changedSince('what cannot be told is refused', () =>
  inRepository(async ({ run }) => {
    const unknown = await run('validate envs/one --changed-since git:nowhere');
    assert.is(unknown.status, 2);
    assert.match(unknown.stderr, 'there is no such revision');
    assert.match((await run('validate envs/one --changed-since HEAD')).stderr, 'takes a revision, such as git:');
    assert.match((await run(`generate envs/one --watch ${SINCE}`)).stderr, 'no meaning beside --changed-since');
  }),
);

changedSince.run();
