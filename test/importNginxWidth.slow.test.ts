import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inWorkspace } from './support/workspace.ts';

const imports = suite('what import nginx allows');

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

imports('never wider: a name that an earlier server has together with all names below it', () =>
  inWorkspace(async ({ runArgs }) => {
    const named = (name: string, body: string) => `server { listen 80; server_name ${name}; ${body} }`;
    const input = `http { ${named('.a.example.com', 'return 404;')} ${named('a.example.com', OK)} ${named('b.example.com', OK)} }`;
    const { stdout, stderr } = await runArgs(['import', 'nginx', '-'], { input });
    assert.not.match(stdout, /hosts: \[a\.example\.com\]/);
    assert.match(stdout, /hosts: \[b\.example\.com\]/);
    assert.match(stderr, /server_name: an earlier server of the port has the name/);
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

imports('what an exact location answers itself is an answer of the proxy by method, or is listed', () =>
  inWorkspace(async ({ run, runArgs, write }) => {
    const one = async (inner: string) => {
      const input = `http { server { listen 80; allow 192.0.2.1; deny all; location = /a { ${inner} }\n${OK} } }`;
      const { stdout, stderr } = await runArgs(['import', 'nginx', '-'], { input });
      write('postern.yaml', stdout);
      assert.is((await run('validate')).status, 0, inner);
      const asked = [...stdout.matchAll(/request: "?([^"]* \/a)"?, auth: none, status: (\d+)/g)];
      const told = [...stderr.matchAll(/location = \/a: (.*)/g)].map(([, reason]) => reason);
      return { answers: asked.map(([, request, status]) => `${request} ${status}`), told: told.join('; ') };
    };
    const head = 'if ($request_method = HEAD) { return 204; }';
    const post = await one('if ($request_method = POST) { return 201; } proxy_pass http://10.0.0.1;');
    assert.equal(post.answers, ['POST /a 201']);
    const only = await one(`${head} return 403;`);
    assert.equal(only.answers, ['HEAD /a 204']);
    const both = await one(`${head} return 200;`);
    assert.equal(both.answers, ['GET,POST,PUT,PATCH,DELETE,OPTIONS /a 200']);
    assert.match(both.told, /HEAD was answered otherwise, and goes with GET in a spec/);
    assert.match((await one(`${head} proxy_pass http://10.0.0.1;`)).told, /HEAD was answered otherwise/);
    assert.match((await one('return 200 "hello";')).told, /the text of its answer/);
  }),
);

imports.run();
