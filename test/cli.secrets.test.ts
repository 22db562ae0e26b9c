import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { secretsOf } from '../src/secrets/render.ts';
import { nginx } from '../src/targets/nginx/index.ts';
import type { SecretsInput } from '../src/targets/target.ts';
import { demoSpec } from './support/demo.ts';
import { policyOf } from './support/policy.ts';
import { inWorkspace, type Workspace } from './support/workspace.ts';

const KEY = 'a-key-that-nobody-else-knows.0';
const TOKEN = 'an-upstream-token~/+=';
const env = { DEMO_KEY: KEY };
const broken = { ...nginx, name: 'broken' };
const FOLDER = 'generated/caddy/secrets';

function prepare({ write }: Workspace): void {
  write('postern.yaml', demoSpec.replace('bottlerocket', 'caddy'));
  write('token.txt', `${TOKEN}\n`);
}

const secrets = suite('secrets');

secrets('writes files that only the owner can read', () =>
  inWorkspace(async (workspace) => {
    prepare(workspace);
    const { path, run, read } = workspace;
    mkdirSync(join(path, FOLDER), { recursive: true, mode: 0o755 });
    const { status, stdout, stderr } = await run('secrets render', { settings: env });
    assert.is(status, 0, stderr);
    assert.not.ok(`${stdout}${stderr}`.includes(KEY) || `${stdout}${stderr}`.includes(TOKEN));
    const names = readdirSync(join(path, FOLDER)).sort();
    assert.equal(names, ['keys']);
    assert.is(statSync(join(path, FOLDER)).mode & 0o777, 0o700);
    for (const name of names) assert.is(statSync(join(path, FOLDER, name)).mode & 0o777, 0o600);
    for (const secret of [KEY, TOKEN]) assert.ok(read(`${FOLDER}/keys`).includes(secret));
  }),
);

secrets('only what an engine includes of its secrets is compared', () =>
  inWorkspace(async (workspace) => {
    prepare(workspace);
    const { path, run, read, write } = workspace;
    write('postern.yaml', read('postern.yaml').replace('caddy: {}', '$&\n  nginx: {}'));
    await run('generate');
    assert.is((await run('secrets render', { settings: env })).status, 0);
    const beside = 'generated/nginx/secrets';
    const tables = read(`${beside}/keys.conf`);
    write(`${beside}/keys.conf.bak`, tables);
    write(`${beside}/old/keys.conf`, tables);
    write(`${FOLDER}/.keys.swp`, tables);
    assert.is((await run('diff')).status, 0);
    for (const included of [`${beside}/keys-old.conf`, `${FOLDER}/keys.bak`]) {
      // Another table of the same keys, or a folder, with which the engine does not start.
      for (const put of [() => write(included, tables), () => mkdirSync(join(path, included))]) {
        put();
        const { status, stderr } = await run('diff');
        assert.is(status, 1, included);
        assert.match(stderr, /secrets has (?:a table of keys|the folder keys)/);
        rmSync(join(path, included), { recursive: true });
      }
    }
  }),
);

secrets('writes user:password as Basic sends it, and takes nothing else for it', () =>
  inWorkspace(async (workspace) => {
    prepare(workspace);
    const { run, read, write } = workspace;
    write('postern.yaml', read('postern.yaml').replace('https://gitlab.example.com,', '$& tokenScheme: Basic,'));
    const user = 'me@example.com:api token';
    const base64 = Buffer.from(user).toString('base64');
    for (const value of [user, base64]) {
      write('token.txt', value);
      const { status, stderr } = await run('secrets render', { settings: env });
      assert.is(status, 0, stderr);
      assert.ok(read(`${FOLDER}/keys`).includes(` ${base64}`));
    }
    write('token.txt', TOKEN);
    const { status, stdout } = await run('secrets check', { settings: env });
    assert.is(status, 1);
    assert.match(stdout, /what file:token\.txt holds is not user:password \[secret\/bad-basic\]/);
    assert.not.ok(stdout.includes(TOKEN));
  }),
);

secrets('keeps values out of everything else', () =>
  inWorkspace(async (workspace) => {
    prepare(workspace);
    const { path, run, read } = workspace;
    const said = [];
    for (const args of [
      'generate',
      'secrets render',
      'diff',
      'validate',
      'secrets check',
      'explain GET /api/v4/user --key partner',
      'generate --format json',
      'diff --format json',
    ]) {
      const { status, stdout, stderr } = await run(args, { settings: env });
      assert.is(status, 0, stderr);
      said.push(stdout, stderr);
    }
    const files = readdirSync(join(path, 'generated'), { recursive: true, withFileTypes: true });
    const open = files.filter((file) => file.isFile() && !file.parentPath.endsWith('secrets'));
    const texts = [...said, ...open.map((file) => read(join(file.parentPath, file.name).slice(path.length + 1)))];
    assert.ok(open.length >= 3);
    assert.not.ok(texts.some((text) => text.includes(KEY) || text.includes(TOKEN)));
  }),
);

