import fc from 'fast-check';
import * as assert from 'uvu/assert';
import type * as z from 'zod';
import { hasError } from '../src/diagnostics/diagnostic.ts';
import { parseAddress } from '../src/policy/cidr.ts';
import { evaluatorOf } from '../src/policy/decide.ts';
import type { Policy } from '../src/policy/types.ts';
import type { fragmentSchema } from '../src/spec/schema.ts';
import { type EngineRun, startEngineRun } from '../src/verify/engineRun.ts';
import { fieldOf } from '../src/verify/http1.ts';
import { randomOf } from '../src/verify/random.ts';
import { type Connection, openConnection } from '../src/verify/raw.ts';
import { openScope } from '../src/verify/scope.ts';
import { ARRIVAL_HEADER } from '../src/verify/upstreams.ts';
import { engineSuite } from './engines/suite.ts';
import { BASE } from './guarantees/base.ts';
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
  - file: team.yaml
    within: { allow: ["GET,PUT /v/{x}"], upstreams: [vault], ipRanges: [10.2.0.0/16], tokens: ["env:SECOND*"] }
upstreams: { up: { url: http://up.example.com }, vault: { url: http://vault.example.com } }
ipRanges: { office: [10.1.0.0/16], all: ["@office", 10.2.0.0/16] }
proxies:
  api: { listen: 8080, ipRanges: ["@all"], clientIp: { trustedProxies: [127.0.0.0/8] }, routes: [read, admin, team, more] }
guarantees:
  - never: "DELETE /t/{x*}"
targets: { nginx: {} }
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
  'GET /v/{x:int}',
  'PUT /v/a',
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
const item = (allowed: readonly string[]) =>
  often<string>(allowed[0] ?? '', ...allowed.slice(1), '10.0.0.0/8', '10.2.0.7', '0.0.0.0/0', '@all', '@mine');
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 15, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const never = fc.constant(undefined);

/** Everything that may be said of a part, so that nothing new is left out here. */
type All<T> = { readonly [K in keyof Required<T>]: fc.Arbitrary<unknown> };
type Fragment = z.infer<ReturnType<typeof fragmentSchema>>;
type Entry<S extends 'routes' | 'apiKeys'> = NonNullable<Fragment[S]>[string];
type Allowed = Exclude<Entry<'routes'>['allow'][number], string>;

const forwarding = {
  contentTypes: often<unknown>(undefined, ['text/plain'], 'any', ['text/html']),
  maxBody: often(undefined, '1kB', '2GB', 'unlimited'),
  headers: often<unknown>(undefined, ['X-Request-Start']),
  websocket: often(undefined, true),
};
const line = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...inside) },
  { weight: 1, arbitrary: fc.constantFrom(...outside) },
);
const lineWithTerms = fc.record({
  request: line,
  ...forwarding,
  reason: often<unknown>(undefined, 'because'),
} satisfies All<Allowed>);
const group = fc.record({
  upstream: often('up', 'vault'),
  allow: fc.array(fc.oneof({ weight: 4, arbitrary: line }, { weight: 1, arbitrary: lineWithTerms }), {
    minLength: 1,
    maxLength: 4,
  }),
  auth: often(undefined, 'passthrough'),
  ...forwarding,
} satisfies All<Entry<'routes'>>);
/** What only the second include admits, as a whole: most of it is beyond the first one. */
const second = fc.record({
  upstream: often('vault', 'up'),
  allow: fc.array(often('GET /v/{x:int}', 'PUT /v/a', 'GET /t/a'), { minLength: 1, maxLength: 2 }),
});
const apiKey = (id: string, ...usual: readonly [group: string, token: string, from: string]) =>
  fc.record({
    key: often<unknown>(`env:KEY_${id}`, [`env:KEY_${id}`, `env:NEW_${id}`], 'env:READER', 'env:ADMIN', 'env:T_ADMIN'),
    token: often(usual[1], `${usual[1]}_${id}`, 'env:TEAM', 'env:SECOND', 'env:T_ADMIN', 'env:T_READER', 'env:OTHER'),
    routes: often<unknown>([usual[0]], ['team', 'more'], ['read'], ['admin', 'team'], undefined),
    ipRanges: fc.array(item([usual[2], '10.1.2.3', '10.1.0.0/24']), { minLength: 1, maxLength: 2 }),
    expires: often(undefined, '2099-01-01'),
    rateLimit: often(undefined, '100/s'),
    owner: often(undefined, 'team@example.com'),
  } satisfies All<Entry<'apiKeys'>>);
