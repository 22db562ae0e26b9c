import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { importers } from '../src/commands/import.ts';
import type { NotCarried } from '../src/import/draft.ts';
import { HAND_WRITTEN_KEY, handWrittenProxy } from './support/handWritten.ts';
import { inWorkspace } from './support/workspace.ts';

const exposure = fileURLToPath(new URL('../../shared/corpora/echoes-exposure.tsv', import.meta.url));

interface Answer {
  readonly spec: string;
  readonly valid: boolean;
  readonly notCarriedOver: readonly NotCarried[];
}

const imports = suite('import nginx');

imports(
  'a proxy whose expressions take too much becomes a spec that allows nothing else, and says what it leaves out',
  () =>
    inWorkspace(async ({ run, write }) => {
      for (const [name, text] of Object.entries(handWrittenProxy())) write(`old/${name}`, text);
      const { status, stdout } = await run('import nginx old --format json');
      assert.is(status, 1);
      assert.not.match(stdout, HAND_WRITTEN_KEY);
      assert.not.match(stdout, 'token-of-gitlab');
      const { spec, valid, notCarriedOver }: Answer = JSON.parse(stdout);
      assert.ok(valid);
      write('postern.yaml', spec);
      assert.is((await run('validate')).status, 0);
      const rows = existsSync(exposure) ? tableOf(readFileSync(exposure, 'utf8')) : FEW;
      write(
        'requests',
        rows.map(({ method, target }) => JSON.stringify({ method, target, apiKey: 'caller' })).join('\n'),
      );
      const decided = (await run('explain --requests requests')).stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      const listed = new Set(
        notCarriedOver.filter(({ reason }) => reason !== '').map(({ what }) => what.replace(/^location (?:~ )?/, '')),
      );
      const wrong = rows.filter(({ passed, location }, index) => {
        const now = decided[index].decision !== 'deny';
        return now !== passed && (now || !listed.has(location));
      });
      assert.equal(wrong, []);
      const kept = rows.filter(({ passed }, index) => passed && decided[index].decision !== 'deny').length;
      assert.ok(kept >= (rows === FEW ? 6 : 40), String(kept));
      assert.is((await run('generate')).status, 0);
      assert.is((await run('diff --base postern.yaml')).status, 0);
    }),
);

interface Row {
  readonly method: string;
  readonly target: string;
  /** Whether it reached the upstream as it was. */
  readonly passed: boolean;
  readonly location: string;
}

function tableOf(text: string): Row[] {
  return text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .map(([method = '', path = '', , , , effective, , , , location = '']) => {
      let number = 4200;
      const target = path.replace(/\{(\+?)[^}]*\}/g, () => String(++number));
      return { method, target, passed: effective === 'True', location };
    });
}

const FEW: readonly Row[] = [
  { method: 'GET', target: '/api/v4/groups/1', passed: true, location: '/api/v4/groups/(.*)' },
  { method: 'POST', target: '/api/v4/groups/1', passed: false, location: '/api/v4/groups/(.*)' },
  { method: 'GET', target: '/api/v4/groups/1/variables', passed: true, location: '/api/v4/groups/(.*)' },
  {
    method: 'DELETE',
    target: '/api/v4/projects/1/hooks/2',
    passed: true,
    location: '/api/v4/projects/(.*)/hooks/(.*)',
  },
  { method: 'GET', target: '/api/v4/projects/1/hooks/2', passed: false, location: '/api/v4/projects/(.*)/hooks/(.*)' },
  { method: 'GET', target: '/api/v4/groups/1/labels/2', passed: true, location: '/api/v4/groups/(.*)/labels/(.*)' },
  { method: 'GET', target: '/api/v4/user', passed: true, location: '/api/v4/user' },
  {
    method: 'PUT',
    target: '/api/v4/projects/1/merge_requests/2',
    passed: true,
    location: '/api/v4/projects/(.*)/merge_requests/(.*)',
  },
  {
    method: 'PUT',
    target: '/api/v4/projects/1/merge_requests/2/merge',
    passed: true,
    location: '/api/v4/projects/(.*)/merge_requests/(.*)',
  },
  { method: 'GET', target: '/api/v4/namespaces', passed: true, location: '/api/v4/namespaces' },
  { method: 'GET', target: '/api/v4/version', passed: false, location: '' },
];

