import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { walkPairs } from '../src/accessDiff/product.ts';
import { learnFrom } from '../src/commands/learn.ts';
import { seenIn } from '../src/import/accessLog.ts';
import { takes } from '../src/policy/access.ts';
import { buildAutomaton, run } from '../src/policy/automaton.ts';
import { type PathPattern, parsePattern, parseRequestLine } from '../src/policy/pattern.ts';
import { type Random, randomOf } from '../src/verify/random.ts';
import { inWorkspace } from './support/workspace.ts';

interface Line {
  readonly methods: readonly string[];
  readonly pattern: PathPattern;
}

function lineOf(text: string): Line {
  const request = parseRequestLine(text);
  if ('problem' in request) throw new Error(request.problem);
  const pattern = parsePattern(request.path);
  if ('problem' in pattern) throw new Error(pattern.problem);
  return { methods: request.methods, pattern };
}

const WORDS = [
  'api',
  'v4',
  'groups',
  'Groups',
  'a',
  '42',
  'c0ffee1',
  'x-1',
  'a.b',
  '...',
  'hooks',
  'a%2Fb',
  '2024-01-02',
  'x%20y',
];
const VALUES = {
  int: ['1', '42', '007', '99999999'],
  hex: ['c0ffee1', 'abc', 'DEADBEEF00'],
  uuid: ['123e4567-e89b-12d3-a456-426614174000'],
  slug: ['main', 'v1.2.3', 'a_b', '...x'],
  segment: ['a,b', 'x@y', 'é'.replace('é', '%C3%A9'), 'plain'],
  encodedPath: ['a%2Fb', 'a%2Fb%2Fc', 'top'],
  encodedText: ['a%2Fb', 'x%3Fy', '50%25', 'name'],
} as const;
const TYPES = Object.keys(VALUES) as (keyof typeof VALUES)[];
const METHODS = ['GET', 'POST', 'PUT,DELETE', 'GET,POST', 'HEAD', 'PATCH'];

function randomPattern(random: Random): string {
  const parts = Array.from({ length: 1 + random.below(4) }, (_, index) =>
    random.chance(0.6) ? random.pick(WORDS) : `{p${index}:${random.pick(TYPES)}}`,
  );
  return `/${parts.join('/')}${random.pick(['', '', '/', `/{rest:${random.pick(TYPES)}*}`, '/{s:open|closed}'])}`;
}

function sample(pattern: PathPattern, random: Random): string {
  const parts = pattern.segments.flatMap((segment) => {
    if (segment.kind === 'literal') return [segment.text];
    if (segment.kind === 'choice') return [random.pick(segment.values)];
    const one = () => random.pick(VALUES[segment.type]);
    return segment.kind === 'parameter' ? [one()] : Array.from({ length: 1 + random.below(3) }, one);
  });
  return `/${parts.join('/')}`;
}

const learning = suite('learn');

learning('what is learned within a spec allows every line, and nothing that the spec refuses', () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = randomOf(`learn ${seed}`);
    const hidden = Array.from({ length: 1 + random.below(10) }, () =>
      lineOf(`${random.pick(METHODS)} ${randomPattern(random)}`),
    );
    const requests = new Map<string, { path: string; methods: Map<string, number> }>();
    for (let count = 0; count < 60; count++) {
      const { methods, pattern } = random.pick(hidden);
      const path = sample(pattern, random);
      const method = methods.includes('GET') && random.chance(0.2) ? 'HEAD' : random.pick(methods);
      const entry = requests.get(path) ?? { path, methods: new Map<string, number>() };
      entry.methods.set(method, (entry.methods.get(method) ?? 0) + 1);
      requests.set(path, entry);
    }
    const envelope = hidden.map((line, index) => ({ ...line, group: `g${index % 3}`, upstream: 'u', open: false }));
    const { groups, outside } = learnFrom({ requests }, envelope);
    assert.equal(outside, [], String(seed));
    const learned = groups.flatMap(({ allow }) => allow.map(({ request }) => lineOf(request)));
    const [left, right] = [buildAutomaton(learned), buildAutomaton(hidden)];
    for (const { path, methods } of requests.values())
      for (const method of methods.keys())
        assert.ok(left && run(left, path)?.accepts.some((line) => takes(line, method)), `${seed}: ${method} ${path}`);
    const wider: string[] = [];
    walkPairs(left, right, ({ before, after, path }) => {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'])
        if (before?.accepts.some((line) => takes(line, method)) && !after?.accepts.some((line) => takes(line, method)))
          wider.push(`${method} ${path}`);
    });
    assert.equal(wider, [], String(seed));
  }
});

