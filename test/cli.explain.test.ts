import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace } from './support/workspace.ts';

const explain = suite('explain');

explain('shows decision, reason, line and what goes upstream', () =>
  inWorkspace(async ({ runArgs }) => {
    const { status, stdout, stderr } = await runArgs([
      'explain',
      'GET',
      '/api/v4/projects/a%2Fb?x=1',
      '--key',
      'partner',
      '--header',
      'Accept: text/plain',
      '--header',
      'Sudo: root',
    ]);
    assert.is(status, 0);
    assert.is(stderr, '');
    assert.match(stdout, /^allow: GET \/api\/v4\/projects\/a%2Fb\?x=1$/m);
    assert.match(stdout, /postern\.yaml:12:9\n +12 \| +- GET \/api\/v4\/projects/);
    assert.match(stdout, /PRIVATE-TOKEN: <file:token\.txt>/);
    assert.match(stdout, /Host: gitlab\.example\.com/);
    assert.match(stdout, /Accept: text\/plain/);
    assert.not.match(stdout, /Sudo/);
  }),
);

explain('says which sets let an address in, whose they are and until when', () =>
  inWorkspace(async ({ runArgs, write }) => {
    write(
      'sets.yaml',
      `version: 1
name: sets
ipRanges:
  gone: [203.0.113.9]
  offices:
    - 203.0.113.0/24
    - { cidr: 198.51.100.7, owner: facilities@example.com, expires: 2099-01-31, reason: until the move }
  staff: ["@offices", { not: "@gone" }]
  others: [198.51.100.0/24]
upstreams: { a: { url: https://a.example.com } }
routes: { all: { upstream: a, allow: [GET /x] } }
apiKeys: { k: { key: env:K, token: env:T, ipRanges: ["@others"] } }
proxies: { p: { listen: 8080, ipRanges: ["@staff"] } }
targets: { nginx: {} }
`,
    );
    const asked = async (...args: string[]) => runArgs(['explain', 'GET', '/x', 'sets.yaml', ...args]);
    const admitted = await asked('--key', 'k', '--from', '198.51.100.7');
    assert.is(admitted.status, 0, admitted.stderr);
    assert.match(
      admitted.stdout,
      / {2}client {4}198\.51\.100\.7 is in @offices \(facilities@example\.com, until 2099-01-31, until the move\), sets\.yaml:7:7\n {12}and in @others, sets\.yaml:9:11\n {12}and in @staff, sets\.yaml:8:10\n/,
    );
    const keyless = await asked('--from', '203.0.113.7');
    assert.match(keyless.stdout, /203\.0\.113\.7 is in @offices, sets\.yaml:6:5\n {12}and in @staff/);
    assert.match(
      (await asked('--from', '203.0.113.9')).stdout,
      /203\.0\.113\.9 is in @gone, .*\n {12}and in @offices, /,
    );
    assert.not.match((await asked('--from', '192.0.2.1')).stdout, /^ {2}client /m);
    const { client } = JSON.parse((await asked('--from', '198.51.100.7', '--key', 'k', '--format', 'json')).stdout);
    assert.equal(client, {
      address: '198.51.100.7',
      sets: [
        {
          id: 'offices',
          at: 'sets.yaml:7:7',
          owner: 'facilities@example.com',
          expires: '2099-01-31',
          reason: 'until the move',
        },
        { id: 'others', at: 'sets.yaml:9:11', owner: null, expires: null, reason: null },
        { id: 'staff', at: 'sets.yaml:8:10', owner: null, expires: null, reason: null },
      ],
    });
  }),
);