const clean = `http {
  geo $ours { default 0; 192.0.2.0/24 1; 192.0.2.7 0; }
  map $http_x_api_key $token { default ""; "${HAND_WRITTEN_KEY}" "b"; }
  upstream app { server 10.0.0.1:8080; server 10.0.0.2:8080; }
  server { listen 8443 ssl default_server; return 421; }
  server {
    listen 8443 ssl;
    server_name api.example.com;
    ssl_certificate /etc/tls/api.pem;
    ssl_certificate_key /etc/tls/api.key;
    if ($ours = 0) { return 403; }
    if ($token = "") { return 401; }
    proxy_set_header X-Token $token;
    proxy_ssl_verify on;
    location = /v1/items { limit_except GET POST { deny all; } proxy_pass http://app; }
    location ~ ^/v1/items/[0-9]+$ { limit_except GET { deny all; } proxy_pass http://app; }
    location / { return 404; }
  }
}
`;

imports('what can be said exactly leaves nothing to list, and is the spec that one would have written', () =>
  inWorkspace(async ({ run, write, runArgs }) => {
    const { status, stdout, stderr } = await runArgs(['import', 'nginx', '-'], { input: clean });
    assert.is(stderr, '');
    assert.is(status, 0);
    write('postern.yaml', stdout);
    write(
      'meant.yaml',
      `version: 1
name: imported
ipRanges: { clients: [192.0.2.0/30, 192.0.2.4/31, 192.0.2.6, 192.0.2.8/29, 192.0.2.16/28, 192.0.2.32/27, 192.0.2.64/26, 192.0.2.128/25] }
upstreams: { app: { url: "http://app", servers: [10.0.0.1:8080, 10.0.0.2:8080], tokenHeader: X-Token } }
routes: { app: { upstream: app, allow: ["GET,POST /v1/items", "GET /v1/items/{rest:int}"] } }
apiKeys: { caller: { key: env:POSTERN_KEY_TOKEN, token: env:POSTERN_TOKEN_TOKEN, routes: [app] } }
proxies:
  api-example-com: { listen: 8443, hosts: [api.example.com], tls: { certFile: /etc/tls/api.pem, keyFile: /etc/tls/api.key },
    ipRanges: ["@clients"], apiKeyHeader: x-api-key, routes: [app], methodNotAllowed: 404 }
targets: { nginx: {} }
`,
    );
    assert.is((await run('generate')).status, 0);
    const diff = await run('diff --base meant.yaml');
    assert.is(diff.status, 0, diff.stdout + diff.stderr);
  }),
);

const server = (body: string, http = '') => `http { ${http} server { listen 80; allow 192.0.2.1; deny all; ${body} } }`;
const OK = 'location = /ok { proxy_pass http://up; }';

