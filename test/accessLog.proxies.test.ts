import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { nginx } from '../src/targets/nginx/index.ts';
import { freePorts } from '../src/verify/ports.ts';
import { openConnection } from '../src/verify/raw.ts';
import { startRecorder } from '../src/verify/recorder.ts';
import type { Scope } from '../src/verify/scope.ts';
import { engineSuite } from './engines/suite.ts';
import { policyOf } from './support/policy.ts';
import { scoped } from './support/scoped.ts';
import { runCaddy } from './targets/caddy/engine.ts';
import { runNginx } from './targets/nginx/engine.ts';

const { test, engines } = await engineSuite('access log of many proxies', ['nginx', 'caddy']);

const KEY = 'key-of-echoes-0123456789-AbCd';
const TOKEN = 'the-token-of-echoes';
const values = new Map([
  ['env:K', KEY],
  ['env:T', TOKEN],
]);

/** Routes of the proxies with a port of their own; two more share one. */
const ROUTES: Readonly<Record<string, readonly string[]>> = {
  api: ['read', 'dead'],
  tls: ['dead-tls'],
  both: ['read', 'dead', 'dead-tls'],
};
/** What one of the two answers by itself, with statuses that failures and refusals have too. */
const ANSWERED = {
  '/gone': 404,
  '/no': 403,
  '/much': 429,
  '/slow': 408,
  '/wrong': 500,
  '/away': 502,
  '/busy': 503,
  '/late': 504,
};
type Names = readonly (keyof typeof ROUTES)[];

async function specFor(ports: readonly number[], names: Names, scope: Scope): Promise<object> {
  const recorder = await startRecorder({ answer: { body: 'hello' } });
  scope.defer(() => recorder.close());
  const [dead = 0] = await freePorts(1);
  const answer = Object.entries(ANSWERED).map(([path, status]) => ({ request: `GET ${path}`, status }));
  const alone = names.map((name, index) => [
    name,
    { ipRanges: ['127.0.0.1'], routes: ROUTES[name], listen: `127.0.0.1:${ports[index]}` },
  ]);
  // Outside of quotes, Caddy takes these for a number and a truth.
  const named = ['inf', 't'].map((name) => [
    name,
    {
      ipRanges: ['127.0.0.1'],
      routes: ['read'],
      listen: `127.0.0.1:${ports.at(-1)}`,
      hosts: [`${name}.example.com`],
      ...(name === 'inf' && { answer }),
    },
  ]);
  return {
    upstreams: {
      up: { url: 'http://up.example.com', servers: [`127.0.0.1:${recorder.port}`] },
      dead: { url: `http://127.0.0.1:${dead}` },
      'dead-tls': { url: 'https://dead.example.com', servers: [`127.0.0.1:${dead}`] },
    },
    routes: {
      read: { upstream: 'up', allow: ['GET /a'] },
      dead: { upstream: 'dead', allow: ['GET /dead'] },
      'dead-tls': { upstream: 'dead-tls', allow: ['GET /dead/tls'] },
    },
    apiKeys: { echoes: { key: 'env:K', token: 'env:T' } },
    proxies: Object.fromEntries([...alone, ...named]),
    domainRewrites: [{ from: 'up.example.com', to: 'private.example.com', upstream: 'up' }],
  };
}

type Line = Readonly<Record<string, unknown>>;

interface Started {
  readonly folder: string;
  readonly site: number;
  readonly others: readonly number[];
  /** Ends the engine, which has written every line then. */
  log(): Promise<readonly Line[]>;
}

async function start(engine: 'nginx' | 'caddy', names: Names, scope: Scope): Promise<Started> {
  const ports = await freePorts(names.length + 2);
  const [site = 0, ...others] = ports;
  const policy = policyOf(await specFor(others, names, scope));
  const options = { sites: { listen: site, tls: 'inFront' } };
  const input = { policy, program: engines[engine].path, values, ports };
  if (engine === 'nginx') {
    const running = await runNginx({ ...input, options: { ...options, workerProcesses: 1 } }, scope);
    return { ...running, site, others };
  }
  const { folder, server } = await runCaddy({ ...input, options }, scope);
  const log = async () => {
    await server.stop();
    const text = await readFile(join(folder, 'caddy/access.log'), 'utf8');
    return text
      .trimEnd()
      .split('\n')
      .map((line): Line => JSON.parse(line));
  };
  return { folder, site, others, log };
}

