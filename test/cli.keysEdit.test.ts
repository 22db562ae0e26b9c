import { chmodSync, lstatSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace } from './support/workspace.ts';

/** A spec with the key of one caller, as it is written. */
const specWith = (key: string) => `version: 1 # kept
name: rotated
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes: { read: { upstream: gitlab, allow: [GET /api/v4/user] } }
apiKeys:
  partner: # of a team
    ${key.replaceAll('\n', '\n    ')}
    token: env:TOKEN  # and this
proxies: { api: { listen: 8080, ipRanges: [192.0.2.7] } }
targets: { caddy: {} }
`;

const USED = `${JSON.stringify({ time: '2026-11-26T10:00:00Z', proxy: 'api', key: 'partner', keyPosition: 'second' })}\n`;

/** What is written before, while there are two keys, and after. */
type Writing = readonly [before: string, during: string, after: string];
const writings: readonly Writing[] = [
  ['key: env:A # one', 'key: [env:A, env:A_NEXT] # one', 'key: env:A_NEXT # one'],
  ["key:   'env:A'", `key:   ['env:A', "env:A_NEXT"]`, 'key:   "env:A_NEXT"'],
  ['key: file:a,b', 'key: ["file:a,b", "file:a,b.next"]', 'key: "file:a,b.next"'],
  ['key: [env:A] # one', 'key: [env:A, env:A_NEXT] # one', 'key: env:A_NEXT # one'],
  ['key:\n- env:A # one\n# two', 'key:\n- env:A # one\n- env:A_NEXT\n# two', 'key:\n # one\n- env:A_NEXT\n# two'],
  [
    'key: # zero\n  # half\n  -  "env:A"\n  # two',
    'key: # zero\n  # half\n  -  "env:A"\n  -  "env:A_NEXT"\n  # two',
    'key: # zero\n  # half\n  -  "env:A_NEXT"\n  # two',
  ],
  [
    'key: [ # zero\n  env:A # one\n  ]',
    'key: [ # zero\n  env:A, env:A_NEXT # one\n  ]',
    'key: [ # zero\n   env:A_NEXT # one\n  ]',
  ],
  ['key: [\n  env:A\n  ] # end', 'key: [\n  env:A, env:A_NEXT\n  ] # end', 'key: [\n   env:A_NEXT\n  ] # end'],
];

const keys = suite('edits of keys');

for (const [before, during, after] of writings)
  keys(`all else stays byte for byte: ${before.replaceAll('\n', '⏎')}`, () =>
    inWorkspace(async ({ run, read, write }) => {
      write('access.log', USED);
      for (const ends of [(text: string) => text, (text: string) => `\ufeff${text.replaceAll('\n', '\r\n')}`]) {
        write('postern.yaml', ends(specWith(before)));
        const rotated = await run('keys rotate partner');
        assert.is(rotated.status, 0, rotated.stderr);
        assert.is(read('postern.yaml'), ends(specWith(during)));
        const retired = await run('keys retire partner --log access.log');
        assert.is(retired.status, 0, retired.stderr);
        assert.is(read('postern.yaml'), ends(specWith(after)));
        const again = await run('keys rotate partner');
        assert.is(again.status, 0, again.stderr);
      }
    }),
  );

keys('two references that stand below each other: the first one goes alone', () =>
  inWorkspace(async ({ run, read, write }) => {
    write('access.log', USED);
    for (const [before, after] of [
      ['key: [\n  env:A, # old\n  env:B # new\n  ]', 'key: [\n   # old\n  env:B # new\n  ]'],
      ['key: [\n  env:A\n  , env:B\n  ]', 'key: [\n   env:B\n  ]'],
      ['key:\n  - env:A\n  - env:B', 'key:\n  - env:B'],
    ] as const) {
      write('postern.yaml', specWith(before));
      const { status, stderr } = await run('keys retire partner --log access.log');
      assert.is(status, 0, stderr);
      assert.is(read('postern.yaml'), specWith(after));
    }
    const odd = specWith('key: [\n  env:A # old\n  , env:B\n  ]');
    write('postern.yaml', odd);
    assert.match((await run('keys retire partner --log access.log')).stderr, /key\/odd-writing/);
    assert.is(read('postern.yaml'), odd);
  }),
);

