import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { compile } from '../../../src/compile.ts';
import { nginx } from '../../../src/targets/nginx/index.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { freePorts } from '../../../src/verify/ports.ts';
import { startServer } from '../../../src/verify/process.ts';
import { openScope, type Scope } from '../../../src/verify/scope.ts';
import { engineSuite } from '../../engines/suite.ts';
import { runHere } from '../../support/commands.ts';

/** What the http block has in its own favour, none of which may reach the proxy. */
const HOSTILE = `
    proxy_cache_path cache keys_zone=cache:1m;
    proxy_cache cache;
    proxy_cache_valid any 1h;
    proxy_cache_key "$uri";
    set_real_ip_from 0.0.0.0/0;
    real_ip_header X-Forwarded-For;
    underscores_in_headers on;
    ignore_invalid_headers off;
    merge_slashes off;
    mirror /mirrored;
    ssi on;
    ssi_types *;
    proxy_intercept_errors on;
    proxy_pass_request_body off;
    proxy_buffer_size 4k;
    proxy_busy_buffers_size 8k;
    proxy_set_header Sudo root;
    auth_basic none;
    client_max_body_size 1;
    error_page 403 =200 /allowed;
`;

const KEYS = { one: 'a-key-of-number-one-0123abcd', two: 'a-key-of-number-two-4567efgh' };

const specOf = (port: number, upstream: number) => `version: 1
name: guest
ipRanges: { partners: [127.0.0.1] }
upstreams: { up: { url: http://up.example, servers: ["127.0.0.1:${upstream}"] } }
routes: { read: { upstream: up, allow: ["GET,POST /api/{name}"] } }
apiKeys:
  one: { key: env:ONE, token: env:TOKEN_ONE }
  two: { key: env:TWO, token: env:TOKEN_TWO }
proxies: { api: { listen: "127.0.0.1:${port}", ipRanges: ["@partners"], clientIp: direct, health: /healthz } }
targets: { nginx: { form: include } }
`;

interface Guest {
  readonly seen: { readonly url: string; readonly headers: Readonly<Record<string, unknown>>; readonly body: string }[];
  readonly folder: string;
  /** What "nginx -T" prints. */
  readonly live: string;
  ask(options: {
    readonly path?: string;
    readonly from?: string;
    readonly headers?: Record<string, string>;
    readonly body?: string;
  }): Promise<{ status: number; body: string }>;
}

