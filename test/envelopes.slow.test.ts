import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { hasError } from '../src/diagnostics/diagnostic.ts';
import { parseAddress } from '../src/policy/cidr.ts';
import { evaluatorOf } from '../src/policy/decide.ts';
import type { Policy } from '../src/policy/types.ts';
import { type EngineRun, startEngineRun } from '../src/verify/engineRun.ts';
import { fieldOf } from '../src/verify/http1.ts';
import { randomOf } from '../src/verify/random.ts';
import { type Connection, openConnection } from '../src/verify/raw.ts';
import { openScope } from '../src/verify/scope.ts';
import { ARRIVAL_HEADER } from '../src/verify/upstreams.ts';
import { engineSuite } from './engines/suite.ts';
import { compileFiles, type Files } from './support/files.ts';
import { proxyTarget } from './verify/proxyTargets.ts';

const { test, engines } = await engineSuite('a team that writes what it likes', ['nginx']);
const seed = Number(process.env['SEED'] ?? Date.now() % 1e6);
/** Of the files that are valid; the others are refused and cost little. */
const VALID = Number(process.env['TEAMS'] ?? 25);

const ENTRY = `version: 1
name: prod
include:
  - base.yaml
  - file: team.yaml
    within:
      allow: ["GET,POST /t/{x*}", "* /u/{n:int}"]
      upstreams: [up]
      ipRanges: ["@office"]
      tokens: [env:TEAM, "env:TEAM_*"]
      contentTypes: [application/json, text/plain]
upstreams: { up: { url: http://up.example.com }, vault: { url: http://vault.example.com } }
ipRanges: { office: [10.1.0.0/16], all: ["@office", 10.2.0.0/16] }
proxies:
  api: { listen: 8080, ipRanges: ["@all"], clientIp: { trustedProxies: [127.0.0.0/8] }, routes: [read, admin, team, more] }
guarantees:
  - never: "DELETE /t/{x*}"
targets: { nginx: {} }
`;
const BASE = `version: 1
fragment: true
routes:
  read: { upstream: up, allow: ["GET /r/{x}"] }
  admin: { upstream: vault, allow: ["GET,DELETE /admin/{x}"] }
apiKeys:
  reader: { key: env:READER, token: env:T_READER, routes: [read], ipRanges: ["@office"] }
  admin: { key: env:ADMIN, token: env:T_ADMIN, routes: [admin], ipRanges: [10.2.0.7] }
`;
/** The spec where the team wrote only what it must, so that there is a proxy to compare with. */
const NOTHING = `version: 1
fragment: true
routes:
  team: { upstream: up, allow: ["GET /t/nothing"] }
  more: { upstream: up, allow: ["GET /t/nothing"] }
apiKeys:
  t1: { key: env:NOBODY, token: env:TEAM, routes: [team], ipRanges: ["@office"] }
`;

const often = <T>(usual: T, ...others: T[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
const inside = [
  'GET /t/{x}',
  'GET,POST /t/{x:int}/{y*}',
  'GET /t/{x*}',
  'POST /t/a',
  'DELETE,PUT /u/{n:int}',
  'GET /t/{a:slug}/{b}',
];
const outside = [
  'GET /{x*}',
  'DELETE /t/a',
  'GET /t/{x:encodedPath*}',
  'GET /t/{x*}/',
  'GET /r/{x}',
  'DELETE /admin/{x}',
  'PUT /u/{n}',
  'HEAD /t',
];
const request = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...inside) },
  { weight: 1, arbitrary: fc.constantFrom(...outside) },
);
const item = (allowed: readonly string[]) =>
  often<string>(allowed[0] ?? '', ...allowed.slice(1), '10.0.0.0/8', '0.0.0.0/0', '@all', '@mine');
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 15, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const group = fc.record({
  upstream: often('up', 'vault'),
  allow: fc.array(request, { minLength: 1, maxLength: 4 }),
  auth: often(undefined, 'passthrough'),
  contentTypes: often<unknown>(undefined, ['text/plain'], 'any', ['text/html']),
  maxBody: often(undefined, '1kB', '2GB'),
  headers: often<unknown>(undefined, ['X-Request-Start']),
  websocket: often(undefined, true),
});
const apiKey = (id: string) =>
  fc.record({
    key: often(`env:KEY_${id}`, 'env:READER', 'env:ADMIN'),
    token: often('env:TEAM', `env:TEAM_${id}`, 'env:T_ADMIN', 'env:T_READER', 'env:OTHER'),
    routes: often<unknown>(['team'], ['team', 'more'], ['read'], ['admin', 'team'], undefined),
    ipRanges: fc.array(item(['@office', '10.1.2.3', '10.1.0.0/24']), { minLength: 1, maxLength: 2 }),
  });
