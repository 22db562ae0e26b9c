import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { delimiter, dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { targets } from '../src/targets/index.ts';
import { temporaryFolder } from '../src/verify/folder.ts';
import { freePort } from '../src/verify/ports.ts';
import { startServer } from '../src/verify/process.ts';
import { engineSuite } from './engines/suite.ts';
import { adapted, exceptKeys, IN_SYNC, type LiveCase, liveCase } from './support/live.ts';

const { test: caddy, engines } = await engineSuite('live Caddy', ['caddy']);
const KEY = 'abcdefghijklmnopqrstuvwx';
const TOKEN = 'glpat-zzzzzzzzzzzzzzzzzzzz';

const caddySpec = (port: number, keys = '') => `version: 1
name: live
upstreams:
  gitlab: { url: "http://127.0.0.1:9" }
routes:
  read: { upstream: gitlab, allow: [GET /groups, "GET /groups/{id:int}"] }
apiKeys:
  reader: { key: env:K, token: env:T }
${keys}proxies:
  api: { listen: "127.0.0.1:${port}", ipRanges: [10.0.0.0/8] }
targets:
  caddy: {}
`;

function get(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: '/config/', headers: { Host: '' } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.once('end', () => resolve(text));
    });
    asked.once('error', reject).end();
  });
}

/** The headers of a reverse proxy with a token written into them. */
function withToken(headers: { request: { set?: object } }): object {
  return { ...headers, request: { ...headers.request, set: { ...headers.request.set, 'X-Extra': [TOKEN] } } };
}

