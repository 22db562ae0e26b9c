import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { shadowTally } from '../src/commands/shadowTally.ts';
import { loggedOf, shadowOf } from '../src/plan/log.ts';
import { parseAddress } from '../src/policy/cidr.ts';
import { evaluatorOf } from '../src/policy/decide.ts';
import type { Credential } from '../src/policy/request.ts';
import { shadowEvaluatorOf } from '../src/policy/shadow.ts';
import { templateOf } from '../src/policy/template.ts';
import { shadowReportSchema } from '../src/report/outputSchemas.ts';
import { randomOf } from '../src/verify/random.ts';
import { policyOf } from './support/policy.ts';
import { inWorkspace } from './support/workspace.ts';

const wide = {
  upstreams: { gitlab: { url: 'https://gitlab.example.com' } },
  routes: { all: { upstream: 'gitlab', allow: ['GET,PUT,DELETE /{x:encodedPath*}'] } },
  apiKeys: {
    bot: { key: 'env:BOT', token: 'env:TOKEN' },
    ci: { key: 'env:CI', token: 'env:TOKEN', expires: '2027-01-01' },
  },
  proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'] } },
};
const narrow = {
  ...wide,
  routes: {
    read: {
      upstream: 'gitlab',
      allow: ['GET /api/v4/projects/{p:int}', 'GET /api/v4/projects/{p:encodedPath}/issues'],
    },
    write: { upstream: 'gitlab', allow: ['PUT /api/v4/projects/{p:encodedPath}/notes'] },
  },
  apiKeys: {
    bot: { key: 'env:BOT', token: 'env:TOKEN', routes: ['read'], ipRanges: ['10.1.0.0/16'] },
    ci: { key: 'env:CI', token: 'env:TOKEN', expires: '2026-06-01' },
  },
  proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/9'] } },
};

const report = suite('shadow report');

/** Lines as engines write them; `verify` holds engines to that. */
function randomLog(lines: number) {
  const policy = { ...policyOf(wide), shadow: policyOf(narrow) };
  const [proxy] = policy.proxies;
  assert.ok(proxy);
  const evaluator = evaluatorOf(policy, proxy);
  const shadow = shadowEvaluatorOf(policy, evaluator);
  assert.ok(shadow);
  const random = randomOf('log');
  const credentials: Credential[] = [
    { kind: 'known', id: 'bot' },
    { kind: 'known', id: 'ci' },
    { kind: 'missing' },
    { kind: 'unknown' },
  ];
  const all = Array.from({ length: lines }, () => {
    const segments = ['api/v4/projects', random.pick(['7', 'a%2Fb', 'x']), random.pick(['issues', 'notes', '12', ''])];
    const time = random.pick(['2026-05-01T00:00:00Z', '2026-06-01T00:00:00Z', '2027-02-01T00:00:00+00:00']);
    const from = random.pick(['10.1.2.3', '10.2.2.3', '10.200.2.3', '192.0.2.1']);
    const client = parseAddress(from);
    assert.ok(client);
    const request = {
      method: random.pick(['GET', 'HEAD', 'PUT', 'DELETE']),
      target: `/${segments.filter(Boolean).join('/')}`,
      headers: [],
      client,
      credential: random.pick(credentials),
      at: Date.parse(time) / 1000,
    };
    const decision = evaluator.decide(request);
    const then = shadow.decide(request);
    const upstream = decision.kind === 'forward' ? '10.0.0.1:443' : '';
    const said = { ...loggedOf(decision, request, evaluator.access), ...shadowOf(then) };
    const line = JSON.stringify({ time, proxy: 'api', client: from, method: request.method, upstream, ...said });
    const through = decision.kind !== 'deny';
    const key = request.credential.kind === 'known' ? request.credential.id : '';
    const refused = through && then.kind === 'deny' ? [request.method, key, then.reason, then.status].join(' ') : '';
    return { line, through, refused };
  });
  return { policy, all };
}