for (const [title, text, refused] of [
  ['a password', server(`location /x { auth_basic a; proxy_pass http://up; } ${OK}`), 'GET /x'],
  ['a condition', server(`location /x { if ($http_a = b) { return 403; } proxy_pass http://up; } ${OK}`), 'GET /x'],
  ['a rewrite', server(`location /x { rewrite ^ /y break; proxy_pass http://up; } ${OK}`), 'GET /x'],
  ['another path', server(`location /x/ { proxy_pass http://up/y/; } ${OK}`), 'GET /x/a'],
  ['a decision elsewhere', server(`location /x { auth_request /auth; proxy_pass http://up; } ${OK}`), 'GET /x'],
  ['fewer addresses', server(`location /x { deny all; proxy_pass http://up; } ${OK}`), 'GET /x'],
  ['a file that is not here', server(`location /x { include gone.conf; proxy_pass http://up; } ${OK}`), 'GET /x'],
  [
    'an expression that looks ahead',
    server(`location ~ ^/x(?!y) { return 403; } location /x { proxy_pass http://up; } ${OK}`),
    'GET /x',
  ],
  [
    'an expression before a prefix',
    server(`location ~ a$ { return 403; } location /x { proxy_pass http://up; } ${OK}`),
    'GET /x/a',
  ],
  ['a sign without a space', server(`location =/x { deny all; } location / { proxy_pass http://up; } ${OK}`), 'GET /x'],
  [
    'an expression without a space',
    server(`location ~\\.php$ { deny all; } location ~*^/A { deny all; } location / { proxy_pass http://up; } ${OK}`),
    'GET /x.php',
  ],
  [
    'a stop without a space',
    server(`location ^~/x/ { return 403; } location / { proxy_pass http://up; } ${OK}`),
    'GET /x/y',
  ],
  [
    'a location that is internal',
    server(`location /x { internal; location /x/y { proxy_pass http://up; } } ${OK}`),
    'GET /x/y',
  ],
  [
    'files of a pattern that are not here',
    server(`location /x { include acl/*.conf; proxy_pass http://up; } ${OK}`),
    'GET /x',
  ],
  [
    'addresses that a header says, for one location',
    server(`location /x { set_real_ip_from 192.0.2.0/24; proxy_pass http://up; } ${OK}`),
    'GET /x',
  ],
  [
    'the path that ends in a slash, to which nginx redirects',
    server(`location / { proxy_pass http://up; } location /x/ { proxy_pass http://up; } ${OK}`),
    'GET /x',
  ],
  [
    'an expression outside of a prefix that nothing stops',
    server(`location / { location ^~ /x { proxy_pass http://up; } } location ~ ^/x { return 403; } ${OK}`),
    'GET /x',
  ],
  [
    'one address for every request, where a variable names it',
    server(`set $up 192.0.2.9; location /x/ { proxy_pass http://$up/x/; } ${OK}`),
    'GET /x/a',
  ],
  [
    'a variable that another location sets',
    server(`location / { set $up 192.0.2.9; location /x { proxy_pass http://$up; } } ${OK}`),
    'GET /x',
  ],
  ['braces in an expression', server(`location ~ "^/x\\{2\\}$" { proxy_pass http://up; } ${OK}`), 'GET /xx'],
  ['braces without quotes', server(`location ~ ^/x\\{2\\}$ { proxy_pass http://up; } ${OK}`), 'GET /xx'],
  ['files that come first', server(`location /x { try_files /none =404; proxy_pass http://up; } ${OK}`), 'GET /x'],
  ['another method', server(`location /x { proxy_method POST; proxy_pass http://up; } ${OK}`), 'GET /x'],
  ['another query', server(`location /x { set $args a=b; proxy_pass http://up; } ${OK}`), 'GET /x'],
  ['another handler', server(`location /x { proxy_pass http://up; empty_gif; } ${OK}`), 'GET /x'],
  [
    'a variable of keys that is set',
    server(
      `location /x { set $a T; if ($a = "") { return 401; } proxy_pass http://up; } ${OK}`,
      'map $http_x_a $a { default ""; "key-of-a-0123456789" "T"; }',
    ),
    'GET /x',
  ],
  ['a variable', server(`location /x { proxy_pass http://$host; } ${OK}`), 'GET /x'],
] as const) {
  imports(`never wider: ${title}`, () =>
    inWorkspace(async ({ run, runArgs, write }) => {
      const { stdout, stderr, status } = await runArgs(['import', 'nginx', '-'], { input: text });
      assert.is(status, 1, stderr);
      write('postern.yaml', stdout);
      assert.is((await run('explain GET /ok')).status, 0, stdout);
      assert.is((await run(`explain ${refused}`)).status, 1, stdout);
    }),
  );
}

