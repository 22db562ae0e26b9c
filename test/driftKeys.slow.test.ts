import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace, type Workspace } from './support/workspace.ts';

const specWith = (keys: string) => `version: 1
name: rotated
upstreams: { gitlab: { url: "http://127.0.0.1:9" } }
routes: { read: { upstream: gitlab, allow: [GET /groups] } }
apiKeys:
  reader: { key: ${keys}, token: env:T }
  other: { key: env:OTHER, token: env:T }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8] } }
targets: { caddy: {}, nginx: {} }
`;
const env = {
  OLD: 'mRx4TqZ8wKc2VhJ6nBf9LsDy-old',
  NEW: 'mRx4TqZ8wKc2VhJ6nBf9LsDy-new',
  OTHER: 'mRx4TqZ8wKc2VhJ6nBf9LsDy-oth',
  T: 'glpat-zzzzzzzzzzzzzzzzzzzz',
};

/** Both keys are rendered, and the old one is then taken out of the spec. */
async function inRotation(work: (workspace: Workspace) => Promise<void>): Promise<void> {
  await inWorkspace(async (workspace) => {
    const { run, write } = workspace;
    write('postern.yaml', specWith('[env:OLD, env:NEW]'));
    assert.is((await run('generate')).status, 0);
    assert.is((await run('generate --check')).status, 0);
    assert.is((await run('secrets render', { env })).status, 0);
    assert.is((await run('generate --check')).status, 0);
    assert.is((await run('diff')).status, 0);
    write('postern.yaml', specWith('env:NEW'));
    assert.is((await run('generate')).status, 0);
    await work(workspace);
  });
}

const keys = suite('keys beside the files');

keys('one that is taken out of the spec is told until the secrets are rendered again', () =>
  inRotation(async ({ run }) => {
    for (const command of ['generate --check', 'diff']) {
      const { status, stdout, stderr } = await run(command);
      assert.is(status, 1);
      const said = stdout + stderr;
      for (const target of ['caddy', 'nginx'])
        assert.match(
          said,
          `postern.yaml:6:11: error: generated/${target}/secrets has 2 keys for "reader" in place of 1`,
        );
      assert.match(said, 'hint: run "postern secrets render"');
      for (const secret of Object.values(env)) assert.not.match(said, secret);
    }
    const one = await run('diff --target nginx');
    assert.not.match(one.stdout + one.stderr, 'caddy/secrets');
    assert.is((await run('secrets render', { env })).status, 0);
    assert.is((await run('generate --check')).status, 0);
    assert.is((await run('diff')).status, 0);
  }),
);

keys('of an id that is gone, of one that is new, and what is no table of ours', () =>
  inRotation(async ({ run, write, path }) => {
    assert.is((await run('secrets render', { env })).status, 0);
    const spec = specWith('env:NEW');
    write('postern.yaml', spec.replace('  other:', '  another:'));
    assert.is((await run('generate')).status, 0);
    const { status, stdout, stderr } = await run('generate --check');
    assert.is(status, 1);
    assert.match(stdout + stderr, 'generated/nginx/secrets has a key for "other", which the spec does not make');
    assert.match(stdout + stderr, 'generated/caddy/secrets lacks a key for "another"');
    write('postern.yaml', spec);
    assert.is((await run('generate')).status, 0);
    for (const [file, from, to] of [
      ['caddy/secrets/keys', 'default ""', 'default "reader x"'],
      ['caddy/secrets/keys', '"=', '"~'],
      ['nginx/secrets/keys.conf', '"hash:', 'default reader;\n"hash:'],
      ['nginx/secrets/tokens.conf', '"reader"', 'default'],
    ] as const) {
      const place = join(path, 'generated', file);
      const text = readFileSync(place, 'utf8');
      writeFileSync(place, text.replace(from, to));
      const edited = await run('generate --check');
      assert.is(edited.status, 1, file);
      assert.match(edited.stdout + edited.stderr, /that is not as ours are/);
      writeFileSync(place, text);
    }
    assert.is((await run('generate --check')).status, 0);
    rmSync(join(path, 'generated/nginx/secrets/keys.conf'));
    rmSync(join(path, 'generated/caddy/secrets'), { recursive: true });
    const none = await run('generate --check');
    assert.is(none.status, 0, none.stdout + none.stderr);
    assert.match(none.stdout + none.stderr, 'generated/nginx/secrets has no keys');
  }),
);

keys('of other references than the spec names are told, though there are as many', () =>
  inRotation(async ({ run, write }) => {
    const rendered = specWith('[env:OLD, env:OTHER2]');
    write('postern.yaml', rendered);
    const OTHER2 = 'mRx4TqZ8wKc2VhJ6nBf9LsDy-tow';
    assert.is((await run('generate')).status, 0);
    assert.is((await run('secrets render', { env: { ...env, OTHER2 } })).status, 0);
    const replacements: readonly [string, (spec: string) => string, number][] = [
      ['another key', (spec) => spec.replace('env:OLD', 'env:NEW'), 1],
      ['keys the other way round', (spec) => spec.replace('env:OLD, env:OTHER2', 'env:OTHER2, env:OLD'), 1],
      [
        'keys of two callers swapped',
        (spec) => spec.replace('env:OLD', 'X').replace('env:OTHER,', 'env:OLD,').replace('X', 'env:OTHER'),
        1,
      ],
      ['another token', (spec) => spec.replace('env:T }', 'env:T2 }'), 1],
      ['callers in another order', (spec) => spec.replace(/( {2}reader.*\n)( {2}other.*\n)/, '$2$1'), 0],
    ];
    for (const [name, change, expected] of replacements) {
      write('postern.yaml', change(rendered));
      assert.is((await run('generate')).status, 0, name);
      for (const command of ['generate --check', 'diff']) {
        const { status, stdout, stderr } = await run(command);
        assert.is(status, expected, `${name}: ${command}`);
        for (const target of ['caddy', 'nginx'])
          assert.is(
            new RegExp(`generated/${target}/secrets/\\S+ has secrets of other references`).test(stdout + stderr),
            expected === 1,
            `${name}: ${target}`,
          );
      }
    }
  }),
);

keys.run();