explain('says no with the reason', () =>
  inWorkspace(async ({ runArgs }) => {
    const asked: [readonly string[], RegExp][] = [
      [['GET', '/api/v4/user'], /^deny 401: .*\n {2}because {3}no key in PRIVATE-TOKEN$/m],
      [
        ['GET', '/api/v4/user', '--key', 'partner', '--from', '198.51.100.7'],
        /^deny 403: .*\n.*not one that proxy "api" admits/m,
      ],
      [['GET', '/api/v4/user', '--key', 'partner', '--at', '2090-06-30'], /^deny 403: .*\n.*has expired/m],
      [['GET', '/nope', '--key', 'partner'], /^deny 404/m],
      [['PUT', '/api/v4/user', '--key', 'partner'], /^deny 405: .*\n.*it takes GET, HEAD/m],
      [['GET', '/api/v4/user?private_token=letmein', '--key', 'partner'], /^deny 400: GET \/api\/v4\/user\?…$/m],
      [
        ['GET', '/api/v4/user', '--header', 'private-token: somebodyelseskey12345678'],
        /^deny 403: .*\n.*nobody is known/m,
      ],
    ];
    for (const [args, words] of asked) {
      const { status, stdout } = await runArgs(['explain', ...args]);
      assert.is(status, 1, stdout);
      assert.match(stdout, words);
      assert.not.match(stdout, /letmein|somebodyelse/);
    }
  }),
);

explain('shows what pages of other origins are told, and replays what a log says of them', () =>
  inWorkspace(async ({ run, runArgs, write }) => {
    write(
      'pages.yaml',
      `version: 1
name: pages
upstreams: { u: { url: https://u.example.com } }
routes: { r: { upstream: u, allow: [GET /a] } }
apiKeys: { k: { key: env:K, token: env:T } }
proxies: { api: { listen: 8080, ipRanges: any, cors: { origins: [https://app.example.com] } } }
targets: { nginx: {} }
`,
    );
    const page = ['--spec', 'pages.yaml', '--header', 'Origin: https://app.example.com'];
    const asked = await runArgs([
      ...['explain', 'OPTIONS', '/a', ...page, '--header', 'Access-Control-Request-Method: GET'],
    ]);
    assert.is(asked.status, 0, asked.stderr);
    assert.match(
      asked.stdout,
      /^answer 204: OPTIONS \/a\n {2}because {3}a browser asks what a page may send here: GET, HEAD$/m,
    );
    assert.match(
      asked.stdout,
      /^ {2}answer {4}Access-Control-Allow-Origin: https:\/\/app.example.com\n {12}Vary: Origin$/m,
    );
    const foreign = ['--spec', 'pages.yaml', '--header', 'Origin: https://elsewhere.example.com'];
    const other = await runArgs([
      'explain',
      'OPTIONS',
      '/a',
      ...foreign,
      '--header',
      'Access-Control-Request-Method: GET',
    ]);
    assert.match(
      other.stdout,
      /no key in PRIVATE-TOKEN; a browser asks for a page of an origin that cors does not name/,
    );
    const refused = await runArgs(['explain', 'GET', '/a', ...page, '--format', 'json']);
    assert.is(refused.status, 1);
    assert.equal(JSON.parse(refused.stdout).answer.headers[0], {
      name: 'Access-Control-Allow-Origin',
      value: 'https://app.example.com',
    });
    const line = { time: '2026-01-01T00:00:00Z', proxy: 'api', client: '192.0.2.1', method: 'OPTIONS', path: '/a' };
    const log = JSON.stringify({ ...line, status: 204, reason: '', route: '', key: '', upstream: '' });
    const replayed = await run('explain --requests - --spec pages.yaml', { input: log });
    assert.is(JSON.parse(replayed.stdout).same, null, 'a log does not show what makes it a preflight');
    write('access.log', `${log}\n${log.replace('OPTIONS', 'GET').replace('204', '200')}\n`);
    assert.not.match((await run('learn access.log')).stdout, /OPTIONS/);
  }),
);