async function ask(port: number, host: string, target: string): Promise<void> {
  const connection = await openConnection({ port });
  await connection.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nPRIVATE-TOKEN: ${KEY}\r\n\r\n`);
  connection.close();
}

for (const engine of ['nginx', 'caddy'] as const)
  test(
    `${engine}: every proxy and site writes its lines, once each, with the same fields, into one file`,
    scoped(async (scope) => {
      const { log, site, others } = await start(engine, ['api', 'tls', 'both'], scope);
      const [api = 0, tls = 0, both = 0, shared = 0] = others;
      const overTls = engine === 'nginx' ? 'upstream-unreachable' : 'upstream-refused';
      const asked: readonly (readonly [port: number, host: string, target: string, line: string])[] = [
        [api, 'api.example.com', '/a?private_token=x', 'api /a 400 query'],
        [api, 'api.example.com', '/a', 'api /a 200 '],
        [api, 'api.example.com', '/dead', 'api /dead 502 upstream-refused'],
        [tls, 'api.example.com', '/a', 'tls /a 404 path'],
        [tls, 'api.example.com', '/dead/tls', `tls /dead/tls 502 ${overTls}`],
        [both, 'api.example.com', '/a', 'both /a 200 '],
        [both, 'api.example.com', '/dead', 'both /dead 502 upstream-refused'],
        [both, 'api.example.com', '/dead/tls', `both /dead/tls 502 ${overTls}`],
        [shared, 'inf.example.com', '/a', 'inf /a 200 '],
        ...Object.entries(ANSWERED).flatMap(([path, status]) => [
          [shared, 'inf.example.com', path, `inf ${path} ${status} `] as const,
          [shared, 't.example.com', path, `t ${path} 404 path`] as const,
        ]),
        [site, 'private.example.com', '/a', ' /a 200 '],
        [site, 'nobody.example.com', '/a', ' /a 421 misdirected'],
      ];
      for (const [port, host, target] of asked) await ask(port, host, target);
      const lines = await log();
      const [first = [], ...fields] = lines.map((line) => Object.keys(line).sort());
      for (const each of fields) assert.equal(each, first);
      assert.equal(
        lines.map(({ proxy, path, status, reason }) => `${proxy} ${path} ${status} ${reason}`).sort(),
        asked.map(([, , , line]) => line).sort(),
      );
      assert.is(new Set(lines.map(({ id }) => id)).size, asked.length);
      for (const secret of [KEY, TOKEN, 'private_token']) assert.not.match(JSON.stringify(lines), secret);
    }),
  );

type Logs = Readonly<Record<string, object>>;

/** Caddy's logs, as a file of somebody else has them that imports ours above a site of its own. */
async function logsOf(names: Names, own: string, scope: Scope): Promise<Logs> {
  const folder = join((await start('caddy', names, scope)).folder, 'caddy');
  await writeFile(join(folder, 'Whole'), `import Caddyfile\nhttp://:1 {\n${own}\n}\n`);
  const args = ['adapt', '--adapter', 'caddyfile', '--config', 'Whole'];
  const adapted = await promisify(execFile)(engines.caddy.path, args, { cwd: folder });
  return JSON.parse(adapted.stdout).logging.logs;
}

test(
  'caddy: a proxy more is no log more, since each request pays for every log of the process',
  scoped(async (scope) => {
    for (const names of [['api'], ['api', 'tls', 'both']] as const)
      assert.equal(Object.keys(await logsOf(names, '', scope)).sort(), ['default', 'postern_access']);
  }),
);

test(
  'caddy: the log of a site of somebody else does not take the place of ours, where keys are in no line',
  scoped(async (scope) => {
    const usual = ['', 'access', 'access_log', 'proxy', 'postern', 'api', 'tls', 'log0'];
    for (const name of usual) {
      const {
        default: ofProcess,
        postern_access: ours,
        ...theirs
      } = await logsOf(['api'], `log ${name} {\noutput file own.log\n}`, scope);
      assert.match(JSON.stringify(ours), /"filename":"access\.log".*"request":\{"filter":"delete"\}/);
      assert.match(JSON.stringify(ofProcess), /"exclude":\[.*"http\.log\.access\.postern_access"/);
      assert.equal(Object.keys(theirs), [name || 'log0']);
    }
  }),
);

test(
  'nginx: a proxy more has one table of its own for its log and none for answers, since each request pays for all tables',
  scoped(async (scope) => {
    const policy = policyOf(await specFor([8080, 8081, 8082], ['api', 'tls'], scope));
    const { value: files } = nginx.emit({
      policy,
      options: nginx.options.parse({ sites: { listen: 8083, tls: 'inFront' } }),
      at: ['targets', 'nginx'],
      read: () => undefined,
    });
    const tables = (files ?? [])
      .filter(({ path }) => /^nginx\/tls[.]/.test(path))
      .flatMap(({ text }) => [...text.matchAll(/^(?:map|geo) .* \$(\w+) \{/gm)])
      .map(([, name = '']) => name);
    assert.equal(
      tables.filter((name) =>
        /_(?:log|url|next|location|link|origin)(?:_|$)/.test(name.replace('_verdict_location', '')),
      ),
      ['tls_log_path'],
    );
  }),
);

test.run();
