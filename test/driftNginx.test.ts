import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { targets } from '../src/targets/index.ts';
import { compareNginx } from '../src/targets/nginx/live.ts';
import { temporaryFolder } from '../src/verify/folder.ts';
import { engineSuite } from './engines/suite.ts';
import { IN_SYNC, type LiveCase, liveCase } from './support/live.ts';
import { policyOf } from './support/policy.ts';

const KEY = 'abcdefghijklmnopqrstuvwx';
const TOKEN = 'glpat-zzzzzzzzzzzzzzzzzzzz';

const { test: real, engines: found } = await engineSuite('running nginx', ['nginx']);
const nginxSpec = `version: 1
name: live
upstreams:
  gitlab: { url: "http://127.0.0.1:9" }
routes:
  read: { upstream: gitlab, allow: [GET /groups, "GET /groups/{id:int}"] }
apiKeys:
  reader: { key: env:K, token: env:T }
proxies:
  api: { listen: "127.0.0.1:8080", ipRanges: [10.0.0.0/8] }
targets:
  nginx: {}
`;

/** What `nginx -T` prints about our files with secrets beside them. */
async function dumped(here: LiveCase): Promise<string> {
  const folder = await temporaryFolder();
  try {
    const values = new Map([
      ['env:K', KEY],
      ['env:K2', `${KEY.slice(1)}2`],
      ['env:T', TOKEN],
    ]);
    const secrets =
      targets.find(({ name }) => name === 'nginx')?.secrets?.({ policy: here.policy, values }).value ?? [];
    for (const { path, text } of [...here.files('nginx'), ...secrets]) {
      mkdirSync(dirname(join(folder.path, path)), { recursive: true });
      writeFileSync(join(folder.path, path), text);
    }
    const prefix = join(folder.path, 'nginx');
    mkdirSync(join(prefix, 'logs'), { recursive: true });
    const { stdout, stderr, status } = spawnSync(found.nginx.path, ['-T', '-p', `${prefix}/`, '-c', 'nginx.conf'], {
      encoding: 'utf8',
    });
    assert.is(status, 0, stderr);
    return stdout;
  } finally {
    await folder.remove();
  }
}