const team = fc
  .record({
    $schema: never,
    version: fc.constant(1),
    fragment: fc.constant(true),
    routes: fc.record({
      team: group,
      more: fc.oneof({ weight: 3, arbitrary: group }, { weight: 2, arbitrary: second }),
      read: rarely(group),
      other: rarely(group),
    }),
    apiKeys: fc.record({
      t1: apiKey('t1', 'team', 'env:TEAM', '@office'),
      t2: fc.option(apiKey('t2', 'more', 'env:SECOND', '10.2.0.7'), { nil: undefined }),
      reader: rarely(apiKey('reader', 'read', 'env:T_READER', '@office')),
    }),
    include: often<unknown>(
      undefined,
      ['base.yaml'],
      ['prod.yaml'],
      [{ file: 'base.yaml', within: { allow: ['* /{x*}'] }, owner: 'team@example.com' }],
      [{ preset: 'gitlab/read-only@1', as: 'p', with: { gitlab: 'vault' } }],
    ),
    ipRanges: often<unknown>(
      { mine: ['10.1.9.0/24'] },
      { mine: ['10.2.0.0/16'] },
      { mine: ['10.0.0.0/8', { not: '10.2.0.0/16' }, { cidr: '10.2.0.0/16', expires: '2099-01-01' }] },
      { mine: { file: 'base.yaml' } },
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
      [{ same: { as: './prod.yaml' } }],
    ),
    tests: often<unknown>(undefined, [{ request: 'DELETE /admin/a', apiKey: 't1', expect: 'allow' }]),
    domainRewrites: often<unknown>(undefined, [{ from: 'a.example.com', to: 'b.example.com' }]),
    vault: often<unknown>(undefined, {
      gitlab: { configs: { a: { url: 'https://evil.example.com', type: 'saas' } }, roles: {} },
    }),
  } satisfies All<Fragment>)
  .chain((file) =>
    rarely(fc.constant({ proxies: { more: { listen: 8081, ipRanges: 'any' } } })).map((more) => ({ ...file, ...more })),
  )
  .map((file) => JSON.stringify(file));

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
  '/v/7',
  '/v/a',
  '/v/a/b',
  '/r/a',
  '/admin/a',
  '/x',
  '/',
  '/q/x/y',
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];
const CLIENTS = ['10.1.2.3', '10.1.9.9', '10.2.0.7', '10.3.0.1'];

/** The envelopes once more, without patterns: what a team may let through at most, where to and with which token. */
function admits(name: string, { upstream, token }: Reached): boolean {
  const [method = '', path = '', from = ''] = name.split(' ');
  const isNamed = (known: RegExp) => token === undefined || known.test(token);
  if (from.startsWith('10.2.'))
    return (
      ['GET', 'HEAD', 'PUT'].includes(method) &&
      /^\/v\/[^/%]+$/.test(path) &&
      upstream === 'vault' &&
      isNamed(/^env:SECOND/)
    );
  const isFirst =
    /^\/u\/\d+$/.test(path) || (['GET', 'HEAD', 'POST'].includes(method) && /^\/t(?:\/[^/%]+)+$/.test(path));
  return from.startsWith('10.1.') && isFirst && upstream === 'up' && isNamed(/^env:TEAM(?:_|$)/);
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
  let [valid, through, own, bySecond] = [0, 0, 0, 0];
  for (const text of fc.sample(team, { seed, numRuns: 60 * VALID })) {
    if (valid >= VALID) break;
    const { policy, diagnostics, promises } = await compileFiles(filesWith(text), 'prod.yaml');
    const problems = [...diagnostics, ...promises.diagnostics];
    if (!policy || hasError(problems)) {
      for (const { code } of problems) refused.set(code, (refused.get(code) ?? 0) + 1);
      continue;
    }
    valid += 1;
    for (const [name, reached] of (await runOf(policy)) ?? []) {
      through += 1;
      if (could(name)) continue;
      own += 1;
      if (name.includes('/v/')) bySecond += 1;
      assert.ok(admits(name, reached), `${name} got through to ${reached.upstream} with ${reached.token}\n${text}`);
    }
  }
  assert.is(valid, VALID, `only ${valid} files were valid`);
  assert.ok(own > 5 * VALID && through > own, `${own} of ${through} requests were the team's`);
  assert.ok(bySecond > 0, 'nothing was let through by the second include');
  const codes = [...refused.keys()].filter((code) => code.startsWith('within/'));
  assert.ok(codes.length >= 3, `refused for ${[...refused.keys()].join(', ')}`);
});

test.run();