report('gives the verdicts of the evaluator, with and without the fields of the shadow', () => {
  const { policy, all } = randomLog(5_000);
  const count = (texts: readonly string[]) =>
    [...new Set(texts)].sort().map((text) => [text, texts.filter((one) => one === text).length]);
  const expected = all.flatMap(({ refused }) => (refused === '' ? [] : refused));
  assert.ok(expected.length > 500 && expected.length < 4_500);
  for (const shown of [true, false]) {
    const tally = shadowTally(policy);
    for (const { line } of all) {
      const { shadow, shadowRoute, ...rest } = JSON.parse(line);
      tally.take(JSON.stringify({ ...rest, ...(shown && { shadow, shadowRoute }) }));
    }
    assert.is(tally.seen(), all.filter(({ through }) => through).length);
    const told = tally
      .refused()
      .flatMap(({ method, key, reason, status, count: times }) =>
        Array.from({ length: times }, () => [method, key, reason, status].join(' ')),
      );
    assert.equal(count(told), count(expected));
    assert.is(tally.bad(), 0);
  }
});

const line = (path: string, more: object = {}) =>
  `${JSON.stringify({ time: '2026-11-26T10:00:00+00:00', proxy: 'api', client: '10.1.2.3', method: 'GET', path, reason: '', key: 'bot', upstream: '10.0.0.1:443', ...more })}\n`;

const spec = (of: object, more = '') =>
  `${JSON.stringify({ version: 1, name: 'now', ...of }, null, 1).slice(0, -2)}${more}\n}\n`;

report('says what would be refused and what would allow it', () =>
  inWorkspace(async ({ run, write }) => {
    write('postern.yaml', spec(wide, ', "shadow": "next.yaml"'));
    write('next.yaml', spec(narrow));
    const log =
      line('/api/v4/projects/7') +
      line('/api/v4/projects/7/issues/3', { time: '2026-11-26T11:00:00+00:00' }) +
      line('/api/v4/projects/9/issues/4') +
      line('/api/v4/projects/9/notes', { method: 'PUT' }) +
      line('/api/v4/projects/9/issues', { client: '10.3.0.1' }) +
      line('/api/v4/projects/9/issues', { key: 'ci' }) +
      line('/api/v4/projects/8', { shadow: 413, shadowRoute: 'read' }) +
      line('/nothing', { reason: 'path', upstream: '' }) +
      line('/', { proxy: '', route: 'gitlab.example.com' });
    write('access.log', log.trimEnd());
    const { status, stdout, stderr } = await run('shadow report access.log');
    assert.is(status, 1, stderr);
    const told = stdout.split('\n').filter((each) => /: error: |hint: |^of /.test(each));
    assert.equal(
      told.map((each) => each.replace(/^next.yaml:[0-9:]+ error: | \[shadow-report\/refused\]$|^ +/g, '')),
      [
        'GET /api/v4/projects/{project:int} with key "bot" would be answered 413 (body-size): 1 time, last 2026-11-26T10:00:00+00:00',
        'hint: to allow it, raise maxBody',
        'GET /api/v4/projects/{project:int}/issues/{issue:int} with key "bot" would be answered 404 (path): 2 times, last 2026-11-26T11:00:00+00:00',
        'hint: to allow it, write "GET /api/v4/projects/{project:int}/issues/{issue:int}" under allow of a group that key "bot" has',
        'PUT /api/v4/projects/{project:int}/notes with key "bot" would be answered 403 (key-routes): 1 time, last 2026-11-26T10:00:00+00:00',
        'hint: to allow it, add a group of "write" to the routes of key "bot"',
        'GET /api/v4/projects/{project:int}/issues with key "bot" would be answered 403 (key-address): 1 time, last 2026-11-26T10:00:00+00:00',
        'hint: to allow it, add the address of the client to the ipRanges of the key',
        'GET /api/v4/projects/{project:int}/issues with key "ci" would be answered 403 (key-expired): 1 time, last 2026-11-26T10:00:00+00:00',
        'hint: to allow it, let the key live longer',
        'of 7 requests that got through, the shadow would refuse 6',
      ],
    );
    write('access.log.1.gz', gzipSync(log));
    assert.equal(await run('shadow report access.log.1.gz'), { status, stdout, stderr });
    assert.equal(await run('shadow report -', { input: log }), { status, stdout, stderr });
    const json = shadowReportSchema.parse(JSON.parse((await run('shadow report access.log --format json')).stdout));
    const [first] = json.refused ?? [];
    assert.equal(
      [json.status, json.refused?.length, first?.template, first?.count],
      [1, 5, '/api/v4/projects/{project:int}/issues/{issue:int}', 2],
    );
    write('good.log', line('/api/v4/projects/7'));
    const good = await run('shadow report good.log');
    assert.equal([good.status, good.stdout], [0, 'of 1 request that got through, the shadow would refuse 0\n']);
    const both = await run('shadow report good.log access.log');
    assert.match(both.stdout, /of 8 requests that got through, the shadow would refuse 6/);
  }),
);

