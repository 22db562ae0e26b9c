import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../src/verify/folder.ts';
import { engineSuite } from './engines/suite.ts';
import { entry } from './support/cli.ts';

const folder = await temporaryFolder();
const spec = `version: 1
name: verify
upstreams: { gitlab: { url: https://gitlab.example.com } }
routes: { read: { upstream: gitlab, allow: [GET /api/v4/groups] } }
apiKeys: { caller: { key: env:KEY, token: env:TOKEN } }
proxies: { api: { listen: 8080, ipRanges: [10.0.0.0/8] } }
domainRewrites: [{ from: gitlab.example.com, to: gitlab.privatelink.example.com }]
targets: { caddy: {}, coredns: {} }
`;

function verify(text: string, words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const file = join(folder.path, 'postern.yaml');
  mkdirSync(folder.path, { recursive: true });
  writeFileSync(file, text);
  const { status, stdout, stderr } = spawnSync(process.execPath, [...entry, 'verify', file, ...words], {
    encoding: 'utf8',
    env: { PATH: '/nonexistent', TMPDIR: folder.path, ...env },
  });
  return { status, stdout, stderr };
}

const { test, engines } = await engineSuite('postern verify', ['caddy', 'coredns']);
const found = () => ({
  PATH: process.env['PATH'],
  POSTERN_CADDY: engines.caddy.path,
  POSTERN_COREDNS: engines.coredns.path,
});

test('what the engines of this machine enforce is compared, and counted', () => {
  const { status, stdout, stderr } = verify(spec, ['--requests', '500', '--format', 'json'], found());
  assert.is(status, 0, stdout + stderr);
  const { engines: counts, diagnostics } = JSON.parse(stdout);
  // What Caddy cannot do, whatever it is told.
  assert.equal(
    diagnostics.map(({ code }: { code: string }) => code),
    ['verify/engine-limit'],
  );
  assert.equal(
    counts.map(({ name, disagreements }: { name: string; disagreements: number }) => [name, disagreements]),
    [
      ['caddy', 0],
      ['coredns', 0],
    ],
  );
  assert.is(counts[0].requests, 500);
  assert.ok(counts[1].requests > 300);
});

test('what is rendered and not put to the test is said', () => {
  // Nothing here has a certificate for another public name than the upstream's own.
  const sites = spec.replace(
    'from: gitlab.example.com, to: gitlab.privatelink.example.com }]',
    'from: git.example.com, to: gitlab.privatelink.example.com, upstream: gitlab }]',
  );
  const { status, stdout } = verify(sites, ['--engine', 'caddy', '--requests', '50'], found());
  assert.is(status, 0, stdout);
  assert.match(
    stdout,
    /:7:1.*: warning: caddy: the site of a domain rewrite was not put to the test \[verify\/untried-sites\]/,
  );
});

test('one engine can be named', () => {
  const { status, stdout } = verify(spec, ['--engine', 'coredns', '--requests', '50', '--seed', 'x'], found());
  assert.is(status, 0);
  assert.match(stdout, /^coredns: \d+ requests, 0 disagreements \(seed x\)\n$/);
});

test('an engine that was asked for and is not there is an error', () => {
  const { status, stdout, stderr } = verify(spec, ['--engine', 'caddy']);
  assert.is(status, 2);
  assert.is(stdout, '');
  assert.match(stderr, /error: caddy was not found on this machine \[verify\/engine-missing\]/);
  assert.match(stderr, /hint: .*POSTERN_CADDY/);
});

test('an engine of the spec that is not there leaves the answer open, whatever the others do', () => {
  const { POSTERN_CADDY: _, ...coredns } = found();
  const { status, stdout, stderr } = verify(spec, ['--requests', '50'], coredns);
  assert.is(status, 2);
  assert.match(stdout, /^coredns: \d+ requests, 0 disagreements/m);
  assert.match(
    stdout + stderr,
    /hint: put caddy on PATH or its path into POSTERN_CADDY, or ask .*: --engine coredns$/m,
  );
});

test('a word that is no engine is an error that lists them', () => {
  const { status, stderr } = verify(spec, ['--engine', 'caddy,apache'], found());
  assert.is(status, 2);
  assert.match(stderr, /no engine is called "apache" \[verify\/unknown-engine\]/);
  assert.match(stderr, /hint: it can be caddy, coredns, nginx/);
});

test('no engine at all is an error', () => {
  const { status, stderr } = verify(spec, []);
  assert.is(status, 2);
  assert.match(stderr, /none of the engines was found on this machine: caddy, coredns \[verify\/no-engine\]/);
});

test('an engine that does not start is an error, not a finding', () => {
  const { status, stdout } = verify(spec, ['--engine', 'caddy'], { POSTERN_CADDY: '/bin/false' });
  assert.is(status, 2);
  assert.match(
    stdout,
    /caddy could not be verified: \/bin\/false ended \(1\) before it was ready \[verify\/engine-failed\]/,
  );
});

test('a closed terminal, too, ends everything that was started', async () => {
  const file = join(folder.path, 'postern.yaml');
  writeFileSync(file, spec);
  const own = mkdtempSync(join(folder.path, 'own-'));
  const args = [...entry, 'verify', file, '--engine', 'caddy', '--requests', '20000'];
  const child = spawn(process.execPath, args, {
    env: { ...found(), TMPDIR: own },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await once(child.stderr, 'data');
  child.kill('SIGHUP');
  assert.equal(await once(child, 'exit'), [129, null]);
  assert.equal(
    readdirSync(own).filter((name) => !/^(?:postern-ports-|tsx-|node-compile-cache)/.test(name)),
    [],
  );
});

test('a spec that is not valid is told before anything starts', () => {
  const { status, stderr } = verify(spec.replace('upstream: gitlab', 'upstream: github'), [], found());
  assert.is(status, 2);
  assert.match(stderr, /github/);
});

test.after(() => folder.remove());
test.run();
