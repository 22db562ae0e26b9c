import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { compile } from '../src/compile.ts';
import { engineSuite } from './engines/suite.ts';
import { inFolder } from './support/folder.ts';
import { startCoredns } from './targets/coredns/servers.ts';

const { test, engines } = await engineSuite('no value that a spec may hold keeps an engine from starting', [
  'nginx',
  'nginx-newest',
  'caddy',
  'coredns',
  'coredns-oldest',
]);

const UPSTREAMS = {
  'plain-443': 'url: "http://10.0.0.1:443"',
  'plain-pool-443': 'url: "http://10.0.0.1", servers: ["10.0.0.2:443", "10.0.0.3:80"]',
  'tls-80': 'url: "https://a.example.com:80", servers: ["10.0.0.1:80"]',
  'tls-pool-80': 'url: "https://a.example.com", servers: ["10.0.0.1:80", "10.0.0.2:443"]',
  'same-server-twice': 'url: "http://10.0.0.1", servers: ["10.0.0.2:8080", "10.0.0.2:8080"]',
  'long-waits': 'url: "http://10.0.0.1:8080", timeouts: { connect: 999999h, read: 999999h, send: 999999h }',
  'short-waits': 'url: "http://10.0.0.1:8080", timeouts: { connect: 1ms, read: 1ms, send: 1ms }',
} as const;

const label = 'a'.repeat(60);
const long = [label, label, label, label].join('.');

/** Each value at the ends of what a spec takes, and names that an engine knows as words of its own. */
const SPEC = `version: 1
name: edges
upstreams: { ${Object.entries(UPSTREAMS)
  .map(([id, text]) => `${id}: { ${text} }`)
  .join(', ')} }
routes:
${Object.keys(UPSTREAMS)
  .map((id) => `  via-${id}: { upstream: ${id}, auth: passthrough, allow: [GET /${id}] }`)
  .join('\n')}
  default: { upstream: long-waits, maxBody: 999999GB, allow: [POST /large, "GET /include", "GET /default", "GET /~"] }
  hostnames: { upstream: long-waits, maxBody: 1kB, headers: [X-A, x-a], allow: ["POST /small/{volatile:a|a|b}"] }
  ${'r'.repeat(63)}: { upstream: long-waits, maxBody: unlimited, allow: ["PUT /${'p'.repeat(900)}"] }
apiKeys:
  default: { key: env:A, token: env:B }
  ${'k'.repeat(63)}: { key: env:C, token: env:D, expires: 9999-12-31 }
proxies:
  ${'p'.repeat(63)}:
    listen: 8080
    hosts: [${long}, A.example.com, a.example.com.]
    ipRanges: [10.0.0.0/8, "2001:db8::/32", 10.0.0.1, "::1"]
    maxRequestHead: 999kB
  other: { listen: 65535, ipRanges: any, maxRequestHead: 8kB, clientIp: { trustedProxies: [10.0.0.0/8] } }
targets: { nginx: {}, caddy: {} }
`;

function writeAll(folder: string, files: readonly { path: string; text: string }[] = []): void {
  for (const { path, text } of [...files, { path: 'nginx/temp/.keep', text: '' }]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const ARGUMENTS = {
  nginx: (folder: string) => ['-t', '-p', `${folder}/nginx/`, '-c', 'nginx.conf', '-e', 'stderr'],
  'nginx-newest': (folder: string) => ['-t', '-p', `${folder}/nginx/`, '-c', 'nginx.conf', '-e', 'stderr'],
  caddy: (folder: string) => ['validate', '--adapter', 'caddyfile', '--config', `${folder}/caddy/Caddyfile`],
} as const;

for (const name of ['nginx', 'nginx-newest', 'caddy'] as const)
  test(`${name} starts with the ends of all ranges and with its own words as names`, () =>
    inFolder((folder) => {
      const { files, diagnostics } = compile(SPEC, { file: 'postern.yaml', read: () => undefined });
      assert.equal(
        diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message),
        [],
      );
      writeAll(folder, files);
      const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
      const cwd = `${folder}/${name === 'caddy' ? 'caddy' : 'nginx'}`;
      const { status, stderr } = spawnSync(engines[name].path, ARGUMENTS[name](folder), { cwd, env, encoding: 'utf8' });
      assert.is(status, 0, stderr);
    }));

const LONGEST = (letter: string) => `${[1, 2, 3].map(() => letter.repeat(63)).join('.')}.${letter.repeat(59)}.b`;

const namesWith = (options: string) => `version: 1
name: names
domainRewrites:
  - { from: "${LONGEST('a')}", to: b.example.com }
  - { from: x.example.com, to: "${LONGEST('c')}" }
  - { from: "*.wild.example.com", to: "*.wild.internal" }
  - { from: "*.one.example.com", to: ingress.internal }
  - { from: xn--bcher-kva.example, to: a-1.internal }
  - { from: rewrite, to: import }
  - { from: 0.example.com, to: a.b.c }
targets: { coredns: { forward: ["127.0.0.1:9"], ${options} } }
`;

for (const name of ['coredns', 'coredns-oldest'] as const) {
  const startWith = (options: string) => {
    const { files = [], diagnostics } = compile(namesWith(options), { file: 'postern.yaml', read: () => undefined });
    const text = files.find(({ path }) => path === 'coredns/Corefile')?.text ?? '';
    const start = async () => (await startCoredns(engines[name].path, text)).stop();
    return { said: diagnostics.map(({ code }) => code), start };
  };

  test(`${name} starts with the longest names and with its own words as names`, async () => {
    const { said, start } = startWith('bind: [127.0.0.1]');
    assert.equal(said, []);
    await start();
  });

  test(`${name} does not start with an address that is not there, which is said before`, async () => {
    const { said, start } = startWith('bind: [127.0.0.1, 203.0.113.9]');
    assert.equal(said, ['coredns/bind-all']);
    const problem = await start().catch(String);
    assert.match(problem ?? '', 'cannot assign requested address');
  });
}

test('caddy speaks TLS to port 80 where the spec says https, and none to port 443 where it says http', () =>
  inFolder((folder) => {
    const { files } = compile(SPEC, { file: 'postern.yaml', read: () => undefined });
    writeAll(folder, files);
    const args = ['adapt', '--adapter', 'caddyfile', '--config', 'Caddyfile'];
    const { stdout } = spawnSync(engines.caddy.path, args, { cwd: `${folder}/caddy`, encoding: 'utf8' });
    const found = new Map<string, boolean>();
    JSON.parse(stdout, (_, value) => {
      if (value?.handler === 'reverse_proxy')
        for (const { dial } of value.upstreams ?? []) found.set(dial, value.transport?.tls !== undefined);
      return value;
    });
    assert.equal(
      ['10.0.0.1:443', '10.0.0.3:80', '10.0.0.1:80', '10.0.0.2:8080'].map((dial) => found.get(dial)),
      [false, false, true, false],
    );
  }));

test.run();