learning('what is learned from a log alone allows every line whose path can be read', () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = randomOf(`learn alone ${seed}`);
    const values = Object.values(VALUES).flat();
    const paths = Array.from({ length: 20 }, () =>
      Array.from({ length: 1 + random.below(5) }, () => `/${random.pick(random.chance(0.5) ? WORDS : values)}`).join(
        '',
      ),
    );
    const requests = new Map(paths.map((path) => [path, { path, methods: new Map([['GET', 1]]) }]));
    const { groups, unreadable } = learnFrom({ requests }, undefined);
    const learned = buildAutomaton(groups.flatMap(({ allow }) => allow.map(({ request }) => lineOf(request))));
    for (const path of paths)
      assert.ok(unreadable.includes(path) || (learned && run(learned, path)?.accepts.length), `${seed}: ${path}`);
  }
});

const seen = { method: 'GET', path: '/a/b', status: 200, key: '', reason: '' };
for (const [title, line, columns] of [
  [
    'of our own',
    '{"time":"2026-11-26T10:00:00Z","proxy":"api","method":"GET","path":"/a/b","status":200,"reason":"","key":""}',
  ],
  [
    'of nginx, combined',
    '192.0.2.1 - - [26/Nov/2026:10:00:00 +0000] "GET /a/b?c=\\x22d HTTP/1.1" 200 12 "-" "curl \\"x\\""',
  ],
  [
    'of Caddy',
    '{"level":"info","ts":1.5,"request":{"remote_ip":"192.0.2.1","method":"GET","uri":"/a/b?c=d","headers":{}},"status":200}',
  ],
  [
    'of a load balancer',
    'https 2026-11-26T10:00:00.1Z app/x/y 192.0.2.1:2817 10.0.0.1:80 0.0 0.1 0.0 200 200 34 366 "GET https://api.example.com:443/a/b?c=d HTTP/2.0" "curl" - -',
  ],
  [
    'of CloudFront',
    '2026-11-26\t10:00:00\tGET\t/a/b\t200',
    new Map([
      ['cs-method', 2],
      ['cs-uri-stem', 3],
      ['sc-status', 4],
    ]),
  ],
] as const) {
  learning(`reads lines ${title}`, () => assert.equal(seenIn(line, columns), seen));
}

learning('a percent sign that CloudFront wrote once more is one of the path', () => {
  const [name, columns] = [
    '/projects/a%252Fb%7E/x%2527',
    new Map(['cs-method', 'cs-uri-stem'].map((at, i) => [at, i])),
  ];
  assert.is(seenIn(`GET\t${name}`, columns)?.path, '/projects/a%2Fb~/x%27');
});

