import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { runHere } from './support/commands.ts';
import { writeFiles } from './support/files.ts';

const spec = (guarantees: readonly string[], more = '') => `version: 1
name: prod
include: [{ file: team.yaml, owner: team@example.com }, { file: outer.yaml, owner: outer@example.com }]
upstreams: { up: { url: https://up.example.com } }
routes: { read: { upstream: up, allow: [GET /a${more}] } }
apiKeys: { bot: { key: env:BOT, token: env:TOKEN, owner: bot@example.com } }
proxies: { api: { listen: 8080, ipRanges: [203.0.113.0/24], routes: [read, team, inner] } }
targets: { nginx: {} }
guarantees: [${guarantees.join(', ')}]
`;
const fragment = (group: string, allow: string) =>
  `version: 1\nfragment: true\nroutes: { ${group}: { upstream: up, allow: [${allow}] } }\n`;
const around = (team: string, inner: string) => [
  ['team.yaml', fragment('team', team)] as const,
  ['outer.yaml', 'version: 1\nfragment: true\ninclude: [inner.yaml]\n'] as const,
  ['inner.yaml', fragment('inner', inner)] as const,
];

/** What `diff --base` says between two specs in folders of their own. */
async function between(
  before: string,
  after: string,
  options: readonly string[] = [],
  allow = ['GET /team', 'GET /inner'],
) {
  const folder = await temporaryFolder();
  try {
    const [team = '', inner = ''] = allow;
    const older = [['postern.yaml', before] as const, ...around('GET /team', 'GET /inner')];
    const newer = [['postern.yaml', after] as const, ...around(team, inner)];
    writeFiles(folder.path, new Map(older.map(([name, text]) => [`old/${name}`, text])));
    writeFiles(folder.path, new Map(newer.map(([name, text]) => [`new/${name}`, text])));
    const ran = await runHere(['diff', join(folder.path, 'new'), '--base', join(folder.path, 'old'), ...options]);
    return { ...ran, stdout: ran.stdout.replaceAll(`${folder.path}/`, '') };
  } finally {
    await folder.remove();
  }
}

const NEVER = '{ never: "DELETE /{x*}" }';
const changes = suite('diff of guarantees');

const WEAKER: readonly (readonly [before: string, after: string])[] = [
  [NEVER, ''],
  [NEVER, '{ never: "DELETE /a/{x*}" }'],
  [NEVER, '{ never: { request: "DELETE /{x*}", keys: [bot] } }'],
  [NEVER, '{ never: { request: "DELETE /{x*}", from: [203.0.113.0/24] } }'],
  [NEVER, '{ never: { request: "DELETE /{x*}", proxy: api } }'],
  [NEVER, '{ only: { request: "DELETE /{x*}", keys: [bot] } }'],
  ['{ never: "* /x" }', '{ never: "GET,POST,PUT,PATCH,DELETE /x" }'],
  ['{ only: { request: GET /a, keys: [bot], from: [203.0.113.7] } }', '{ only: { request: GET /a, keys: [bot] } }'],
  ['{ always: { request: GET /a, keys: [bot] } }', '{ always: { request: HEAD /a, keys: [bot] } }'],
  ['{ same: { as: ./postern.yaml } }', '{ same: { as: ./postern.yaml, except: [ipRanges] } }'],
];
for (const [before, after] of WEAKER) {
  changes(`${before} is more than ${after || 'nothing'}`, async () => {
    const { status, stdout } = await between(spec([before]), spec([after]), ['--fail-on', 'widening']);
    assert.match(stdout, /^ {2}old\/postern\.yaml:9:\d+: guarantee removed or weakened: /m);
    assert.is(status, 1);
    // The other way round something is gained, if the two can be compared at all.
    if (after.includes('only') && !before.includes('only')) return;
    const back = await between(spec([after]), spec([before]), ['--fail-on', 'widening']);
    assert.not.match(back.stdout, 'guarantee removed');
  });
}

const SAME: readonly (readonly [before: string, after: string])[] = [
  [NEVER, '{ never: { request: "DELETE /{other*}", reason: because } }'],
  [NEVER, '{ never: "PUT,DELETE /{x*}" }'],
  ['{ never: "DELETE /{x:int}" }', '{ never: "DELETE /{x:slug}" }'],
  ['{ never: { request: DELETE /a, keys: [bot] } }', '{ never: "PUT,DELETE /{x}" }'],
  [
    '{ only: { request: GET /a, keys: [bot] } }',
    '{ only: { request: GET /a, keys: [bot], from: ["203.0.113.0/24"] } }',
  ],
];
for (const [before, after] of SAME) {
  changes(`${after} says all that ${before} does`, async () => {
    const { status, stdout } = await between(spec([before]), spec([after]));
    assert.equal([status, stdout], [0, '']);
  });
}

changes('what a new version breaks is told with a request, whether it keeps the guarantee or not', async () => {
  const broken = await between(spec([NEVER]), spec([NEVER], ', DELETE /a'));
  assert.is(broken.status, 1);
  assert.match(
    broken.stdout,
    /new\/postern\.yaml:9:\d+: guarantee does not hold: never DELETE .* as DELETE \/a with key "bot"/,
  );
  const removed = await between(spec([NEVER]), spec([], ', DELETE /a'));
  assert.match(
    removed.stdout,
    /old\/postern\.yaml:9:\d+: guarantee removed .*, and it does not hold any more: DELETE \/a with/,
  );
});

changes('each change names whose approval it needs', async () => {
  const allow = ['GET /team, POST /team', 'GET /inner, POST /inner'];
  const after = spec([], ', POST /a').replace('env:TOKEN', 'env:OTHER');
  const { stdout } = await between(spec([]), after, ['--format', 'json'], allow);
  const needs = JSON.parse(stdout).access.map(({ file, kind, approval }: Record<string, unknown>) => [
    file,
    kind,
    approval,
  ]);
  assert.equal(needs.sort(), [
    ['new/inner.yaml', 'allowed', ['outer@example.com']],
    ['new/postern.yaml', 'allowed', []],
    ['new/postern.yaml', 'token', ['bot@example.com']],
    ['new/team.yaml', 'allowed', ['team@example.com']],
  ]);
  const page = await between(spec([]), after, ['--format', 'markdown'], allow);
  assert.match(page.stdout, /newly allowed: POST \/team.*\n.*\n {2}<br>needs approval of `team@example\.com`/);
  const text = await between(spec([]), after, [], allow);
  assert.match(text.stdout, /newly allowed: POST \/inner.*\n.*\n {6}needs approval of outer@example\.com/);
});

changes.run();