explain('cannot tell about a key, an address or a day that do not exist', () =>
  inWorkspace(async ({ runArgs }) => {
    for (const option of [
      ['--key', 'nobody'],
      ['--from', '1.2.3'],
      ['--at', '2026-02-30'],
      ['--proxy', 'x'],
      ['--header', 'x'],
    ]) {
      const { status, stdout, stderr } = await runArgs(['explain', 'GET', '/', ...option]);
      assert.is(status, 2, stderr);
      assert.is(stdout, '');
      assert.match(stderr, /^postern: .+; .+\n$/);
    }
    const secret = await runArgs(['explain', 'GET', '/', '--key', 'glpat-abcdefghijklmnopqrst']);
    assert.not.match(secret.stderr, /abcdefghij/);
  }),
);

explain('says which part of a question is missing or in the wrong place', () =>
  inWorkspace(async ({ runArgs, write }) => {
    write('good.yaml', '');
    const asked: [readonly string[], RegExp][] = [
      [['/api/v4/user', 'good.yaml'], /the method is missing; write explain GET \/api\/v4\/user/],
      [['GET', 'good.yaml'], /the target is missing before good\.yaml; write explain GET \/path good\.yaml/],
      [['good.yaml', 'GET', '/'], /"good\.yaml" is not a method; .*and then the spec/],
      [['GET', 'api/v4/user'], /does not start with "\/"; write explain GET \/api\/v4\/user/],
      [['GET', 'https://a.example/b?token=x'], /does not start with "\/"; write explain GET \/b\?…/],
      [['dns', 'a.example', '--key', 'x'], /--key has no meaning with dns/],
      [['pull', 'a', '--type', 'A'], /--type has no meaning with pull/],
      [['GET', '/', '--node', 'x'], /--node has no meaning with METHOD TARGET/],
      [['--requests', '-', '--from', '1.2.3.4'], /--from has no meaning with --requests/],
      [['GET', '/', 'a.yaml', '--spec', 'b.yaml'], /named twice/],
    ];
    for (const [args, words] of asked) {
      const { status, stdout, stderr } = await runArgs(['explain', ...args]);
      assert.equal({ status, stdout }, { status: 2, stdout: '' }, args.join(' '));
      assert.match(stderr, words);
    }
  }),
);

explain('cannot tell about headers that every engine refuses', () =>
  inWorkspace(async ({ runArgs }) => {
    const ask = (...headers: string[]) =>
      runArgs(['explain', 'GET', '/', ...headers.flatMap((header) => ['--header', header])]);
    for (const bad of ['Host: h x', 'Host: a/b', 'Bad Name: x', 'X: a\rb', 'Content-Length: -1']) {
      const { status, stdout, stderr } = await ask(bad);
      assert.equal({ status, stdout }, { status: 2, stdout: '' }, bad);
      assert.match(stderr, /^postern: no engine takes .+; .+\n$/);
    }
    assert.is((await ask('Host: a', 'Host: b')).status, 2);
    for (const good of ['Host: a.example', 'Host: [::1]:80', 'X_Y: z', 'Content-Length: 5'])
      assert.is((await ask(good)).status, 1, good);
  }),
);

explain('takes the spec after the question, or as an option', () =>
  inWorkspace(async ({ run, path }) => {
    for (const args of [`explain dns x.example.com ${path}`, `explain dns x.example.com --spec ${path}`]) {
      const { status, stdout } = await run(args, {});
      assert.is(status, 0);
      assert.match(stdout, /left alone/);
    }
    assert.is((await run('explain dns x.example.com nowhere')).status, 2);
  }),
);

explain('answers for names and images', () =>
  inWorkspace(async ({ run }) => {
    assert.match(
      (await run('explain dns GitLab.example.com.')).stdout,
      /looked up as gitlab\.privatelink\.example\.com\n +CoreDNS looks up .* \(postern\.yaml:19:5\)\n/,
    );
    assert.match(
      (await run('explain pull registry.example.com/a:v1')).stdout,
      /the node contacts r\.privatelink\.example\.com/,
    );
    assert.match((await run('explain dns gitlab.example.com --type https')).stdout, /\[coredns\/inner-target\]/);
    assert.match((await run('explain pull alpine --node bottlerocket')).stdout, /left alone.* on bottlerocket\n/);
    const { name, rewritten } = JSON.parse((await run('explain dns gitlab.example.com --format json')).stdout);
    assert.equal({ name, rewritten }, { name: 'gitlab.privatelink.example.com', rewritten: true });
    assert.is(JSON.parse((await run('explain pull alpine --format json')).stdout).ways[0].hops[0].host, 'docker.io');
  }),
);

