import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { identityFor } from '../src/verify/certificate.ts';
import { freePorts } from '../src/verify/ports.ts';
import { startServer } from '../src/verify/process.ts';
import { engineSuite } from './engines/suite.ts';
import type { Ran } from './support/cli.ts';
import { HAND_WRITTEN_KEY, handWrittenProxy } from './support/handWritten.ts';
import { inWorkspace, type Workspace } from './support/workspace.ts';

const { test, engines } = await engineSuite('audit', ['nginx']);
const corpora = fileURLToPath(new URL('../../shared/corpora/', import.meta.url));

const FEW = `GET /api/v4/groups/{id}
GET /api/v4/projects/{id}/variables
POST /api/v4/projects/{id}/hooks
DELETE /api/v4/projects/{id}/hooks/{hook}
DELETE /api/v4/projects/{id}
POST /api/v4/projects/{id}/access_tokens
GET /api/v4/version
DELETE /api/v4/features/{name}
`;

interface Answer {
  readonly operations: number;
  readonly reached: readonly string[];
  readonly crafted: readonly { readonly operation: string; readonly request: string }[];
  readonly overrides: readonly string[];
  readonly notCarriedOver: readonly object[];
  readonly spec: string;
}

test('what a hand-written proxy lets through is what arrives, in the spelling of the list or in another', () =>
  inWorkspace(async ({ write, runArgs }) => {
    const env = { POSTERN_NGINX: engines.nginx.path };
    for (const [name, text] of Object.entries(handWrittenProxy())) write(`old/${name}`, text);
    const isWhole = existsSync(`${corpora}echoes-exposure.tsv`);
    const rows = isWhole ? readFileSync(`${corpora}echoes-exposure.tsv`, 'utf8').trim().split('\n').slice(1) : [];
    write('operations', isWhole ? readFileSync(`${corpora}gitlab-operations.tsv`, 'utf8') : FEW);
    const { status, stdout, stderr } = await runArgs(
      ['audit', '--nginx', 'old', '--operations', 'operations', '--format', 'json'],
      { env },
    );
    assert.is(status, 1, stderr);
    assert.not.match(stdout, HAND_WRITTEN_KEY);
    const answer: Answer = JSON.parse(stdout);
    const crafted = answer.crafted.map(({ operation }) => operation).sort();
    const cells = rows.map((row) => row.split('\t'));
    const named = (wanted: (row: readonly string[]) => boolean) =>
      cells
        .filter(wanted)
        .map(([method, path]) => `${method} ${path}`)
        .sort();
    const few = FEW.trim().split('\n');
    assert.equal([...answer.reached].sort(), isWhole ? named((row) => row[5] === 'True') : few.slice(0, 4).sort());
    assert.equal(crafted, isWhole ? named((row) => (row[10] ?? '') !== '') : few.slice(4, 6).sort());
    assert.ok(answer.overrides.includes('Authorization') && answer.overrides.includes('X-HTTP-Method-Override'));
    assert.ok(answer.notCarriedOver.length > 0);
    assert.match(answer.spec, /GET,PATCH,OPTIONS \/api\/v4\/user\n/);
  }));

test('a server with several ports is asked once, and not in the place of one that only redirects to it', () =>
  inWorkspace(async ({ write, runArgs }) => {
    write(
      'old/nginx.conf',
      `events {} http {
server { listen 80; server_name api.example.com; return 301 https://$host$request_uri; }
server { listen 443 ssl; listen [::]:443 ssl; listen 8443 ssl; server_name api.example.com; ssl_certificate c.pem; ssl_certificate_key k.pem;
location = /a { proxy_pass http://10.0.0.1; } } }`,
    );
    write('operations', 'GET /a\nGET /b\n');
    const { stdout, stderr } = await runArgs(['audit', '--nginx', 'old', '--operations', 'operations'], {
      env: { POSTERN_NGINX: engines.nginx.path },
    });
    assert.match(stdout, /^2 operations were sent; 1 got through as they are, [^\n]*\n {2}GET \/a\n/, stderr);
  }));

const audited = async (
  { write, runArgs }: Pick<Workspace, 'write' | 'runArgs'>,
  locations: string,
  operations = 'GET /a\nGET /b\n',
) => {
  write('old/nginx.conf', `events {} http { server { listen 80; ${locations} } }`);
  write('operations', operations);
  const args = ['audit', '--nginx', 'old', '--operations', 'operations', '--format', 'json'];
  const { status, stdout, stderr } = await runArgs(args, { env: { POSTERN_NGINX: engines.nginx.path } });
  const reached = stdout === '' ? undefined : (JSON.parse(stdout) as Answer).reached;
  return { status, reached, stderr };
};