learning('a log becomes the smallest patterns, with what was seen of each', () =>
  inWorkspace(async ({ run: command, runArgs, write }) => {
    const line = (request: string, status = 200) =>
      `192.0.2.1 - - [26/Nov/2026:10:00:00 +0000] "${request} HTTP/1.1" ${status} 12 "-" "-"\n`;
    const log = [
      line('GET /api/v4/projects/1/issues'),
      line('GET /api/v4/projects/22/issues?state=opened'),
      line('POST /api/v4/projects/group%2Fapp/issues', 201),
      line('GET /api/v4/user'),
      line('GET /wp-login.php', 404),
      'no line\n',
    ].join('');
    const { status, stdout, stderr } = await runArgs(['learn', '-'], { input: log });
    assert.is(status, 0, stderr);
    assert.match(
      stdout,
      /# 3 requests, such as \/api\/v4\/projects\/1\/issues\n {6}- GET,POST \/api\/v4\/projects\/\{project:encodedPath\}\/issues/,
    );
    assert.match(stdout, /- GET \/api\/v4\/user\n/);
    assert.not.match(stdout, /wp-login/);
    write('learned.yaml', stdout);
    assert.is((await command('validate learned.yaml')).status, 0);
    write('log', `${log}${line('DELETE /secret')}`);
    write(
      'hidden.yaml',
      stdout
        .replace('GET,POST /api', 'GET /api')
        .replace('GET /api/v4/user\n', 'GET,PUT /api/v4/user\n      - GET /never/{x}\n'),
    );
    const within = await command('learn log --within hidden.yaml');
    assert.match(
      within.stderr,
      / {2}log: POST \/api\/v4\/projects\/group%2Fapp\/issues: outside of what may be learned/,
    );
    assert.match(within.stderr, /DELETE \/secret: outside/);
    assert.match(within.stdout, /GET \/api\/v4\/projects\/\{project:int\}\/issues/);
    const unused = await command('learn log --unused hidden.yaml');
    assert.is(unused.status, 1);
    assert.match(
      unused.stdout,
      /hidden\.yaml:\d+(?::\d+)?: PUT \/api\/v4\/user \(learned\): no line used it; without it PUT would be refused there/,
    );
    assert.match(unused.stdout, /GET \/never\/\{x\}/);
    assert.not.match(unused.stdout, /issues/);
    assert.is((await command('init begun --access-log log')).status, 0);
    assert.is((await command('validate begun')).status, 0);
    assert.is((await command('init again --access-log log --openapi log')).status, 2);
    assert.is((await command('learn nowhere')).status, 2);
  }),
);

const REAL = '[10/Oct/2026:13:55:36 +0000] "GET /real HTTP/1.1" 403 1 "-" "-"';

learning('a user name that looks like a request is not learned', () => {
  const real = { method: 'GET', path: '/real', status: 403, key: '', reason: '' };
  assert.equal(seenIn(`192.0.2.1 - [x] "GET /forged HTTP/1.1" 200 ${REAL}`), real);
  assert.is(seenIn(`192.0.2.1 - [10/Oct/2026:13:55:36 +0000] "GET /forged HTTP/1.1" 200 1 ${REAL}`), undefined);
});

learning('a line full of brackets is read at once', () => {
  assert.is(seenIn(`192.0.2.1 - ${'['.repeat(200_000)}`), undefined);
});

learning('a token in a path is a value, and is shown nowhere', () =>
  inWorkspace(async ({ run, write }) => {
    const line = (path: string) => JSON.stringify({ method: 'GET', path, status: 200 });
    write('a.log', `${line('/x/glpat-AbCdEfGhIjKlMnOpQrSt')}\n${line('/x//glpat-ZyXwVuTsRqPoNmLkJiHg')}\n`);
    const { stdout, stderr } = await run('learn a.log');
    assert.match(stdout, /GET \/x\/\{x:slug\}/);
    assert.match(stdout, /no pattern may hold such a path/);
    assert.not.match(stdout + stderr, /glpat-/);
  }),
);

learning('a method with a line end is no request', () => {
  assert.is(seenIn('{"method":"GET\\nx: y","path":"/a","status":200}'), undefined);
});

learning('a request of which no status is known is not learned', () =>
  inWorkspace(async ({ run, write }) => {
    const unanswered = ['{"method":"GET","path":"/none"}', '{"method":"GET","path":"/gone","status":0}'];
    write('a.log', [...unanswered, '{"method":"GET","path":"/answered","status":200}', ''].join('\n'));
    const { stdout } = await run('learn a.log');
    assert.match(stdout, /GET \/answered\n/);
    assert.not.match(stdout, /\/none|\/gone/);
    assert.match(stdout, /2 lines are no requests/);
  }),
);

learning.run();