const team = fc
  .record({
    routes: fc.record({ team: group, more: group, read: rarely(group), other: rarely(group) }),
    apiKeys: fc.record({ t1: apiKey('t1'), t2: rarely(apiKey('t2')), reader: rarely(apiKey('reader')) }),
    include: often<unknown>(
      undefined,
      ['base.yaml'],
      ['prod.yaml'],
      [{ preset: 'gitlab/read-only@1', as: 'p', with: { gitlab: 'vault' } }],
    ),
    ipRanges: often<unknown>(
      { mine: ['10.1.9.0/24'] },
      { mine: ['10.2.0.0/16'] },
      { office: ['0.0.0.0/0'] },
      { all: ['0.0.0.0/0'] },
    ),
    upstreams: often<unknown>(
      undefined,
      { up: { url: 'http://evil.example.com' } },
      { evil: { url: 'http://evil.example.com' } },
    ),
    guarantees: often<unknown>(
      undefined,
      [{ never: 'GET /q' }],
      [{ always: { request: 'GET /admin/a', keys: ['t1'] } }],
    ),
    tests: often<unknown>(undefined, [{ request: 'DELETE /admin/a', apiKey: 't1', expect: 'allow' }]),
    proxies: often<unknown>(undefined, { more: { listen: 8081, ipRanges: 'any' } }),
    domainRewrites: often<unknown>(undefined, [{ from: 'a.example.com', to: 'b.example.com' }]),
  })
  .map((file) => JSON.stringify({ version: 1, fragment: true, ...file }));

const PATHS = [
  '/t/a',
  '/t/7',
  '/t/a/b',
  '/t/7/b',
  '/t/a%2Fb',
  '/t/a/',
  '/t',
  '/u/7',
  '/u/x',
  '/r/a',
  '/admin/a',
  '/x',
  '/',
  '/q/x/y',
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];
const CLIENTS = ['10.1.2.3', '10.1.9.9', '10.2.0.7', '10.3.0.1'];

/** The envelope once more, without patterns: what a team may let through at most. */
function admits(method: string, path: string, from: string): boolean {
  if (!from.startsWith('10.1.')) return false;
  return /^\/u\/\d+$/.test(path) || (['GET', 'HEAD', 'POST'].includes(method) && /^\/t(?:\/[^/%]+)+$/.test(path));
}

const filesWith = (text: string): Files =>
  new Map([
    ['prod.yaml', ENTRY],
    ['base.yaml', BASE],
    ['team.yaml', text],
  ]);

interface Reached {
  readonly upstream: string;
  readonly token: string | undefined;
}

