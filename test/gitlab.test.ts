import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { compile } from '../src/compile.ts';
import { type EngineRun, startEngineRun } from '../src/verify/engineRun.ts';
import { fieldOf } from '../src/verify/http1.ts';
import { randomOf } from '../src/verify/random.ts';
import { type Connection, openConnection, type RawResponse } from '../src/verify/raw.ts';
import { openScope, type Scope } from '../src/verify/scope.ts';
import { ARRIVAL_HEADER, type Arrival } from '../src/verify/upstreams.ts';
import { engineSuite } from './engines/suite.ts';
import { EXPOSED, gitlabOperations, INTENDED, nameOf, targetOf } from './support/gitlab.ts';
import { proxyTarget } from './verify/proxyTargets.ts';

const { test, engines } = await engineSuite('gitlab through the example', ['nginx', 'caddy']);
const file = fileURLToPath(new URL('../examples/gitlab-proxy/postern.yaml', import.meta.url));

interface Client {
  readonly run: EngineRun;
  readonly key: string;
  /** Sends one request as the partner does; `fields` replace or, where undefined, leave out what it sends. */
  ask(
    line: string,
    fields?: Readonly<Record<string, string | undefined>>,
  ): Promise<{ response: RawResponse; arrival: Arrival | undefined }>;
}