imports('never wider: two keys of one request', () =>
  inWorkspace(async ({ runArgs }) => {
    const map = (header: string) =>
      `map $http_x_${header} $${header} { default ""; "key-of-${header}-0123456789" "T"; }`;
    const check = (header: string) => `if ($${header} = "") { return 401; }`;
    const both = server(`${check('a')} location /x { ${check('b')} proxy_pass http://up; } ${OK}`, map('a') + map('b'));
    const { stdout, stderr } = await runArgs(['import', 'nginx', '-'], { input: both });
    assert.not.match(stdout, /- GET[^\n]* \/x/);
    assert.match(stderr, /location \/x: it asks for two keys/);
  }),
);

imports('never wider: a name that no proxy can have, beside another server of the port', () =>
  inWorkspace(async ({ run, runArgs, write }) => {
    const named = (name: string, path: string) =>
      `server { listen 80; server_name ${name}; allow 192.0.2.1; deny all; location = ${path} { proxy_pass http://up; } }`;
    const rest = `server { listen 80 default_server; return 444; } ${named('api.example.com', '/ok')}`;
    for (const name of ['intranet', '*.example.org', '~^a', '_', '""']) {
      const input = `http { ${named(name, '/x')} ${rest} }`;
      const { stdout, stderr } = await runArgs(['import', 'nginx', '-'], { input });
      assert.match(stderr, /server: no whole name leads to it/, name);
      assert.match(stdout, /\/ok/);
      assert.not.match(stdout, /- [^\n]* \/x\n/);
      write('postern.yaml', stdout);
      assert.is((await run('validate')).status, 0);
    }
  }),
);

imports('where requests go is kept: by location, by method, and beside another name', () =>
  inWorkspace(async ({ runArgs }) => {
    const spec = async (body: string) => (await runArgs(['import', 'nginx', '-'], { input: server(body) })).stdout;
    const named = await spec('location = /x { proxy_set_header Host inner.example; proxy_pass http://10.0.0.1:81; }');
    assert.match(named, /url: http:\/\/inner\.example, servers: \["10\.0\.0\.1:81"\]/);
    const covered = 'location ^~ /x/ { proxy_pass http://10.0.0.2; }';
    const hidden = await spec(`location ~ ^/x/a$ { proxy_pass http://10.0.0.1; } ${covered}`);
    assert.not.match(hidden, /\/x\/a$/m);
    const heads = 'location = /x { limit_except HEAD { proxy_pass http://10.0.0.2; } proxy_pass http://10.0.0.1; }';
    assert.not.match(await spec(`${heads} ${OK}`), /GET[^\n]* \/x$/m);
  }),
);

imports('never wider: a server of all names beside one that refuses its own', () =>
  inWorkspace(async ({ runArgs }) => {
    const refusing = 'server { listen 80; server_name secret.example.com; return 403; }';
    const all = `server { listen 80 default_server; ${OK} }`;
    const { status, stderr } = await runArgs(['import', 'nginx', '-'], { input: `http { ${refusing} ${all} }` });
    assert.is(status, 2);
    assert.match(stderr, /no server of it forwards anything/);
    const own = `server { listen 127.0.0.1:80; return 403; } server { listen 80; server_name a.example.com; ${OK} }`;
    assert.is((await runArgs(['import', 'nginx', '-'], { input: `http { ${own} }` })).status, 2);
  }),
);

imports('never wider: an answer for keys that no route asks for, and one that no path leads to', () =>
  inWorkspace(async ({ runArgs }) => {
    const spec = async (body: string) =>
      (
        await runArgs(['import', 'nginx', '-'], {
          input: server(`${OK} ${body}`, 'map $http_x_a $a { default ""; "key-of-a-0123456789" "T"; }'),
        })
      ).stdout;
    assert.match(await spec('location = /me { return 204; }'), /request: "\* \/me", auth: none, status: 204/);
    assert.not.match(await spec('location = /me { if ($a = "") { return 401; } return 204; }'), /request: "\* \/me"/);
    const hidden = 'location /a { location = /a/b { return 204; } } location /a/b { deny all; }';
    assert.not.match(await spec(hidden), /request: "\* \/a\/b"/);
  }),
);