/** A spec whose key stands in a file of a team. */
const TEAM = (key: string) => `version: 1\nfragment: true\napiKeys: { partner: { key: ${key}, token: env:TOKEN } }\n`;
const ENTRY = specWith('key: env:A').replace(/apiKeys:.*(?=proxies:)/s, 'include: [team/keys.yaml]\n');

keys('a path is written as the file has it that the key stands in', () =>
  inWorkspace(async ({ run, read, write }) => {
    write('postern.yaml', ENTRY.replace('192.0.2.7]', '$&, routes: [read]'));
    for (const [options, next] of [
      ['', 'file:new/a.next'],
      [' --to file:elsewhere/b', 'file:../elsewhere/b'],
      [' --to file:/run/b', 'file:/run/b'],
    ] as const) {
      write('team/keys.yaml', TEAM('file:new/a'));
      const { status, stderr } = await run(`keys rotate partner${options}`);
      assert.is(status, 0, stderr);
      assert.is(read('team/keys.yaml'), TEAM(`[file:new/a, ${next}]`));
    }
  }),
);

keys('a key that two files define, or an edit that leaves no valid spec, is refused', () =>
  inWorkspace(async ({ run, read, write }) => {
    write('team/keys.yaml', TEAM('env:A'));
    write('team/same.yaml', TEAM('env:A'));
    write(
      'postern.yaml',
      ENTRY.replace('keys.yaml]', 'keys.yaml, team/same.yaml]').replace('192.0.2.7]', '$&, routes: [read]'),
    );
    assert.match(
      (await run('keys rotate partner')).stderr,
      /is written in team\/keys\.yaml and in team\/same\.yaml \[key\/twice\]/,
    );
    for (const file of ['team/keys.yaml', 'team/same.yaml']) assert.is(read(file), TEAM('env:A'));
    const issued = `${specWith('key: env:A')}vault: { gitlab: { configs: {}, roles: {} } }\n`;
    write('postern.yaml', issued);
    assert.match((await run('keys rotate partner --to vault:gitlab/token/x#token')).stderr, /key\/not-valid/);
    assert.is(read('postern.yaml'), issued);
  }),
);

keys('a spec on standard input goes on to standard output, whichever file is edited', () =>
  inWorkspace(async ({ run, read, write }) => {
    write('team/keys.yaml', TEAM('env:A'));
    const entry = ENTRY.replace('192.0.2.7]', '$&, routes: [read]');
    const { status, stdout, stderr } = await run('keys rotate partner -', { input: entry });
    assert.is(status, 0, stderr);
    assert.is(stdout, entry);
    assert.is(read('team/keys.yaml'), TEAM('[env:A, env:A_NEXT]'));
  }),
);

keys('a spec that is a link stays one, and its file keeps its permissions', () =>
  inWorkspace(async ({ run, read, write, path }) => {
    write('team/real.yaml', specWith('key: env:A'));
    chmodSync(join(path, 'team/real.yaml'), 0o640);
    symlinkSync('team/real.yaml', join(path, 'linked.yaml'));
    for (const command of ['keys rotate partner linked.yaml', 'fmt linked.yaml']) {
      const { status, stderr } = await run(command);
      assert.is(status, 0, stderr);
      assert.ok(lstatSync(join(path, 'linked.yaml')).isSymbolicLink(), command);
      assert.is(lstatSync(join(path, 'team/real.yaml')).mode & 0o777, 0o640);
    }
    assert.match(read('team/real.yaml'), /env:A, env:A_NEXT/);
  }),
);

keys.run();
