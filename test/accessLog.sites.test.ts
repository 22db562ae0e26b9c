import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { freePorts } from '../src/verify/ports.ts';
import { openConnection } from '../src/verify/raw.ts';
import { startRecorder } from '../src/verify/recorder.ts';
import type { Scope } from '../src/verify/scope.ts';
import { engineSuite } from './engines/suite.ts';
import { policyOf } from './support/policy.ts';
import { scoped } from './support/scoped.ts';
import { runCaddy } from './targets/caddy/engine.ts';
import { runNginx } from './targets/nginx/engine.ts';

const { test, engines } = await engineSuite('access log of sites', ['nginx', 'caddy']);

type Line = Readonly<Record<string, unknown>>;

const ASKED = [
  'GET /a?b=c HTTP/1.1\r\nHost: private.example.com',
  'GET /a%2Fb/c?private_token=hidden HTTP/1.1\r\nHost: public.example.com',
  'HEAD /a HTTP/1.1\r\nHost: private.example.com',
  'PROPFIND /a HTTP/1.1\r\nHost: private.example.com',
  'GET /a HTTP/1.1\r\nHost: private.example.com.',
  'GET /a HTTP/1.1\r\nHost: PRIVATE.example.com:8443',
  'GET /a HTTP/1.1\r\nHost: elsewhere.example.com',
  'GET /a/hidden-key-in-a-wrong-place/b HTTP/1.1\r\nHost: elsewhere.example.com',
  'TRACE /a HTTP/1.1\r\nHost: private.example.com',
  'GET /a HTTP/1.1\r\nHost: private.example.com\r\nX-Postern-Site: test',
  'GET /down HTTP/1.1\r\nHost: private.example.com',
  'GET /a HTTP/1.1\r\nHost: dead.internal.example.com',
];

async function sitesPolicy(scope: Scope) {
  const recorder = await startRecorder({
    answer: ({ target }) => ({ status: target.startsWith('/down') ? 502 : 200, body: 'hello' }),
  });
  scope.defer(() => recorder.close());
  const [dead = 0] = await freePorts(1);
  return policyOf({
    name: 'test',
    upstreams: {
      up: { url: 'http://public.example.com', servers: [`127.0.0.1:${recorder.port}`] },
      dead: { url: 'http://dead.example.com', servers: [`127.0.0.1:${dead}`] },
    },
    domainRewrites: [
      { from: 'public.example.com', to: 'private.example.com', upstream: 'up' },
      { from: 'dead.example.com', to: 'dead.internal.example.com', upstream: 'dead' },
    ],
  });
}

/** Sends each on a connection of its own. */
async function ask(port: number) {
  const responses = [];
  for (const head of ASKED) {
    const connection = await openConnection({ port });
    responses.push(await connection.send(`${head}\r\n\r\n`));
    connection.close();
  }
  return responses;
}

const alike = ({ time: _t, id: _i, duration: _d, upstreamTime, upstream, ...line }: Line) => ({
  ...line,
  size: line['reason'] === '' ? line['size'] : null,
  upstream: String(upstream).replace(/:\d+$/, ''),
  upstreamTime: upstreamTime === null ? null : 'some',
});

const about = ({ method, path, status, route, reason }: Line) => [method, path, status, route, reason].join(' ');
const sorted = (lines: readonly Line[]) => [...lines].sort((a, b) => (about(a) < about(b) ? -1 : 1));

test(
  'sites say the same of every request on both engines, and errors the id of their line',
  scoped(async (scope) => {
    const policy = await sitesPolicy(scope);
    const [port = 0, other = 0] = await freePorts(2);
    const sites = (listen: number) => ({ sites: { listen, tls: 'inFront' } });
    const onNginx = await runNginx(
      { policy, program: engines.nginx.path, options: { ...sites(port), workerProcesses: 1 }, ports: [port] },
      scope,
    );
    const onCaddy = await runCaddy(
      { policy, program: engines.caddy.path, options: sites(other), ports: [other] },
      scope,
    );
    const answers = { nginx: await ask(port), caddy: await ask(other) };
    const nginx = await onNginx.log();
    await onCaddy.server.stop();
    const text = await readFile(join(onCaddy.folder, 'caddy/access.log'), 'utf8');
    const caddy = text
      .trimEnd()
      .split('\n')
      .map((line): Line => JSON.parse(line));
    assert.equal(
      answers.caddy.map(({ status }) => status),
      answers.nginx.map(({ status }) => status),
    );
    // An engine writes a line when the client has its answer already, so that two lines may change places.
    assert.equal(sorted(caddy.map(alike)), sorted(nginx.map(alike)));
    assert.not.match(JSON.stringify([nginx, caddy]), /hidden/);
    for (const [engine, lines] of Object.entries({ nginx, caddy }))
      for (const [index, response] of answers[engine as keyof typeof answers].entries()) {
        if (response.body.length === 0 || response.text() === 'hello') continue;
        const line = lines.find(({ id }) => id === JSON.parse(response.text()).id);
        assert.is(line?.['status'], response.status, `${engine}: ${ASKED[index]}`);
      }
  }),
);

test.run();
