import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { writeFiles } from './support/files.ts';
import { commit } from './support/repository.ts';
import { inWorkspace } from './support/workspace.ts';

const includes = suite('includes on the command line');

const PROD = `version: 1
name: prod
include: [../base.yaml, ../teams/payments.yaml]
upstreams: { gitlab: { url: https://gitlab.example.com } }
proxies: { api: { listen: 8080, ipRanges: [192.0.2.0/24], routes: [read, payments] } }
targets: { nginx: {}, caddy: {} }
`;
const BASE = `version: 1
fragment: true
routes: { read: { upstream: gitlab, auth: passthrough, allow: [GET /api/v4/user] } }
`;
const PAYMENTS = `version: 1
fragment: true
# One line more than the others.
routes: { payments: { upstream: gitlab, auth: passthrough, allow: [POST /pay] } }
tests: [{ request: POST /pay, expect: allow }, { request: GET /pay, expect: 405 }]
`;
const FILES = new Map([
  ['envs/prod.yaml', PROD],
  ['base.yaml', BASE],
  ['teams/payments.yaml', PAYMENTS],
]);

includes('every command takes a spec of several files, from wherever it is called', () =>
  inWorkspace(async ({ path, run, write }) => {
    writeFiles(path, new Map([...FILES, ['.git/HEAD', '']]));
    assert.equal(await run('validate envs/prod.yaml'), {
      status: 0,
      stdout: 'envs/prod.yaml: valid, 2 tests passed\n',
      stderr: '',
    });
    assert.is((await run('generate envs/prod.yaml')).status, 0);
    assert.is((await run('diff envs/prod.yaml')).status, 0);
    const explained = await run('explain POST /pay envs/prod.yaml');
    assert.match(explained.stdout, 'teams/payments.yaml:4:');
    write('teams/payments.yaml', PAYMENTS.replace('allow }', '404 }'));
    const failed = await run('validate envs/prod.yaml --format json');
    assert.is(failed.status, 1);
    const [{ file, line, related }] = JSON.parse(failed.stdout).diagnostics;
    assert.equal([file, line, related[0].file, related[0].line], ['teams/payments.yaml', 5, 'teams/payments.yaml', 4]);
  }),
);

includes('without a repository the root is the folder of the spec', () =>
  inWorkspace(async ({ path, run }) => {
    writeFiles(path, FILES);
    const { status, stdout } = await run('validate envs/prod.yaml');
    assert.is(status, 1);
    assert.match(
      stdout,
      /envs\/prod\.yaml:3:11: error: cannot include "\.\.\/base\.yaml": it leads out of the project/,
    );
  }),
);

includes('diff --base git:REV reads all files as they were at that revision', () =>
  inWorkspace(async ({ path, run, write }) => {
    writeFiles(path, FILES);
    commit(path);
    assert.is((await run('generate envs/prod.yaml')).status, 0);
    assert.is((await run('diff envs/prod.yaml --base git:HEAD')).status, 0);
    write('teams/payments.yaml', PAYMENTS.replace('[POST /pay]', '[POST /pay, DELETE /pay]'));
    const { status, stdout } = await run('diff envs/prod.yaml --base git:HEAD');
    assert.is(status, 1);
    assert.match(stdout, /^ {2}teams\/payments\.yaml:4:\d+: newly allowed: DELETE \/pay/m);
    // So does the cause of a drift.
    const drift = JSON.parse((await run('diff envs/prod.yaml --format json')).stdout);
    assert.match(drift.access[0].file, 'teams/payments.yaml');
    assert.is(drift.access[0].line, 4);
    // What is not in the revision is not taken from the disk.
    write('envs/prod.yaml', PROD.replace('../base.yaml, ', '../base.yaml, ../new.yaml, '));
    write('new.yaml', BASE);
    commit(path);
    rmSync(join(path, 'new.yaml'));
    write('envs/prod.yaml', PROD);
    assert.is((await run('diff envs/prod.yaml --base git:HEAD')).status, 0);
    const gone = await run('diff envs/prod.yaml --base git:HEAD~1:x');
    assert.is(gone.status, 2);
  }),
);