test('a proxy that closes the connection has refused the request', () =>
  inWorkspace(async (workspace) => {
    const mixed = 'location = /a { proxy_pass http://10.0.0.1; } location / { return 444; }';
    assert.equal((await audited(workspace, mixed)).reached, ['GET /a']);
  }));

test('what closes every connection is not said to refuse: it may speak another protocol', () =>
  inWorkspace(async ({ write, runArgs }) => {
    const [port = 0, upstream = 0] = await freePorts(2);
    const server = createServer((socket) => socket.on('error', () => undefined).on('data', () => socket.destroy()));
    await once(server.listen(port, '127.0.0.1'), 'listening');
    try {
      write('operations', 'GET /a\n');
      const against = ['--against', `http://127.0.0.1:${port}`, '--upstream', String(upstream)];
      const { status, stderr } = await runArgs(['audit', ...against, '--operations', 'operations']);
      assert.is(status, 2);
      assert.match(stderr, /closed every connection without an answer/);
    } finally {
      server.close();
    }
  }));

test('a request counts also where the proxy asked somebody before, and where its upstream is a socket', () =>
  inWorkspace(async (workspace) => {
    const asking =
      'location = /a { auth_request /m; proxy_pass http://10.0.0.1; } location = /m { internal; proxy_pass http://10.0.0.1/auth; }';
    assert.equal((await audited(workspace, asking)).reached, ['GET /a']);
    const socket =
      'location = /a { proxy_pass http://unix:/run/app.sock; } location = /b { proxy_pass http://unix:/run/app.sock:/b; }';
    assert.equal((await audited(workspace, socket)).reached, ['GET /a', 'GET /b']);
  }));

test('a line that is no operation is not left out, because it would look like one that does not get through', () =>
  inWorkspace(async (workspace) => {
    const lines = '# operations\n\nGET /a more words\n';
    assert.is((await audited(workspace, 'return 404;', lines)).status, 0);
    for (const odd of ['get /a', '/a', 'GET', 'GET a', 'GET https://example.com/a', '{"method":"GET"}']) {
      const { status, stderr } = await audited(workspace, 'return 404;', `${lines}${odd}\n`);
      assert.is(status, 2, odd);
      assert.match(stderr, /operations:4: this is no operation\n {2}hint: /, odd);
    }
  }));

test('two servers of one name on two ports stay apart, and so does the default of a port', () =>
  inWorkspace(async ({ write, runArgs }) => {
    const location = (path: string) => `location = ${path} { proxy_pass http://10.0.0.1; }`;
    write(
      'old/nginx.conf',
      `events {} http {
server { listen 443 ssl; server_name api.example.com; ${location('/a')} }
server { listen 8443 ssl; server_name api.example.com; ${location('/b')} }
server { listen 9000; server_name first.example.com; ${location('/c')} }
server { listen 9000 default_server; server_name _; ${location('/d')} }
server { listen 10.1.2.3:9000; ${location('/e')} }
server { listen 9001; server_name one.example.com; return 404; }
server { listen 9001; server_name "~^two"; ${location('/f')} }
server { server_name *.wild.example.com; ${location('/g')} } }`,
    );
    write('operations', ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => `GET /${name}\n`).join(''));
    const { stdout, stderr } = await runArgs(
      ['audit', '--nginx', 'old', '--operations', 'operations', '--format', 'json'],
      { env: { POSTERN_NGINX: engines.nginx.path } },
    );
    // That of /f answers to names that only a regular expression knows, and is not the default of its port.
    assert.equal(
      JSON.parse(stdout || '{}').reached,
      ['a', 'b', 'c', 'd', 'e', 'g'].map((name) => `GET /${name}`),
      stderr,
    );
    assert.match(stderr, /nginx\.conf:\d+: server at 9001 is not asked/);
  }));