explain('replays requests, a decision for each line', () =>
  inWorkspace(async ({ run, write }) => {
    const requests = [
      { method: 'GET', target: '/api/v4/user', apiKey: 'partner', from: '192.0.2.17' },
      { method: 'GET', target: '/api/v4/user', apiKey: null },
      {
        method: 'HEAD',
        target: '/api/v4/projects/a%2Fb',
        apiKey: 'partner',
        headers: { Accept: 'a/b', 'X-Twice': ['1', '2'] },
      },
      { method: 'GET', target: '/api/v4/user', apiKey: 'partner', at: '2090-06-30' },
      { method: 'POST', target: '/api/v4/jobs/request' },
    ];
    write('requests.ndjson', requests.map((request) => `${JSON.stringify(request)}\n`).join(''));
    const { status, stdout, stderr } = await run('explain --requests requests.ndjson');
    assert.equal({ status, stderr }, { status: 0, stderr: '' });
    assert.equal(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [
        { decision: 'allow', status: null, route: 'read', at: 'postern.yaml:11:9' },
        { decision: 'deny', status: 401, route: 'read', at: 'postern.yaml:17:8', reason: 'no key in PRIVATE-TOKEN' },
        { decision: 'allow', status: null, route: 'read', at: 'postern.yaml:12:9' },
        { decision: 'deny', status: 403, route: 'read', at: 'postern.yaml:15:65', reason: 'key "partner" has expired' },
        { decision: 'allow', status: null, route: 'runner', at: 'postern.yaml:13:58' },
      ],
    );
  }),
);

const logLine = (line: object) => ({
  time: '2026-11-26T15:12:07+00:00',
  id: '7-1-1',
  proxy: 'api',
  client: '192.0.2.17',
  method: 'GET',
  path: '/api/v4/user',
  status: 200,
  reason: '',
  route: 'read',
  key: 'partner',
  keyPosition: '',
  upstream: '10.0.0.1:443',
  upstreamStatus: 200,
  size: 5,
  duration: 0.02,
  upstreamTime: 0.012,
  ...line,
});

explain('replays the lines of an access log as they are, packed or not, and says what is decided otherwise now', () =>
  inWorkspace(async ({ run, write }) => {
    const refused = { upstream: '', upstreamStatus: null, upstreamTime: null };
    const lines = [
      logLine({}),
      logLine({
        time: '2026-11-26T15:12:07.123456789Z',
        status: 502,
        reason: 'upstream-refused',
        upstreamStatus: null,
      }),
      logLine({ ...refused, key: '', status: 401, reason: 'key-missing' }),
      logLine({ ...refused, key: '', status: 403, reason: 'key-unknown' }),
      logLine({ time: '2090-07-01T00:00:00+00:00' }),
      logLine({ ...refused, status: 404, reason: 'path', route: '' }),
      logLine({ key: 'somebody-who-left' }),
      logLine({ ...refused, status: 400, reason: 'query' }),
      logLine({ ...refused, path: '/api/*', status: 404, reason: 'path', route: '' }),
      logLine({ ...refused, status: 429, reason: 'rate-limit' }),
    ];
    const text = lines.map((line) => JSON.stringify(line)).join('\n');
    const told = (stdout: string) =>
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
        .map(({ decision, status, logged, same, error }) => error ?? [decision, status, logged, same].join(' '));
    const { status, stdout, stderr } = await run('explain --requests -', { input: text });
    assert.is(status, 1);
    assert.equal(told(stdout), [
      'allow  allow true',
      'allow  allow true',
      'deny 401 key-missing true',
      'deny 403 key-unknown true',
      'deny 403 allow false',
      'allow  path false',
      'deny 403 allow false',
      'allow  query ',
      'deny 404 path ',
      'allow  rate-limit ',
    ]);
    assert.is(
      stderr,
      'postern: of 10 logged decisions 4 are the same now, 3 are not, 3 cannot be told from what a log says\n',
    );
    write('access.log.1.gz', gzipSync(text));
    assert.equal(await run('explain --requests access.log.1.gz'), { status, stdout, stderr });
    write('damaged.gz', Buffer.from([0x1f, 0x8b, 1, 2]));
    const damaged = await run('explain --requests damaged.gz');
    assert.equal([damaged.status, damaged.stdout], [2, '']);
    assert.match(damaged.stderr, /cannot read damaged\.gz: it is not what gzip makes/);
    assert.is((await run('explain --requests -', { input: JSON.stringify(lines[0]) })).status, 0);
    const bad = await run('explain --requests -', { input: JSON.stringify({ ...lines[0], client: 7 }) });
    assert.is(bad.status, 2);
    assert.match(bad.stdout, /not a line of an access log: no client/);
  }),
);

