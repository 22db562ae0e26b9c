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
      assert.is((await run('diff')).status, 0);
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
      ['http { server { listen 80; location / { return 404; } } }', /<stdin>:1: no server of it forwards anything/],
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

imports('the main file of a folder that cannot be read says where, as a file alone does', () => {
  const text = 'events {}\nhttp {\n server {\n listen 80;\n location /a { proxy_pass http://10.0.0.1 }\n }\n}\n';
  const other = { name: 'conf.d/a.conf', text: 'server { listen 81; }\n' };
  const nginx = importers().find(({ kind }) => kind === 'nginx');
  for (const files of [[], [other]])
    assert.equal(nginx?.read([{ name: 'nginx.conf', text }, ...files]), {
      file: 'nginx.conf',
      line: 5,
      problem: 'this line ends a block after a directive without ";"',
    });
});

imports.run();