/** The configuration of a running Caddy, started on our files with secrets beside them. */
async function running(here: LiveCase, port: number): Promise<string> {
  const folder = await temporaryFolder();
  const values = new Map(
    here.policy.apiKeys.flatMap(({ keys, token }, index) => [
      ...keys.map(({ text }) => [text, index === 0 ? KEY : `${KEY}${index}${text.slice(-1)}`] as const),
      [token.text, TOKEN] as const,
    ]),
  );
  const secrets = targets.find(({ name }) => name === 'caddy')?.secrets?.({ policy: here.policy, values }).value ?? [];
  try {
    mkdirSync(join(folder.path, 'secrets'));
    for (const { path, text } of [...here.files('caddy'), ...secrets])
      writeFileSync(join(folder.path, path.replace(/^caddy\//, '')), text);
    const args = ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'];
    const server = await startServer({ command: engines.caddy.path, args, cwd: folder.path, ready: { port } });
    try {
      return await get(join(folder.path, 'admin.sock'));
    } finally {
      await server.stop();
    }
  } finally {
    await folder.remove();
  }
}

caddy('what a running Caddy says it runs is in sync, and each change by hand is found', async () => {
  const port = await freePort();
  const here = liveCase(caddySpec(port));
  process.env['PATH'] = `${dirname(engines.caddy.path)}${delimiter}${process.env['PATH']}`;
  const live = await running(here, port);
  assert.match(live, KEY);
  assert.equal(here.compare('caddy', live), IN_SYNC);
  assert.equal(here.compare('caddy', JSON.stringify(sorted(JSON.parse(live)), null, 2)), IN_SYNC);

  const wider = here.compare('caddy', live.replaceAll('10.0.0.0/8', '0.0.0.0/0'));
  assert.ok(wider.drift.length > 0);
  assert.ok(wider.drift.every((line) => /^\d+: /.test(line)));
  assert.match(wider.drift.join('\n'), /^10: .*10\.0\.0\.0\/8/m);

  const stranger = here.compare('caddy', live.replace('"outputs":["reader ', '"outputs":["mallory '));
  assert.equal(stranger.drift.toSorted(), [
    '8: live has a key for "mallory", which the spec does not make [drift/added]',
    '8: live lacks a key for "reader" [drift/missing]',
  ]);

  const handed = JSON.stringify(
    JSON.parse(live, (key, value) => (key === 'headers' && value.request ? withToken(value) : value)),
  );
  const told = here.compare('caddy', handed);
  assert.ok(told.drift.length > 0);
  for (const line of told.drift) assert.match(line, /X-Extra has \["<hidden:[0-9a-f]{8}>"\]/);
  for (const secret of [KEY, TOKEN]) assert.not.ok(JSON.stringify([wider, stranger, told]).includes(secret));
});

caddy('hundreds of keys, which are looked up in parts', async () => {
  const port = await freePort();
  const more = Array.from({ length: 400 }, (_, n) => `  more-${n}: { key: env:K_${n}, token: env:T }\n`);
  const here = liveCase(caddySpec(port, more.join('')));
  process.env['PATH'] = `${dirname(engines.caddy.path)}${delimiter}${process.env['PATH']}`;
  const live = await running(here, port);
  assert.match(live, `${KEY}399`);
  assert.equal(here.compare('caddy', live), IN_SYNC);
  const stranger = here.compare('caddy', live.replace('"outputs":["more-7 ', '"outputs":["mallory '));
  assert.match(stranger.drift.join('\n'), /live has a key for "mallory"/);
  assert.not.match(JSON.stringify(stranger), KEY);
});

caddy('a change in a table of requests is told at their lines, addresses and hosts are shown', () => {
  process.env['PATH'] = `${dirname(engines.caddy.path)}${delimiter}${process.env['PATH']}`;
  const here = liveCase(`version: 1
name: routed
upstreams:
  gitlab: { url: "http://git.example.com" }
routes:
  read:
    upstream: gitlab
    allow:
      - GET /api/groups/{id:int}/hooks
      - GET /api/projects/{id:int}/hooks
  write:
    upstream: gitlab
    allow: [POST /api/groups]
apiKeys:
  reader: { key: env:K, token: env:T }
proxies:
  api: { listen: 8080, ipRanges: [10.0.0.0/8] }
targets:
  caddy: {}
`);
  const stdout = adapted(engines.caddy.path, here);
  assert.equal(exceptKeys(here.compare('caddy', stdout)), IN_SYNC);
  const told = (from: string, to: string) => {
    assert.ok(stdout.includes(from), from);
    return here.compare('caddy', stdout.replaceAll(from, to)).drift;
  };
  const row = '^/api/projects/[0-9]+/hooks$';
  const moved = told(row, '^/api/[a-z]+/[0-9]+/hooks$');
  assert.match(moved.join('\n'), /^10: live .* lacks .*\/api\/projects\//m);
  assert.match(moved.join('\n'), /^7: live .* has .*\/api\/\[a-z\]\+/m);
  const wider = told(`${row}","outputs":["GET=read`, `${row}","outputs":["DELETE=read GET=read`);
  assert.match(wider.join('\n'), /^10: .* has "DELETE=read GET=read HEAD=read" in place of "GET=read HEAD=read"/);
  assert.match(
    told('git.example.com:80', 'evil.example.com:80').join('\n'),
    /^4: .*"evil\.example\.com:80" in place of/m,
  );
  const route = { match: [{ host: ['evil.example.com'] }], handle: [{ handler: 'static_response', body: 'hunter2' }] };
  const added = told('"routes":[', `"routes":[${JSON.stringify(route)},`).join('\n');
  assert.match(added, /has \{.*"host":\["evil\.example\.com"\].*"body":"<hidden:/);
  assert.match(told('10.0.0.0/8', '0.0.0.0/0').join('\n'), /^17: .*"0\.0\.0\.0\/0" in place of "10\.0\.0\.0\/8"/m);
});

caddy('what else Caddy runs is drift, unless it is proven to leave our traffic alone', async () => {
  const port = await freePort();
  const here = liveCase(caddySpec(port));
  process.env['PATH'] = `${dirname(engines.caddy.path)}${delimiter}${process.env['PATH']}`;
  const live = JSON.parse(await running(here, port));
  const { apps, logging } = live;
  const told = (change: object) => here.compare('caddy', JSON.stringify({ ...live, ...change }));
  const withApp = (name: string) => told({ apps: { ...apps, [name]: {} } });
  const withServer = (...listen: string[]) => {
    const server = { listen, routes: [{ handle: [{ handler: 'static_response', body: 'hello' }] }] };
    return told({ apps: { ...apps, http: { ...apps.http, servers: { ...apps.http.servers, other: server } } } });
  };
  const withLog = (log: object) => told({ logging: { logs: { ...logging.logs, other: log } } });
  for (const { drift, foreign } of [
    withServer(`127.0.0.1:${port}`),
    withServer(`:${port}`),
    withServer(`tcp4/0.0.0.0:${port}`),
    withServer(`[::]:${port}`),
    withServer(`localhost:${port}`),
    withServer(`127.0.0.1:${port - 2}-${port + 2}`),
    withServer('127.0.0.1:{env.PORT}'),
    withServer('127.0.0.1:1', `127.0.0.1:${port}`),
    withApp('layer4'),
    withLog({ writer: { output: 'stdout' } }),
    withLog({ include: ['http.log.access'] }),
    told({ storage: undefined }),
    told({ other: {} }),
  ]) {
    assert.equal(foreign, []);
    assert.is(drift.length, 1);
  }
  for (const { drift, foreign } of [
    withServer(`127.0.0.1:${port + 1}`),
    withServer(`127.0.0.2:${port}`),
    withServer('unix//run/other.sock'),
    withApp('pki'),
    withLog({ include: ['tls.cache'] }),
  ]) {
    assert.equal(drift, []);
    assert.is(foreign.length, 1);
  }
});

caddy('a table of keys that lets others in, and keys too many or too few', async () => {
  const port = await freePort();
  const here = liveCase(caddySpec(port, '  second: { key: [env:A, env:B], token: env:U }\n'));
  process.env['PATH'] = `${dirname(engines.caddy.path)}${delimiter}${process.env['PATH']}`;
  const live = await running(here, port);
  assert.equal(here.compare('caddy', live), IN_SYNC);
  const told = (from: string | RegExp, to: string) => {
    const changed = live.replace(from, () => to);
    assert.is.not(changed, live, String(from));
    const { drift, foreign } = here.compare('caddy', changed);
    for (const secret of [KEY, TOKEN]) assert.not.match(JSON.stringify([drift, foreign]), secret);
    return { drift, foreign };
  };
  const table = /"defaults":\[""\],"destinations":\["\{key[.]found\}"\]/;
  const row = `{"input":"=${KEY}","outputs":["reader first ${TOKEN}"]}`;
  for (const [from, to] of [
    [table, `"defaults":["reader first ${TOKEN}"],"destinations":["{key.found}"]`],
    [table, '"defaults":[""],"destinations":["{key.found}","{key.given}"]'],
    [row, `{"input_regexp":".*","outputs":["reader first ${TOKEN}"]}`],
    [row, `${row},{"input":"=","outputs":["reader first ${TOKEN}"]}`],
    [row, `${row},{"input":"=short","outputs":["reader first ${TOKEN}"]}`],
    [row, `${row},${row}`],
    [row, `{"input":"=${KEY}","input_regexp":".*","outputs":["reader first ${TOKEN}"]}`],
    ['"source":"={key.given}"', '"source":"={http.request.uri.query.key}"'],
  ] as const)
    assert.match(told(from, to).drift.join('\n'), /table of keys that is not as ours are/, String(to));
  const more = `{"input":"=${KEY}xyz","outputs":["reader first ${TOKEN}"]}`;
  assert.equal(told(row, `${row},${more}`).drift, ['8: live has 2 keys for "reader" in place of 1 [drift/changed]']);
  assert.equal(told(`${row},`, '').drift, ['8: live lacks a key for "reader" [drift/missing]']);
  assert.equal(told(/\{"input":"=[^"]+","outputs":\["second [^"]+"\]\},?/, '').drift.length, 1);
  const none = live.replace(/"mappings":\[(?:\{"input":"=[^{}]*\},?)+\]/, '"mappings":[]');
  assert.match(
    here.compare('caddy', none).problems.join(),
    /^8: live has no keys, so that everybody .* \[drift\/no-keys\]$/,
  );
  assert.equal(exceptKeys(here.compare('caddy', none)), IN_SYNC);
});

caddy('cannot tell', () => {
  const here = liveCase(caddySpec(8080));
  for (const [text, problem] of [
    ['', /empty/],
    ['null', /without any configuration/],
    ['{"apps":', /not whole JSON/],
    ['{"kind":"ConfigMap"}', /no "apps"/],
  ] as const) {
    const told = here.compare('caddy', text);
    assert.is(told.problems.length, 1);
    assert.match(told.problems[0] ?? '', problem);
  }
});
caddy('POSTERN_CADDY names the caddy that adapts our files, as everywhere else', () => {
  const { PATH } = process.env;
  try {
    for (const [program, problem] of [
      [engines.caddy.path, ''],
      ['/nowhere/caddy', 'only caddy can make that of a Caddyfile'],
    ] as const) {
      Object.assign(process.env, { PATH: '', POSTERN_CADDY: program });
      const { problems } = liveCase(caddySpec(8080)).compare('caddy', '{"apps":{}}');
      assert.match(problems.join(), problem);
      assert.is(problems.length, problem === '' ? 0 : 1);
    }
  } finally {
    process.env['PATH'] = PATH;
    delete process.env['POSTERN_CADDY'];
  }
});

caddy.run();

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? 1 : -1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