real('what nginx -T prints is in sync, and each change by hand is found', async () => {
  const here = liveCase(nginxSpec);
  const live = await dumped(here);
  assert.match(live, TOKEN);
  assert.equal(here.compare('nginx', live), IN_SYNC);
  assert.equal(
    here.compare('nginx', live.replace(/^ *#(?! configuration file).*\n/gm, '').replace(/^ +/gm, '\t')),
    IN_SYNC,
  );
  const edits: readonly [string | RegExp, string][] = [
    [/10\.0\.0\.0\/8/g, '0.0.0.0/0'],
    [/(?<=proxy_set_header PRIVATE-TOKEN )[^;]+/gi, TOKEN],
    [/(?<=id:\S+ +"?)reader/, 'mallory'],
    [/\n *listen [^;]*;/, '\nlisten 127.0.0.1:8099;'],
  ];
  for (const [from, to] of edits) {
    const edited = live.replaceAll(from instanceof RegExp ? new RegExp(from, 'gi') : from, to);
    assert.is.not(edited, live, String(from));
    const { drift, problems } = here.compare('nginx', edited);
    assert.equal(problems, []);
    assert.ok(drift.length > 0, String(from));
    for (const secret of [KEY, TOKEN]) assert.not.ok(drift.join().includes(secret), drift.join('\n'));
  }
});

real('a table of keys that lets others in, and keys too many or too few', async () => {
  const here = liveCase(nginxSpec.replace('{ key: env:K, token: env:T }', '{ key: [env:K, env:K2], token: env:T }'));
  const live = await dumped(here);
  assert.equal(here.compare('nginx', live), IN_SYNC);
  const told = (from: string | RegExp, to: string) => {
    const edited = live.replace(from, () => to);
    assert.is.not(edited, live, String(from));
    const { drift } = here.compare('nginx', edited);
    for (const secret of [KEY, TOKEN]) assert.not.match(drift.join(), secret);
    return drift;
  };
  const record = /"id:[^"]*" "reader";/.exec(live)?.[0] ?? 'no record';
  const token = `"reader" "${TOKEN}";`;
  for (const [from, to] of [
    [record, `${record}\ndefault reader;`],
    [record, `${record}\n"~." reader;`],
    [record, `${record}\n"id:" reader;`],
    [record, `${record}\nvolatile;`],
    [record, `${record}\ninclude /etc/nginx/more.conf;`],
    [record, `${record}\n${record}`],
    [token, `${token}\ndefault "${TOKEN}";`],
    [token, `${token}\n"" "${TOKEN}";`],
    [token, 'reader $http_token;'],
  ] as const)
    assert.match(told(from, to).join('\n'), /^8: live has a table of keys or tokens that is not as ours are/, to);
  const one = live.replace(/"hash:[^"]*" "[^"]*";\n"id:[^"]*" "reader";\n/, '');
  assert.equal(here.compare('nginx', one).drift, ['8: live has 1 key for "reader" in place of 2 [drift/changed]']);
  const more = '"hash:AAAAAAAA" "9jVeoyFwUxYmqNfWE-DClQ";\n"id:AAAAAAAA" "reader";';
  assert.equal(told(record, `${record}\n${more}`), ['8: live has 3 keys for "reader" in place of 2 [drift/changed]']);
  assert.equal(told(token, ''), ['8: live lacks the token for "reader" [drift/missing]']);
  assert.equal(told(token, `${token}\n"mallory" "${TOKEN}";`).length, 1);
  const none = here.compare('nginx', live.replace(/^"(?:hash|id):.*\n/gm, '').replace(token, ''));
  assert.match(none.problems.join(), /^8: live has no keys, so that everybody who needs one is refused/);
  assert.equal(none.drift, []);
});

real('a deployment below a folder named secrets is compared like any other', async () => {
  const here = liveCase(nginxSpec);
  const live = (await dumped(here)).replaceAll('# configuration file ', '# configuration file /run/secrets');
  assert.equal(here.compare('nginx', live), IN_SYNC);
  assert.ok(here.compare('nginx', live.replace('10.0.0.0/8', '0.0.0.0/0')).drift.length > 0);
});
real.run();

const nginx = suite('live nginx');
const policy = policyOf({
  upstreams: { gitlab: { url: 'https://gitlab.example.com' } },
  routes: { read: { upstream: 'gitlab', allow: ['GET /groups'] } },
  apiKeys: { reader: { key: 'env:K', token: 'env:T' } },
  proxies: { api: { listen: 8080, ipRanges: ['10.0.0.0/8'] } },
});
const MAIN = 'events {}\nhttp {\n  include api.conf;\n}\n';
const API = `map $http_private_token $key { default ""; include secrets/keys*.conf; }
server {
  listen 8080;
  allow 10.0.0.0/8; # offices
  deny all;
  location = /groups { proxy_set_header PRIVATE-TOKEN $token; proxy_pass https://gitlab.example.com; }
  location ~ "^/a{2}$" { return 404; }
  location ~ ^/b$ { return 405; }
}
`;
const files = [
  { path: 'nginx/nginx.conf', text: MAIN },
  { path: 'nginx/api.conf', text: API },
].map((file) => ({ ...file, target: 'nginx', digest: '', hasHeader: false }));
const dumpOf = (main: string, api: string, rest = '') =>
  `nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n# configuration file /etc/nginx/nginx.conf:\n${main}\n# configuration file /etc/nginx/api.conf:\n${api}\n# configuration file /etc/nginx/secrets/keys.conf:\n"hash:qrstuvwx" "9jVeoyFwUxYmqNfWE-DClQ";\n"id:qrstuvwx" reader;\n# configuration file /etc/nginx/secrets/tokens.conf:\nreader "${TOKEN}";\n${rest}`;

function told(text: string) {
  const { value, diagnostics } = compareNginx(
    { name: 'live', text },
    { target: 'nginx', at: ['targets', 'nginx'], policy, options: {}, files, read: () => undefined },
  );
  const lines = (value?.drift ?? diagnostics).map(({ at, message, code }) => `${at.join('.')}: ${message} [${code}]`);
  return { lines, foreign: (value?.foreign ?? []).map(({ message }) => message) };
}

nginx('comments, blanks, quotes and the order of what has none are no drift', () => {
  const other = API.replace(' # offices', '')
    .replace(/ {2}listen 8080;\n/, '')
    .replace('  location = /groups', '  listen   "8080";\n  location = /groups')
    .replace('"^/a{2}$"', () => "'^/a{2}$'");
  for (const text of [dumpOf(MAIN, API), dumpOf(MAIN, other)]) assert.equal(told(text), { lines: [], foreign: [] });
});
nginx('a change by hand is found at its line of the spec', () => {
  assert.equal(told(dumpOf(MAIN, API.replace('allow 10.0.0.0/8', 'allow 0.0.0.0/0'))).lines, [
    'proxies.api.ipRanges: /etc/nginx/api.conf (server) has "allow 0.0.0.0/0" in place of "allow 10.0.0.0/8" [drift/changed]',
  ]);
  assert.equal(told(dumpOf(MAIN, API.replace('  deny all;\n', ''))).lines, [
    'proxies.api: /etc/nginx/api.conf (server) lacks "deny all" [drift/missing]',
  ]);
  assert.equal(
    told(dumpOf(MAIN, API.replace(/ {2}allow.*\n {2}deny all;/, '  deny all;\n  allow 10.0.0.0/8;'))).lines,
    [
      'proxies.api.ipRanges: /etc/nginx/api.conf (server) has "allow 10.0.0.0/8" at another place, and here order decides [drift/reordered]',
    ],
  );
  const [a = '', b = ''] = API.match(/ {2}location ~.*\n/g) ?? [];
  assert.match(told(dumpOf(MAIN, API.replace(a + b, b + a))).lines.join(), /at another place/);
});
nginx('a secret put in by hand is found and not shown', () => {
  const { lines } = told(dumpOf(MAIN, API.replace('PRIVATE-TOKEN $token', `PRIVATE-TOKEN ${TOKEN}`)));
  assert.is(lines.length, 1);
  assert.match(
    lines[0] ?? '',
    /"proxy_set_header PRIVATE-TOKEN <hidden:[0-9a-f]{8}>" in place of "proxy_set_header PRIVATE-TOKEN \$token"/,
  );
  const short = told(dumpOf(MAIN, API.replace('PRIVATE-TOKEN $token', 'PRIVATE-TOKEN hunter2')));
  assert.match(short.lines[0] ?? '', /PRIVATE-TOKEN <hidden:/);
  const keys = told(dumpOf(MAIN, API.replace('default "";', `default ""; "${KEY}" reader;`)));
  assert.match(keys.lines.join(), /has "<hidden:[0-9a-f]{8}> reader"/);
  assert.not.ok(JSON.stringify([lines, keys]).includes(KEY));
});
nginx('a file of somebody else is drift, and so is one of ours that is gone', () => {
  assert.equal(told(dumpOf(MAIN, API, '# configuration file /etc/nginx/mime.types:\ntypes {}\n')).lines, [
    'targets.nginx: live has the file /etc/nginx/mime.types, which the spec does not make [drift/added]',
  ]);
  assert.equal(told(`# configuration file /etc/nginx/nginx.conf:\n${MAIN}`).lines, [
    'targets.nginx: live lacks the file nginx/api.conf [drift/missing]',
  ]);
});
nginx('cannot tell', () => {
  for (const [text, problem] of [
    ['', /empty/],
    [MAIN, /not what nginx -T prints/],
    ['nginx: [emerg] unknown directive "x"\n', /nginx said: unknown directive "x"/],
    [dumpOf(MAIN, API).slice(0, 420), /never closed|middle of/],
  ] as const) {
    const { lines } = told(text);
    assert.is(lines.length, 1, lines.join('\n'));
    assert.match(lines[0] ?? '', problem);
    assert.match(lines[0] ?? '', /\[drift\/unreadable-live\]/);
  }
});

const routed = liveCase(`version: 1
name: routed
upstreams:
  gitlab: { url: "https://gitlab.example.com" }
routes:
  read:
    upstream: gitlab
    allow:
      - GET /api/groups
      - GET /api/groups/{id:int}
      - GET,POST /api/groups/{id:encodedPath}/hooks
      - PUT /api/groups/{id:encodedPath}/hooks/{hook:int}
      - GET /api/projects/{id:encodedPath}/hooks
      - GET /api/Mixed/{name}
      - GET /api/mixed/x
apiKeys:
  reader: { key: env:K, token: env:T }
  writer: { key: env:K2, token: env:T, ipRanges: [10.9.0.0/16] }
proxies:
  api: { listen: 8080, ipRanges: [10.0.0.0/8] }
targets:
  nginx: {}
`);
const routedLive = routed
  .files('nginx')
  .filter(({ path }) => path.endsWith('.conf'))
  .map(({ path, text }) => `# configuration file /etc/${path}:\n${text}`)
  .join('');
const LINES = [9, 10, 11, 12, 13, 14, 15];

/** Whether a name of ours is the start of what a line of the spec allows, parameters by type. */
function startsLike(name: string, line: number): boolean {
  const pattern = (routed.text.split('\n')[line - 1] ?? '').replace(/^.* /, '').split('/');
  return name.split('/').every((segment, index) => {
    const expected = pattern[index] ?? '';
    return expected.startsWith('{') ? segment.startsWith('{') : expected === segment.replace(/\{\^([A-Z]+)\}/g, '$1');
  });
}

nginx('each row of the routing tables is told at the line of a request that needs it', () => {
  const told = new Set<number>();
  const rows = [
    ...routedLive.matchAll(
      /^map \S+ \S*(?:\$api_(?:(?:path|parameter|marked|typed)_\w+|route|head_route|allow)) \{\n((?:.*;\n| *#.*\n)*)\}/gm,
    ),
  ].flatMap(([, block = '']) => block.split('\n').filter((row) => /^ *"(?:[A-Z]+ )?\//.test(row)));
  assert.ok(rows.length > 15, rows.join('\n'));
  for (const row of rows) {
    const { drift } = routed.compare('nginx', routedLive.replace(`${row}\n`, ''));
    assert.is(drift.length, 1, row);
    const [, line] = /^(\d+): .* lacks /.exec(drift[0] ?? '') ?? [];
    assert.ok(LINES.includes(Number(line)), drift[0]);
    const [, name = ''] = /"(?:[A-Z]+ )?([^"]*)"/.exec(row) ?? [];
    assert.ok(startsLike(name, Number(line)), drift[0]);
    told.add(Number(line));
  }
  assert.equal(
    [...told].sort((a, b) => a - b),
    LINES,
  );
});
nginx('a row put in by hand is shown, and told at what it opens', () => {
  const [row = ''] = /^ *"\/\S+\/hooks" "\/\S+\/hooks";$/m.exec(routedLive) ?? [];
  const opened = row.replace('hooks', 'variables');
  const { drift } = routed.compare('nginx', routedLive.replace(row, `${row}\n${opened}`));
  assert.is(drift.length, 1);
  assert.ok(drift[0]?.includes(`has ${opened.trim().replace('" "', ' ').replace(';', '')}`), drift[0]);
  const hidden = routed.compare('nginx', routedLive.replace(row, `${row}\n"${KEY}" "${TOKEN}";`));
  assert.match(hidden.drift.join(), /has "<hidden:[0-9a-f]{8}> <hidden:[0-9a-f]{8}>"/);
});
nginx('addresses are told at the ranges that they are in, TLS at the upstream', () => {
  const edited = (from: string, to: string) => {
    assert.ok(routedLive.includes(from), from);
    return routed.compare('nginx', routedLive.replace(from, to)).drift.map((line) => line.split(':')[0]);
  };
  assert.equal(edited('10.9.0.0/16', '10.8.0.0/16'), ['18', '18']);
  assert.equal(edited('10.0.0.0/8', '0.0.0.0/0'), ['20', '20']);
  assert.equal(edited('default "-";', 'default "";'), ['20']);
  assert.equal(edited('keepalive 64', 'keepalive 1'), ['4']);
  const role = /map \$private__token_id \$\w+_grants \{\n *default "";/.exec(routedLive)?.[0] ?? 'no such table';
  assert.equal(edited(role, role.replace('""', '"1"')), ['17']);
  assert.equal(edited('proxy_ssl_verify on', 'proxy_ssl_verify off'), ['4']);
});
nginx.run();