for (const length of [1, 1000, 3900, 3901, 4094, 4101, 70_000]) {
  secrets(`a token of ${length} characters is written or refused, and never shown`, () =>
    inWorkspace(async ({ run, write, path }) => {
      const token = Array.from({ length }, (_, n) => 'abcdefghij.~+/=-_0123456789'[(n * n + n) % 27]).join('');
      write('postern.yaml', demoSpec.replace('bottlerocket: {}', 'caddy: {}\n  nginx: {}'));
      write('token.txt', token);
      const { status, stdout, stderr } = await run('secrets render', { settings: env });
      assert.is(status, length > 3900 ? 2 : 0, stderr);
      assert.is(existsSync(join(path, 'generated/nginx/secrets')), length <= 3900);
      if (length > 3900) assert.match(stderr, /nginx\/long-token/);
      if (length > 1) assert.not.ok(`${stdout}${stderr}`.includes(token.slice(0, 12)), stderr);
    }),
  );
}

secrets('a target that breaks down on a secret says where, and not on what', () => {
  const failing = {
    ...broken,
    secrets: ({ values }: SecretsInput): never => {
      throw new Error(`cannot take ${[...values.values()].join('\n    at ')}`);
    },
  };
  const input = { policy: policyOf({}), values: new Map([['env:X', KEY]]) };
  try {
    secretsOf(failing, input);
    assert.unreachable();
  } catch (error) {
    const { stack = '', message } = error as Error;
    assert.is(message, 'broken failed on the secrets');
    assert.not.ok(stack.includes(KEY), stack);
    assert.match(stack, /cli\.secrets\.test/);
  }
});

secrets('are not written where git would take them in', () =>
  inWorkspace(async (workspace) => {
    prepare(workspace);
    const { path, run } = workspace;
    execFileSync('git', ['init', '-q'], { cwd: path });
    const refused = await run('secrets render', { settings: env });
    assert.is(refused.status, 2);
    assert.match(refused.stderr, /git does not ignore it \[secret\/not-ignored\]/);
    assert.not.ok(existsSync(join(path, FOLDER)));
    await run('generate');
    assert.is((await run('secrets render', { settings: env })).status, 0);
    const untracked = execFileSync('git', ['status', '--short', '-uall'], { cwd: path, encoding: 'utf8' });
    assert.not.match(untracked, /secrets/);
    // Without git nobody can say whether they are ignored.
    const blind = await run('secrets render', { env: { ...env, PATH: join(path, 'nothing') } });
    assert.is(blind.status, 2);
    assert.match(blind.stderr, /git cannot be started/);
  }),
);

secrets('are not written where git itself refuses to answer, with its reason and what helps', () =>
  inWorkspace(async (workspace) => {
    prepare(workspace);
    const { path, run } = workspace;
    await run('generate');
    // As in a container into which a linked work tree is mounted.
    writeFileSync(join(path, '.git'), 'gitdir: /nowhere/.git/worktrees/x\n');
    const { status, stderr } = await run('secrets render', { settings: env });
    assert.is(status, 2);
    assert.match(stderr, /git cannot tell whether it is ignored: fatal: not a git repository/);
    assert.match(stderr, 'hint: run "git status" in that folder');
    assert.not.match(stderr, 'git cannot be started');
    assert.not.ok(existsSync(join(path, FOLDER)));
  }),
);

secrets('are not written where git would take in what stands beside them meanwhile', () =>
  inWorkspace(async (workspace) => {
    prepare(workspace);
    const { path, run, write } = workspace;
    execFileSync('git', ['init', '-q'], { cwd: path });
    write('.gitignore', 'keys\n.postern-leases.json\n');
    const { status, stderr } = await run('secrets render', { settings: env });
    assert.is(status, 2);
    assert.match(stderr, /git does not ignore \.keys\.new\.postern-tmp/);
    assert.not.ok(existsSync(join(path, FOLDER)));
  }),
);

secrets('are not written into a work tree by way of a link', () =>
  inWorkspace(async (workspace) => {
    prepare(workspace);
    const { path, run } = workspace;
    execFileSync('git', ['init', '-q', 'tree'], { cwd: path });
    mkdirSync(join(path, 'tree/inside'));
    symlinkSync('tree/inside', join(path, 'link'));
    for (const out of ['link', 'link/deeper']) {
      const { status, stderr } = await run(`secrets render --out ${out}`, { settings: env });
      assert.is(status, 2);
      assert.match(stderr, /git does not ignore it/);
      assert.equal(readdirSync(join(path, 'tree/inside')), []);
    }
  }),
);