/** The files in the folder of an nginx of somebody else's, whose http block has these settings. */
async function guestOf(scope: Scope, program: string, settings: string): Promise<Guest> {
  const seen: { url: string; headers: Record<string, unknown>; body: string }[] = [];
  const server = createServer((incoming, response) => {
    let body = '';
    incoming.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    incoming.on('end', () => {
      seen.push({ url: incoming.url ?? '', headers: incoming.headers, body });
      response.end(`<!--# echo var="uri" -->${String(incoming.headers['private-token'])}`);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(async () => {
    server.closeAllConnections();
    server.close();
  });
  const [port = 0, own = 0] = await freePorts(2);
  const { path: folder, write, remove } = await temporaryFolder();
  scope.defer(remove);
  const text = specOf(port, (server.address() as AddressInfo).port);
  const { files = [], policy, diagnostics } = compile(text, { file: 'postern.yaml', read: () => undefined });
  assert.ok(policy, JSON.stringify(diagnostics));
  const values = new Map([
    ['env:ONE', KEYS.one],
    ['env:TWO', KEYS.two],
    ['env:TOKEN_ONE', 'token-of-one'],
    ['env:TOKEN_TWO', 'token-of-two'],
  ]);
  const secrets = nginx.secrets?.({ policy, values }).value ?? [];
  for (const file of [...files, ...secrets]) await write(file.path, file.text);
  await write('postern.yaml', text);
  await write(
    'nginx/nginx.conf',
    `pid nginx.pid; error_log stderr; events {} http {
    include http.conf;
    access_log off;
    ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name}_temp;`).join(' ')}
    map $http_x $client_of_ours { default 1; }
${settings}
    server { listen 127.0.0.1:${own}; location / { return 204; } }
}\n`,
  );
  await mkdir(join(folder, 'nginx/logs'), { recursive: true });
  const args = ['-p', `${folder}/nginx/`, '-c', 'nginx.conf', '-e', 'stderr'];
  const engine = await startServer({
    command: program,
    args: [...args, '-g', 'daemon off;'],
    cwd: folder,
    ready: { port },
  });
  scope.defer(() => engine.stop());
  const { stdout: live } = await promisify(execFile)(program, [...args, '-T']);
  return {
    seen,
    folder,
    live,
    ask: async ({ path = '/api/a', from = '127.0.0.1', headers = { 'PRIVATE-TOKEN': KEYS.one }, body }) => {
      const options = { host: '127.0.0.1', port, path, localAddress: from, headers, agent: false };
      const one = request({ ...options, method: body === undefined ? 'GET' : 'POST' });
      one.end(body);
      const [response] = await once(one, 'response');
      let answer = '';
      for await (const part of response.setEncoding('utf8')) answer += part;
      return { status: response.statusCode, body: answer };
    },
  };
}

const { test, engines } = await engineSuite('an http block of somebody else', ['nginx', 'nginx-newest']);

for (const name of ['nginx', 'nginx-newest'] as const) {
  test(`${name}: settings of the block reach no proxy`, async () => {
    const scope = openScope();
    try {
      const { ask, seen } = await guestOf(scope, engines[name].path, HOSTILE);
      assert.is((await ask({ path: '/healthz', headers: {} })).status, 200);
      assert.is((await ask({ headers: {} })).status, 401);
      const forged = { 'PRIVATE-TOKEN': KEYS.one, 'X-Forwarded-For': '127.0.0.1', 'X-Real-IP': '127.0.0.1' };
      assert.is((await ask({ from: '127.0.0.2', headers: forged })).status, 403);
      assert.equal(seen, []);
      const first = await ask({ headers: { 'PRIVATE-TOKEN': KEYS.one, PRIVATE_TOKEN: 'x', X_Real_IP: 'y' } });
      assert.equal(first, { status: 200, body: '<!--# echo var="uri" -->token-of-one' });
      const second = await ask({ headers: { 'PRIVATE-TOKEN': KEYS.two } });
      assert.equal(second, { status: 200, body: '<!--# echo var="uri" -->token-of-two' });
      assert.is(
        (await ask({ body: 'a body', headers: { 'PRIVATE-TOKEN': KEYS.two, 'Content-Type': 'application/json' } }))
          .status,
        200,
      );
      assert.equal(
        seen.map(({ url, body }) => [url, body]),
        [
          ['/api/a', ''],
          ['/api/a', ''],
          ['/api/a', 'a body'],
        ],
      );
      for (const { headers } of seen)
        assert.equal(
          Object.keys(headers).filter((header) => /_|sudo/i.test(header)),
          [],
        );
      assert.is((await ask({ path: '//api/a' })).status, 404);
    } finally {
      await scope.close();
    }
  });

  test(`${name}: what runs is compared, and only what reaches a proxy is drift`, async () => {
    const scope = openScope();
    try {
      const clean = await guestOf(scope, engines[name].path, 'sendfile on; types { text/html html; }');
      const diff = (live: string) => runHere(['diff', '--live', 'nginx=-', join(clean.folder, 'postern.yaml')], live);
      const same = await diff(clean.live);
      assert.is(same.status, 0, same.stdout);
      assert.match(same.stdout, /a server that listens on \d+, which is not ours/);
      const wrong: readonly (readonly [line: string, told: RegExp])[] = [
        ['sub_filter a b;', /has "sub_filter" of its own/],
        ['proxy_ssl_certificate /c.pem;', /has "proxy_ssl_certificate" of its own/],
        ['add_header X secret-of-theirs;', /has "add_header" of its own/],
        ['geo $client { default 1; }', /has a geo that makes \$client, which ours makes/],
        ['server { listen 8123; location / {} }', /has a server that listens on 8123 too/],
      ];
      for (const [line, told] of wrong) {
        const live = clean.live
          .replace('sendfile on;', line)
          .replace(/listen 127.0.0.1:\d+ default_server/, (listen) => listen);
        const port = /listen 127\.0\.0\.1:(\d+) default_server/.exec(live)?.[1] ?? '';
        const { status, stdout } = await diff(live.replace('8123', port));
        assert.is(status, 1, line);
        assert.match(stdout.replaceAll(port, '8123'), told);
        assert.not.match(stdout, /secret-of-theirs/);
      }
    } finally {
      await scope.close();
    }
  });
}

test('the files are proved like those of an nginx of our own', async () => {
  const folder = await temporaryFolder();
  try {
    const spec = await folder.write('postern.yaml', specOf(8080, 8081));
    assert.is((await runHere(['generate', spec])).status, 0);
    const { status, stdout } = await runHere(['prove', spec]);
    assert.is(status, 0, stdout);
    assert.match(stdout, /nginx: proxy api: proved for all requests/);
  } finally {
    await folder.remove();
  }
});

test.run();