for (const [what, text, told] of [
  ['an answer of its own', server(`location /x { return 200 hi; } ${OK}`), /location \/x: it answers by itself/],
  [
    'a location for errors',
    server(`error_page 404 = @up; location @up { proxy_pass http://up; } ${OK}`),
    /error_page 404 = @up: what one location answers/,
  ],
  [
    'an error that another location answers by forwarding',
    server('error_page 403 /ok; location = /ok { proxy_pass http://up; }'),
    /error_page 403 \/ok: requests that are refused are forwarded/,
  ],
  [
    'a query that was dropped',
    server('set $up 192.0.2.9; location = /ok { proxy_pass http://$up/ok; }'),
    /location = \/ok: .*the query was dropped/,
  ],
  [
    'more clients than the others have',
    server(`location = /x { allow all; proxy_pass http://up; } location = /y { proxy_pass http://up; } ${OK}`),
    /location = \/x: .*it admitted more clients/,
  ],
  [
    'more clients of one method',
    server(
      `location = /x { limit_except GET { allow 192.0.2.9; } proxy_pass http://up; } location = /y { proxy_pass http://up; } ${OK}`,
    ),
    /location = \/x: .*it admitted more clients/,
  ],
  [
    'names beside the whole ones',
    server(`server_name a.example.com .example.com; ${OK}`),
    /server_name: names of a proxy are whole names/,
  ],
  ['every other name', server(`server_name a.example.com; ${OK}`), /server: it also answered to every name/],
  [
    'any key',
    server(
      `location = /x { if ($http_x_a = "") { return 401; } proxy_pass http://up; }`,
      'map $http_x_a $a { default ""; "key-of-a-0123456789" "T"; }',
    ),
    /location = \/x: .*any text was key enough/,
  ],
  [
    'the last address of a header',
    server(`set_real_ip_from 10.0.0.0/8; real_ip_header X-Forwarded-For; ${OK}`),
    /the last address of the header was the client/,
  ],
  [
    'a name that is listened on',
    server(OK).replace('listen 80', 'listen inner.example.com:80'),
    /listen: a proxy listens on an address, not on a name/,
  ],
] as const)
  imports(`told: ${what}`, () =>
    inWorkspace(async ({ runArgs }) => {
      const { status, stderr } = await runArgs(['import', 'nginx', '-'], { input: text });
      assert.is(status, 1);
      assert.match(stderr, told);
    }),
  );