includes('a list behind a link is the same list at a revision', () =>
  inWorkspace(async ({ path, run, write }) => {
    const listed = PROD.replace('[192.0.2.0/24]', '["@offices"]');
    const team = `${PAYMENTS}ipRanges: { offices: { file: link.txt } }\n`;
    const files = [
      ['envs/prod.yaml', listed],
      ['teams/payments.yaml', team],
      ['lists/offices.txt', '192.0.2.0/24\n'],
      ['teams/link.txt', '-> ../lists/offices.txt'],
    ] as const;
    writeFiles(path, new Map([...FILES, ...files]));
    commit(path);
    assert.is((await run('diff envs/prod.yaml --base git:HEAD')).status, 0);
    write('lists/offices.txt', '192.0.2.0/24\n198.51.100.7\n');
    assert.match((await run('diff envs/prod.yaml --base git:HEAD')).stdout, /198\.51\.100\.7/);
    // Out of the repository no link leads, at no revision.
    rmSync(join(path, 'teams/link.txt'));
    symlinkSync('/etc/hosts', join(path, 'teams/link.txt'));
    commit(path);
    assert.match((await run('diff envs/prod.yaml')).stderr, /compose\/outside-file/);
    write('teams/payments.yaml', PAYMENTS);
    write('envs/prod.yaml', PROD);
    const { status, stderr } = await run('diff envs/prod.yaml --base git:HEAD');
    assert.is(status, 2);
    assert.match(stderr, /HEAD:teams\/payments\.yaml:6:\d+: error: cannot read "link\.txt": it is a symbolic link/);
  }),
);

includes('an invalid file of the other version is shown where it stands there', () =>
  inWorkspace(async ({ path, run, write }) => {
    symlinkSync('/etc/hosts', join(path, 'hosts.yaml'));
    writeFiles(
      path,
      new Map([...FILES, ['envs/prod.yaml', PROD.replace('../base.yaml', '../base.yaml, ../hosts.yaml')]]),
    );
    commit(path);
    write('envs/prod.yaml', PROD);
    const { status, stderr } = await run('diff envs/prod.yaml --base git:HEAD');
    assert.is(status, 2);
    assert.match(
      stderr,
      /HEAD:envs\/prod\.yaml:3:\d+: error: cannot include "\.\.\/hosts\.yaml": it is a symbolic link/,
    );
  }),
);

includes('without git the other version is a folder: the same file in a checkout, or right in it', () =>
  inWorkspace(async ({ path, run }) => {
    const older = new Map([...FILES].map(([name, text]) => [name, text.replace('POST /pay]', 'GET /pay]')]));
    const under = (folder: string) => [...older].map(([name, text]) => [`${folder}/${name}`, text] as const);
    writeFiles(path, new Map([...FILES, ...under('old'), ['.git/HEAD', ''], ['old/.git/HEAD', '']]));
    for (const base of ['old', 'old/envs', 'old/envs/prod.yaml']) {
      const { status, stdout } = await run(`diff envs/prod.yaml --base ${base}`);
      assert.is(status, 1, base);
      assert.match(stdout, /^ {2}teams\/payments\.yaml:4:\d+: newly allowed: POST \/pay/m);
      assert.match(stdout, /^ {2}old\/teams\/payments\.yaml:4:\d+: newly denied: GET \/pay/m);
    }
  }),
);

includes('the other version may be a copy without .git, whose folder is then its project', () =>
  inWorkspace(async ({ path, run }) => {
    const under = (folder: string, grant: string) =>
      [...FILES].map(([name, text]) => [`${folder}/${name}`, text.replace('POST /pay]', grant)] as const);
    writeFiles(path, new Map([...under('now', 'POST /pay]'), ...under('copy', 'GET /pay]'), ['now/.git/HEAD', '']]));
    const { status, stdout, stderr } = await run('diff now/envs/prod.yaml --base copy');
    assert.is(status, 1, stderr);
    assert.match(stdout, /newly allowed: POST \/pay/);
    assert.match((await run('diff now/envs/prod.yaml --base copy/envs/prod.yaml')).stderr, /leads out of the project/);
  }),
);

includes.run();