/** Each request that reached an upstream, with every key of the spec and without one. */
async function reachedOn(run: EngineRun, policy: Policy): Promise<Map<string, Reached>> {
  const port = run.policy.proxies[0]?.listen.port ?? 0;
  const reached = new Map<string, Reached>();
  let connection: Connection | undefined;
  for (const key of [undefined, ...policy.apiKeys.map(({ id }) => id)]) {
    for (const from of CLIENTS) {
      for (const path of PATHS) {
        for (const method of METHODS) {
          connection ??= await openConnection({ port });
          const secret = key === undefined ? '' : `PRIVATE-TOKEN: ${run.secrets.keysOf(key)[0]}\r\n`;
          const head = `Host: probe.example\r\nX-Forwarded-For: ${from}\r\n${secret}`;
          const response = await connection.send(`${method} ${path} HTTP/1.1\r\n${head}\r\n`);
          // A refused address ends its connection.
          if (response.status >= 400 || response.field('connection') === 'close') {
            connection.close();
            connection = undefined;
          }
          const arrival = run.upstreams.claim(response.field(ARRIVAL_HEADER) ?? '');
          if (!arrival) continue;
          const token = fieldOf(arrival.request.fields, 'PRIVATE-TOKEN');
          reached.set([method, path, from, key ?? ''].join(' '), { upstream: arrival.upstream, token });
        }
      }
    }
  }
  connection?.close();
  return reached;
}

async function runOf(policy: Policy): Promise<Map<string, Reached> | undefined> {
  const scope = openScope();
  try {
    const options = { program: engines.nginx.path, target: proxyTarget('nginx'), options: {}, read: () => undefined };
    const started = await startEngineRun({ ...options, policy, random: randomOf('team') }, scope);
    if (!('run' in started)) throw new Error(JSON.stringify(started.diagnostics));
    const reached = await reachedOn(started.run, policy);
    const tokens = new Map(policy.apiKeys.map(({ id, token }) => [started.run.secrets.tokenOf(id), token.text]));
    return new Map([...reached].map(([name, one]) => [name, { ...one, token: one.token && tokens.get(one.token) }]));
  } finally {
    await scope.close();
  }
}

/** What gets through where the team wrote nothing, as the evaluator decides it. */
function beforeIt(policy: Policy): (name: string) => boolean {
  const [proxy] = policy.proxies;
  if (!proxy) throw new Error('no proxy');
  const { decide } = evaluatorOf(policy, proxy);
  return (name) => {
    const [method = '', target = '', from = '', key = ''] = name.split(' ');
    const client = parseAddress(from);
    if (!client) throw new Error(from);
    const credential = key === '' ? ({ kind: 'missing' } as const) : ({ kind: 'known', id: key } as const);
    return decide({ method, target, headers: [], client, at: 0, credential }).kind === 'forward';
  };
}

test(`gets no request past its envelope on nginx (SEED=${seed})`, async () => {
  const { policy: without } = await compileFiles(filesWith(NOTHING), 'prod.yaml');
  assert.ok(without);
  const could = beforeIt(without);
  const refused = new Map<string, number>();
  let [valid, through, own] = [0, 0, 0];
  for (const text of fc.sample(team, { seed, numRuns: 60 * VALID })) {
    if (valid >= VALID) break;
    const { policy, diagnostics, promises } = await compileFiles(filesWith(text), 'prod.yaml');
    const problems = [...diagnostics, ...promises.diagnostics];
    if (!policy || hasError(problems)) {
      for (const { code } of problems) refused.set(code, (refused.get(code) ?? 0) + 1);
      continue;
    }
    valid += 1;
    for (const [name, { upstream, token }] of (await runOf(policy)) ?? []) {
      through += 1;
      if (could(name)) continue;
      own += 1;
      const [method = '', path = '', from = ''] = name.split(' ');
      assert.ok(admits(method, path, from), `${name} got through\n${text}`);
      assert.is(upstream, 'up', `${name} went to ${upstream}\n${text}`);
      assert.ok(token === undefined || /^env:TEAM(?:_|$)/.test(token), `${name} took ${token} along\n${text}`);
    }
  }
  assert.is(valid, VALID, `only ${valid} files were valid`);
  assert.ok(own > 5 * VALID && through > own, `${own} of ${through} requests were the team's`);
  const codes = [...refused.keys()].filter((code) => code.startsWith('within/'));
  assert.ok(codes.length >= 3, `refused for ${[...refused.keys()].join(', ')}`);
});

test.run();