explain('says of each refused line what is wrong, and takes lines of which a log does not say enough', () =>
  inWorkspace(async ({ run }) => {
    const none = { key: '', route: '', upstream: '', upstreamStatus: null, upstreamTime: null };
    const lines = [
      logLine({ ...none, key: 'partner', path: '/api/v4/usr', status: 404, reason: 'path' }),
      logLine({ ...none, key: 'partner', method: 'DELETE', status: 405, reason: 'method' }),
      logLine({ ...none, key: 'partner', method: 'CONNECT', path: '', status: 405, reason: 'method' }),
      logLine({ ...none, status: 421, reason: 'misdirected' }),
      logLine({ reason: 'cut-off' }),
      // As Caddy writes it.
      { ...logLine({ reason: 'cut-off' }), upstream: undefined, upstreamStatus: undefined, upstreamTime: undefined },
      logLine({ ...none, proxy: '', route: 'gitlab.example.com', status: 502, reason: 'upstream-refused' }),
    ];
    const { status, stdout, stderr } = await run('explain --requests -', {
      input: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    });
    const said = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .map(({ reason = '', site = '', logged, same }) => [reason, site, logged, same]);
    assert.equal(said, [
      [
        'no pattern matches the path; the nearest is /api/v4/user: segment 3 is "usr", not "user"',
        ...['', 'path', true],
      ],
      ['the path is known, but not with this method; it takes GET, HEAD', '', 'method', true],
      ['', '', 'method', null],
      ['', '', 'misdirected', null],
      ['', '', 'allow', true],
      ['', '', 'allow', true],
      ['', 'gitlab.example.com', 'upstream-refused', null],
    ]);
    assert.match(
      stderr,
      /of 6 logged decisions 4 are the same now, 0 are not, 2 cannot be told .*; 1 line is of sites/,
    );
    assert.is(status, 0);
    assert.is((await run('explain --requests -', { input: JSON.stringify(lines.at(-1)) })).status, 2);
  }),
);

explain('puts an error in the place of a bad line', () =>
  inWorkspace(async ({ run }) => {
    const good = '{"method":"GET","target":"/"}';
    const bad = [
      'junk',
      '',
      '[]',
      '{"method":1,"target":"/"}',
      '{"method":"GET","target":"/","apikey":"x"}',
      '{"method":"GET","target":"/","from":"x"}',
      '{"method":"GET","target":"/","headers":{"a":1}}',
    ];
    const { status, stdout } = await run('explain --requests -', { input: [good, ...bad, good].join('\n') });
    assert.is(status, 2);
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(
      answers.map((answer) => answer.line),
      [undefined, 2, 3, 4, 5, 6, 7, 8, undefined],
    );
    assert.ok(answers.slice(1, -1).every((answer) => typeof answer.error === 'string'));
    assert.is((await run('explain --requests nowhere')).status, 2);
    assert.is((await run('explain - --requests -', { input: '' })).status, 2);
  }),
);

explain.run();