/** Runs a server of nginx as a proxy that is there already, and returns what the command says of two operations. */
async function against(
  { path, write, runArgs }: Workspace,
  server: string,
  more: readonly string[] = [],
): Promise<Ran> {
  const [listen = 0, upstream = 0, other = 0] = await freePorts(3);
  const body = server
    .replaceAll('LISTEN', `127.0.0.1:${listen}`)
    .replaceAll('UP', `127.0.0.1:${upstream}`)
    .replaceAll('ELSEWHERE', `127.0.0.1:${other}`);
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${name};`)
    .join(' ');
  write('nginx.conf', `pid nginx.pid; error_log stderr; events {} http { access_log off; ${folders} ${body} }`);
  write('operations', 'GET /a\nPOST /b\n');
  const args = ['-p', `${path}/`, '-c', 'nginx.conf', '-g', 'daemon off;'];
  const running = await startServer({ command: engines.nginx.path, args, cwd: path, ready: { port: listen } });
  const asked = [
    '--against',
    `http://127.0.0.1:${listen}`,
    '--upstream',
    String(upstream),
    '--operations',
    'operations',
  ];
  try {
    return await runArgs(['audit', ...asked, ...more]);
  } finally {
    await running.stop();
  }
}

for (const [title, server, words] of [
  [
    'a port that speaks TLS',
    'server { listen LISTEN ssl; ssl_certificate c.pem; ssl_certificate_key k.pem; location / { proxy_pass http://UP; } }',
    /answered 400 to every request.*without TLS/,
  ],
  [
    'a proxy that wants a key',
    'server { listen LISTEN; if ($http_x_key = "") { return 401; } location / { proxy_pass http://UP; } }',
    /answered 401 to every request.*--header/,
  ],
  [
    'another upstream',
    'server { listen LISTEN; location / { return 200; } }',
    /answered well, and none arrived at port/,
  ],
  [
    'an upstream that is gone',
    'server { listen LISTEN; location / { proxy_pass http://ELSEWHERE; } }',
    /answered 502 to every request.*forward to port/,
  ],
] as const)
  test(`what is not looked at is not said to be refused: ${title}`, () =>
    inWorkspace(async (workspace) => {
      const { cert, key } = identityFor('proxy.example');
      workspace.write('c.pem', cert);
      workspace.write('k.pem', key);
      const { status, stderr } = await against(workspace, server);
      assert.is(status, 2, stderr);
      assert.match(stderr, words);
    }));

test('a proxy that refuses every path of a list has refused them, with the key that it wants', () =>
  inWorkspace(async (workspace) => {
    const server =
      'server { listen LISTEN; if ($http_x_key = "") { return 401; } location = /c { proxy_pass http://UP; } location / { return 404; } }';
    assert.is((await against(workspace, server, ['--header', 'X-Key: k'])).status, 0);
  }));

test('a proxy that runs already is asked where it forwards to a port of ours', () =>
  inWorkspace(async ({ path, write, runArgs, run }) => {
    const [listen = 0, upstream = 0] = await freePorts(2);
    write(
      'nginx.conf',
      `pid nginx.pid; error_log stderr; events {} http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s; server { listen 127.0.0.1:${listen};
location = /a { limit_except GET { deny all; } proxy_pass http://127.0.0.1:${upstream}; proxy_pass_request_headers off; } } }`,
    );
    const server = await startServer({
      command: engines.nginx.path,
      args: ['-p', `${path}/`, '-c', 'nginx.conf', '-g', 'daemon off;'],
      cwd: path,
      ready: { port: listen },
    });
    try {
      write('operations', 'GET /a\nPOST /a\nGET /b\n');
      const against = `http://127.0.0.1:${listen}`;
      const { status, stdout, stderr } = await runArgs([
        'audit',
        '--against',
        against,
        '--upstream',
        String(upstream),
        '--operations',
        'operations',
      ]);
      assert.is(status, 0, stderr + stdout);
      assert.is(stdout, '3 operations were sent; 1 got through as they are, 0 more in another spelling\n  GET /a\n');
      assert.is((await run(`audit --against ${against} --operations operations`)).status, 2);
      assert.is((await run('audit --against http://192.0.2.1:80 --upstream 1 --operations operations')).status, 2);
      for (const ports of [
        '70000 --upstream 9000',
        '0 --upstream 9000',
        '9000 --upstream 90000',
        '9000 --upstream 0',
      ]) {
        const { status, stderr } = await run(`audit --against http://127.0.0.1:${ports} --operations operations`);
        assert.is(status, 2);
        assert.match(stderr, /from 1 to 65535/);
      }
      assert.is((await run('audit --operations operations')).status, 2);
    } finally {
      await server.stop();
    }
  }));

test.run();