secrets('refuses what cannot be a secret, without showing it', () =>
  inWorkspace(async (workspace) => {
    prepare(workspace);
    const { run, write, path } = workspace;
    const token = (text: string) => write('token.txt', text);
    const cases: [() => void, Record<string, string>, RegExp][] = [
      [() => {}, {}, /env:DEMO_KEY is not set or empty/],
      [() => {}, { DEMO_KEY: '' }, /env:DEMO_KEY is not set or empty/],
      [() => write('postern.yaml', demoSpec.replace('DEMO_KEY', 'constructor')), env, /env:constructor is not set/],
      [() => prepare(workspace), { DEMO_KEY: 'too-short' }, /not shaped like a key/],
      [() => {}, { DEMO_KEY: `${KEY} x` }, /not shaped like a key/],
      [() => {}, { DEMO_KEY: 'abcdefabcdefabcdefabcdefabcdef' }, /could be guessed/],
      [() => {}, { DEMO_KEY: '12345678901234567890' }, /could be guessed: it has less than 128 bits/],
      [() => token(`"${TOKEN}"`), env, /is not a token/],
      [() => token('two\nlines\n'), env, /is not a token/],
      [() => token('\n'), env, /file:token\.txt is not set or empty/],
      [() => token(KEY), env, /also the upstream token/],
      [
        () =>
          write(
            'postern.yaml',
            demoSpec.replace('file:token.txt', 'file:nowhere.txt').replace('bottlerocket', 'caddy'),
          ),
        env,
        /cannot be read: no such file/,
      ],
      [
        () => write('postern.yaml', demoSpec.replace('file:token.txt', 'vault:a/b#c').replace('bottlerocket', 'caddy')),
        env,
        /Vault cannot be asked: VAULT_ADDR is not set/,
      ],
    ];
    for (const [change, given, words] of cases) {
      prepare(workspace);
      change();
      const rendered = await run('secrets render', { settings: given });
      assert.is(rendered.status, 2, String(words));
      assert.match(rendered.stderr, words);
      for (const value of [KEY, TOKEN, 'too-short', 'two']) assert.not.ok(rendered.stderr.includes(value), value);
      assert.not.ok(existsSync(join(path, FOLDER)));
    }
    const checked = await run('secrets check');
    assert.is(checked.status, 1);
    assert.match(checked.stdout, /env:DEMO_KEY is not set/);
  }),
);

secrets('refuses one key for two callers', () =>
  inWorkspace(async (workspace) => {
    prepare(workspace);
    const { run, write } = workspace;
    const second = '  second: { key: env:OTHER_KEY, token: file:token.txt }\n';
    write('postern.yaml', demoSpec.replace('proxies:\n', `${second}proxies:\n`));
    const { status, stdout } = await run('secrets check', { settings: { ...env, OTHER_KEY: KEY } });
    assert.is(status, 1);
    assert.match(stdout, /env:OTHER_KEY holds the same key as key "partner"/);
    assert.is((await run('secrets check', { settings: { ...env, OTHER_KEY: `${KEY}1` } })).status, 0);
    const capitals = await run('secrets check', { settings: { ...env, OTHER_KEY: KEY.toUpperCase() } });
    assert.is(capitals.status, 1);
    assert.match(capitals.stdout, /in other capitals \[secret\/same-but-case\]/);
  }),
);

secrets('keygen prints a key that is good enough, and another one each time', () =>
  inWorkspace(async (workspace) => {
    prepare(workspace);
    const { run } = workspace;
    const keys = [await run('secrets keygen'), await run('secrets keygen')].map(({ stdout }) => stdout.trim());
    assert.is(new Set(keys).size, 2);
    for (const key of keys) assert.is((await run('secrets check', { settings: { DEMO_KEY: key } })).status, 0);
    assert.is((await run('secrets keygen postern.yaml')).status, 2);
  }),
);

secrets('render --check says what a render would change, and what others could read', () =>
  inWorkspace(async (workspace) => {
    prepare(workspace);
    const { run, write, path } = workspace;
    assert.is((await run('secrets render --check', { settings: env })).status, 1);
    assert.not.ok(existsSync(join(path, 'generated')));
    await run('secrets render', { settings: env });
    assert.is((await run('secrets render --check', { settings: env })).status, 0);
    chmodSync(join(path, FOLDER, 'keys'), 0o640);
    assert.match((await run('secrets render --check', { settings: env })).stdout, /secret\/open-file/);
    chmodSync(join(path, FOLDER, 'keys'), 0o600);
    write('token.txt', `${TOKEN}new`);
    const { status, stdout } = await run('secrets render --check', { settings: env });
    assert.is(status, 1);
    assert.match(stdout, /is not what the secrets make now \[secret\/stale\]/);
    assert.not.ok(stdout.includes(TOKEN));
  }),
);

secrets('the password of a URL that is given as a file is in no output', () =>
  inWorkspace(async ({ runArgs, write }) => {
    write('postern.yaml', demoSpec);
    const url = 'https://oauth2:hunter2hunter@gitlab.example.com/x.git';
    for (const line of [
      ['validate', url],
      ['diff', '--base', url],
      ['diff', '--base', `git:${url}`],
      ['diff', '--live', `caddy=${url}`],
      ['lint', url],
      ['learn', url],
      ['import', 'nginx', url],
      ['show', url],
      ['fmt', url],
      ['audit', '--nginx', url],
      ['shadow', 'report', url],
      ['explain', '--requests', url],
    ])
      for (const format of ['text', 'json', 'github']) {
        const { stdout, stderr } = await runArgs([...line, ...(format === 'text' ? [] : ['--format', format])]);
        assert.not.match(stdout + stderr, /hunter2/, line.join(' '));
      }
  }),
);

secrets.run();