async function start(engine: 'nginx' | 'caddy', scope: Scope): Promise<Client> {
  const { policy, diagnostics } = compile(readFileSync(file, 'utf8'), {
    file: 'postern.yaml',
    read: () => undefined,
  });
  if (!policy) throw new Error(JSON.stringify(diagnostics));
  const program = engines[engine].path;
  const started = await startEngineRun(
    { program, target: proxyTarget(engine), options: {}, policy, read: () => undefined, random: randomOf('gitlab') },
    scope,
  );
  if (!('run' in started)) throw new Error(JSON.stringify(started.diagnostics));
  const { run } = started;
  const port = run.policy.proxies.find(({ id }) => id === 'api')?.listen.port ?? 0;
  const key = run.secrets.keysOf('echoes')[0] ?? '';
  let connection: Connection | undefined;
  scope.defer(async () => connection?.close());
  const ask: Client['ask'] = async (line, fields = {}) => {
    if (!connection?.open) connection = await openConnection({ port });
    const all = { Host: 'proxy.example.com', 'PRIVATE-TOKEN': key, 'X-Forwarded-For': '34.91.37.106', ...fields };
    const head = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}\r\n`));
    const response = await connection.send(`${line} HTTP/1.1\r\n${head.join('')}\r\n`);
    // nginx ends a connection after a thousand requests, and says so.
    if (response.field('connection') === 'close') connection = undefined;
    return { response, arrival: run.upstreams.claim(response.field(ARRIVAL_HEADER) ?? '') };
  };
  return { run, key, ask };
}

async function withClient(engine: 'nginx' | 'caddy', check: (client: Client) => Promise<void>): Promise<void> {
  const scope = openScope();
  try {
    const client = await start(engine, scope);
    await check(client);
    await client.run.server.stop();
    assert.is(await client.run.leak(), undefined, 'the engine wrote a secret into a log');
  } finally {
    await scope.close();
  }
}

function checkArrival({ run, key }: Client, line: string, { request }: Arrival): void {
  const token = run.secrets.tokenOf('echoes');
  assert.is(`${request.method} ${request.target}`, line);
  assert.is(fieldOf(request.fields, 'PRIVATE-TOKEN'), token);
  assert.not.ok(request.head.includes(key), 'the upstream got the key of the client');
  assert.is(fieldOf(request.fields, 'Host'), 'gitlab.com');
}

for (const engine of ['nginx', 'caddy'] as const) {
  test(`${engine}: of all operations of GitLab the intended ones get through, and nothing else`, () =>
    withClient(engine, async (client) => {
      const intended = new Set(INTENDED.map(nameOf));
      const { operations } = gitlabOperations();
      assert.ok(operations.length >= 200);
      const passed: string[] = [];
      for (const operation of operations) {
        const line = `${operation.method} ${targetOf(operation)}`;
        const { response, arrival } = await client.ask(line);
        if (arrival) {
          passed.push(nameOf(operation));
          checkArrival(client, line, arrival);
        } else assert.is(response.status, 404, line);
      }
      assert.equal(passed.sort(), [...intended].sort());
      for (const line of EXPOSED) {
        const { response, arrival } = await client.ask(line);
        assert.is(arrival, undefined, `${line} reached the upstream`);
        assert.is(response.status, 404, line);
      }
      assert.is(client.run.upstreams.unclaimed.size, 0, 'something reached the upstream without an answer');
    }));

  test(`${engine}: every refusal has its status, a JSON body and the proxy's own header`, () =>
    withClient(engine, async (client) => {
      const group = 'GET /api/v4/groups/42';
      const refusals: readonly [line: string, fields: Readonly<Record<string, string | undefined>>, status: number][] =
        [
          [group, { 'PRIVATE-TOKEN': undefined }, 401],
          [group, { 'PRIVATE-TOKEN': 'too-short' }, 401],
          [group, { 'PRIVATE-TOKEN': 'not-a-key-that-anybody-knows' }, 403],
          [group, { 'PRIVATE-TOKEN': swapCase(client.key) }, 403],
          [group, { 'PRIVATE-TOKEN': `${client.key}x` }, 403],
          [group, { 'X-Forwarded-For': '203.0.113.7' }, 403],
          [group, { 'X-Forwarded-For': '34.91.37.106, 203.0.113.7' }, 403],
          ['GET /api/v4/projects/1/variables', {}, 404],
          ['GET /api/v4/groups/42/', {}, 404],
          ['GET /api/v4/groups/a%2F..%2Fb', {}, 404],
          ['PATCH /api/v4/groups/42', {}, 404],
          [`${group}?private_token=x`, {}, 400],
        ];
      for (const [line, fields, status] of refusals) {
        const { response, arrival } = await client.ask(line, fields);
        assert.is(arrival, undefined, `${line} reached the upstream`);
        assert.is(response.status, status, line);
        assert.is(JSON.parse(response.text()).status, status);
        assert.match(response.field('content-type') ?? '', /^application\/json/);
        assert.is(response.field('X-Echoes-GitLab-Proxy-Version'), '0.6.0');
        assert.is(response.field('Allow'), undefined);
      }
    }));

  test(`${engine}: what passes passes unchanged, and the root is answered by the proxy`, () =>
    withClient(engine, async (client) => {
      for (const line of [
        'GET /api/v4/projects/group%2Fproject',
        'GET /api/v4/groups/a%2fb/members/all?per_page=100&page=2',
        'HEAD /api/v4/groups',
      ]) {
        const { arrival } = await client.ask(line);
        assert.ok(arrival, `${line} did not reach the upstream`);
        if (arrival) checkArrival(client, line, arrival);
      }
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
        for (const fields of [
          {},
          { 'PRIVATE-TOKEN': undefined },
          { 'PRIVATE-TOKEN': 'not-a-key-that-anybody-knows' },
        ]) {
          const { response, arrival } = await client.ask(`${method} /api/v4/`, fields);
          assert.is(arrival, undefined);
          assert.is(response.status, 200, method);
          assert.is(response.field('X-Echoes-GitLab-Proxy-Version'), '0.6.0');
        }
      }
      const elsewhere = { 'X-Forwarded-For': '203.0.113.7' };
      assert.is((await client.ask('GET /api/v4/', elsewhere)).response.status, 403);
    }));

  test(`${engine}: a monitor hears of each known path that other methods are not there, and of the root that it is`, () =>
    withClient(engine, async ({ ask }) => {
      for (const path of ['groups/42', 'user', 'projects/a%2Fb', 'namespaces?page=2']) {
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'FROB']) {
          const { response, arrival } = await ask(`${method} /api/v4/${path}`);
          const told = [
            arrival,
            response.status,
            response.field('Allow'),
            response.field('X-Echoes-GitLab-Proxy-Version'),
          ];
          assert.equal(told, [undefined, 404, undefined, '0.6.0'], `${method} ${path}`);
        }
      }
      // HEAD says what GET would, without a body; a body that is sent to the root disturbs nothing that comes after it.
      const head = await ask('HEAD /api/v4/variables');
      assert.equal([head.response.status, head.response.text(), head.arrival], [404, '', undefined]);
      for (const line of ['HEAD /api/v4/', 'GET /api/v4/?', 'GET /api/v4/?page=1', 'OPTIONS /api/v4/?a=b'])
        assert.is((await ask(line, { 'PRIVATE-TOKEN': undefined })).response.status, 200, line);
      const withBody = await ask('POST /api/v4/', { 'Content-Type': 'text/plain', 'Content-Length': '0' });
      assert.is(withBody.response.status, 200);
      assert.ok((await ask('GET /api/v4/user')).arrival);
      for (const path of ['/api/v4', '/api/v4//', '//api/v4/', '/api/v4/.', '/api/v4/%2e', '/API/v4/'])
        assert.is((await ask(`GET ${path}`)).response.status, 404, path);
      for (const path of ['/api/v4', '/nothing', '/api/v4/groups/42'])
        assert.is((await ask(`PUT ${path}`, { 'PRIVATE-TOKEN': undefined })).response.status, 401, path);
    }));
}

function swapCase(text: string): string {
  return [...text]
    .map((character) => (character === character.toUpperCase() ? character.toLowerCase() : character.toUpperCase()))
    .join('');
}

test.run();