report('never says yes where it could not tell', () =>
  inWorkspace(async ({ run, write }) => {
    write('postern.yaml', spec(wide, ', "shadow": "next.yaml"'));
    write('next.yaml', spec(narrow));
    write('none.yaml', spec(wide));
    write('good.log', line('/api/v4/projects/7'));
    write('cut.log', `${line('/api/v4/projects/7')}{"time":"2026`);
    write('foreign.log', line('/api/v4/projects/7', { proxy: 'other' }));
    write('empty.log', '');
    write('damaged.gz', Buffer.from([0x1f, 0x8b, 1, 2]));
    const cases: [string, RegExp][] = [
      ['cut.log', /cut\.log:1:1: error: 1 line of no proxy of this spec \[shadow-report\/bad-lines\]/],
      ['foreign.log', /1 line of no proxy/],
      ['empty.log', /the logs show no request that got through: 0 lines \[shadow-report\/nothing\]/],
      ['damaged.gz', /damaged\.gz:1:1: error: cannot read the log: it is not what gzip makes/],
      ['missing.log', /cannot read the log: no such file/],
      ['.', /cannot read the log: it is a folder/],
      ['good.log --spec none.yaml', /the spec has no shadow \[shadow-report\/no-shadow\]/],
      ['', /no log is named \[shadow-report\/no-log\]/],
    ];
    for (const [args, words] of cases) {
      const { status, stdout, stderr } = await run(`shadow report ${args}`);
      assert.is(status, 2, args);
      assert.match(stdout + stderr, words);
    }
  }),
);

report('a template is a line that a spec takes', () => {
  const cases: [string, string | undefined, string][] = [
    ['/api/v4/projects/a%2Fb/issues/7', '/{x*}', '/api/v4/projects/{project:encodedPath}/issues/{issue:int}'],
    [
      '/api/v4/groups/12/members/all',
      '/api/v4/groups/{g:encodedPath}/{x*}',
      '/api/v4/groups/{g:encodedPath}/members/all',
    ],
    ['/a/1/2/3', '/a/{id:int}/{x*}', '/a/{id:int}/{id2:int}/{id3:int}'],
    ['/b/0123abcd/550e8400-e29b-41d4-a716-446655440000', undefined, '/b/{b:hex}/{id:uuid}'],
    ['/policies/3/', undefined, '/policies/{policy:int}/'],
    ['/x/a:b~c', undefined, '/x/{x}'],
    ['/s/opened', '/s/{state:opened|closed}', '/s/opened'],
  ];
  for (const [path, pattern, expected] of cases) {
    const routes = { r: { upstream: 'gitlab', auth: 'passthrough', allow: [`GET ${pattern ?? '/none'}`] } };
    const [route] = policyOf({ upstreams: wide.upstreams, routes }).routes;
    const template = templateOf(path, pattern === undefined ? undefined : route?.pattern);
    assert.is(template, expected);
    const again = { r: { upstream: 'gitlab', auth: 'passthrough', allow: [`GET ${template}`] } };
    const policy = policyOf({
      upstreams: wide.upstreams,
      routes: again,
      proxies: { api: { listen: 8080, ipRanges: 'any' } },
    });
    const [proxy] = policy.proxies;
    const client = parseAddress('10.0.0.1');
    assert.ok(proxy && client);
    const request = {
      method: 'GET',
      target: path,
      headers: [],
      client,
      credential: { kind: 'missing' } as const,
      at: 0,
    };
    assert.is(evaluatorOf(policy, proxy).decide(request).kind, 'forward', template);
  }
});

report.run();