imports('a server for this machine alone stays one, or is left out', () =>
  inWorkspace(async ({ runArgs }) => {
    const on = (address: string) =>
      runArgs(['import', 'nginx', '-'], { input: server(OK).replace('listen 80', `listen ${address}`) });
    assert.match((await on('localhost:8081')).stdout, /listen: "?127\.0\.0\.1:8081/);
    assert.is((await on('unix:/run/x.sock')).status, 2);
  }),
);

imports('never wider: a subrequest that another location answers', () =>
  inWorkspace(async ({ runArgs }) => {
    const check = 'location /check { if ($a = "") { return 401; } return 204; }';
    const text = (more: string) =>
      server(
        `${check} ${more} location /x { auth_request /check; proxy_pass http://up; } ${OK}`,
        'map $http_x_a $a { default ""; "key-of-a-0123456789" "T"; }',
      );
    const allowed = async (more: string) =>
      / \/x\n/.test(
        (await runArgs(['import', 'nginx', '-'], { input: text(more) })).stdout.split('# Not carried')[0] ?? '',
      );
    assert.ok(await allowed(''));
    assert.not(await allowed('location = /check { return 403; }'));
    assert.not(await allowed('location ~ k$ { return 403; }'));
  }),
);

imports('the addresses that a header says are those of the server, wherever it is written', () =>
  inWorkspace(async ({ runArgs }) => {
    const text = server(OK, 'set_real_ip_from 10.0.0.0/8; real_ip_header X-Client;');
    const { stdout } = await runArgs(['import', 'nginx', '-'], { input: text });
    assert.match(stdout, /clientIp: \{ trustedProxies: \["10\.0\.0\.0\/8"\], header: X-Client \}/);
  }),
);

imports('HEAD that was refused goes with GET in a spec, and is listed', () =>
  inWorkspace(async ({ runArgs }) => {
    const location = 'if ($request_method != GET) { return 405; } proxy_pass http://10.0.0.1;';
    const conf = (inner: string) =>
      `http { server { listen 80; allow 192.0.2.1; deny all; location = /a { ${inner} } } }`;
    const refused = await runArgs(['import', 'nginx', '-'], { input: conf(location) });
    assert.match(refused.stdout, /- GET \/a/);
    assert.match(refused.stderr, /<stdin>:1: location = \/a: .*HEAD was refused, and goes with GET in a spec/);
    const limit = 'limit_except GET { deny all; } proxy_pass http://10.0.0.1;';
    assert.not.match((await runArgs(['import', 'nginx', '-'], { input: conf(limit) })).stderr, /HEAD/);
  }),
);

imports('where nothing can be imported, each server says why, and what would help', () =>
  inWorkspace(async ({ runArgs }) => {
    const input = `http {
server { listen 81;
  location / { auth_basic x; proxy_pass http://up; } }
server { listen 82;
  location / { root /srv; } }
}`;
    const { status, stdout, stderr } = await runArgs(['import', 'nginx', '-'], { input });
    assert.is(status, 2);
    assert.is(stdout, '');
    assert.match(stderr, /<stdin>:3: location \/: callers give a user and a password/);
    assert.match(stderr, /<stdin>:4: server: it forwards nothing that a spec can allow/);
    assert.match(stderr, /<stdin>:5: location \/: it serves files/);
    assert.match(stderr, /no server of it forwards anything that a spec can allow[\s\S]*nginx -T/);
  }),
);

imports('what is no configuration is refused with a place and without its text', async () =>
  inWorkspace(async ({ runArgs }) => {
    for (const [text, place] of [
      ['http {\n server { listen 80;', /<stdin>:2: /],
      ['events {}', /<stdin>:1: no file of it holds a server/],
      [server('location / { return 404; }'), /<stdin>:1: no server of it forwards anything/],
      ['http { } }', /<stdin>:1: /],
      ['', /<stdin>:1: /],
    ] as const) {
      const { status, stdout, stderr } = await runArgs(['import', 'nginx', '-'], { input: text });
      assert.is(status, 2);
      assert.is(stdout, '');
      assert.match(stderr, place);
    }
  }),
);

imports('a refusal behind too many includes is not lost: the location is left out, and the include is listed', () => {
  const chain = Array.from({ length: 14 }, (_, index) => ({
    name: `d${index}/a.conf`,
    text: `include d${index + 1}/*.conf;\n`,
  }));
  const location = 'location /a/ { proxy_pass http://127.0.0.1:9000; }';
  const imported = importers()
    .find(({ kind }) => kind === 'nginx')
    ?.read([
      {
        name: 'nginx.conf',
        text: `events {}\nhttp {\n server {\n listen 80;\n include d0/*.conf;\n ${location}\n }\n}\n`,
      },
      ...chain,
      { name: 'd14/a.conf', text: 'location /a/secret { return 403; }\n' },
    ]);
  assert.ok(imported);
  if ('problem' in imported) return;
  assert.equal(imported.draft.routes ?? [], [], JSON.stringify(imported));
  assert.ok(
    imported.notCarriedOver.some(({ reason }) => reason.includes('too deep')),
    JSON.stringify(imported),
  );
});

imports.run();
