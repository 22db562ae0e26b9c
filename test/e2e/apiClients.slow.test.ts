import { readFile } from 'node:fs/promises';
import { Gitlab } from '@gitbeaker/rest';
import * as assert from 'uvu/assert';
import { startEngine } from '../../src/verify/engines.ts';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { freePort } from '../../src/verify/ports.ts';
import { accepts } from '../../src/verify/process.ts';
import { type Answer, type Recorded, type Recorder, startRecorder } from '../../src/verify/recorder.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { certificateFor } from '../engines/certificate.ts';
import { mustRun } from '../engines/run.ts';
import { engineSuite } from '../engines/suite.ts';
import { scoped } from '../support/scoped.ts';
import { proxyTarget } from '../verify/proxyTargets.ts';
import { type ProxyEngine, proxyEngines, writeGenerated } from './generated.ts';

const KEY = 'client-key-0123456789abcdef0123456789';
const TOKEN = 'glpat-upstream-0123456789';

const { test, engines } = await engineSuite('API clients', ['caddy', 'nginx', 'python-gitlab', 'openssl']);

/** Answers as GitLab does: the links of a page name the host that GitLab itself is configured with. */
function asGitlab({ target, method }: Recorded): Answer {
  const url = new URL(target, 'https://gitlab.example.com');
  if (method === 'GET' && url.pathname === '/api/v4/groups') return groups(url);
  // Matched before any decoding, because that is how GitLab tells this from a path with one more segment.
  if (target === '/api/v4/projects/grp%2Fapp') return { body: '{"id":7,"path_with_namespace":"grp/app"}' };
  return { status: 404, body: '{"message":"404 Not Found"}' };
}

function groups(url: URL): Answer {
  const page = Number(url.searchParams.get('page') ?? '1');
  const link = (to: number, rel: string) => {
    url.searchParams.set('page', String(to));
    return `<${url}>; rel="${rel}"`;
  };
  const links = [...(page < 3 ? [link(page + 1, 'next')] : []), link(1, 'first'), link(3, 'last')].join(', ');
  const body = JSON.stringify([2 * page - 1, 2 * page].map((id) => ({ id, name: `group-${id}` })));
  const fields: [string, string][] = [
    ['Link', links],
    ['X-Page', String(page)],
    ['X-Next-Page', page < 3 ? String(page + 1) : ''],
    ['X-Per-Page', '2'],
    ['X-Total', '6'],
    ['X-Total-Pages', '3'],
  ];
  return { fields, body };
}

interface World {
  readonly url: string;
  readonly gitlab: Recorder;
}

async function start(engine: ProxyEngine, scope: Scope): Promise<World> {
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  const { certFile, keyFile } = await certificateFor(['gitlab.example.com'], engines.openssl.path, folder);
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
  const gitlab = await startRecorder({ tls: { cert, key }, answer: asGitlab });
  scope.defer(() => gitlab.close());
  const port = await freePort();
  const spec = {
    upstreams: {
      gitlab: { url: 'https://gitlab.example.com', servers: [`127.0.0.1:${gitlab.port}`], tls: { caFile: certFile } },
    },
    routes: {
      read: { upstream: 'gitlab', allow: ['GET /api/v4/groups', 'GET /api/v4/projects/{project:encodedPath}'] },
    },
    apiKeys: { client: { key: 'env:POSTERN_KEY', token: 'env:POSTERN_TOKEN' } },
    proxies: { api: { listen: `127.0.0.1:${port}`, ipRanges: ['127.0.0.0/8'] } },
    targets: { [engine]: {} },
  };
  const generated = await writeGenerated(spec, { 'env:POSTERN_KEY': KEY, 'env:POSTERN_TOKEN': TOKEN }, scope);
  const ready = () => accepts(port);
  const server = await startEngine(proxyTarget(engine), {
    program: engines[engine].path,
    folder: generated.path,
    ready,
  });
  scope.defer(() => server.stop());
  return { url: `http://127.0.0.1:${port}`, gitlab };
}

/** Every request came by the proxy: with its token, and with nothing of the client's own. */
function assertProxied({ gitlab }: World, targets: readonly string[]): void {
  assert.equal(
    gitlab.requests.map(({ target }) => target.replace(/[?&](?!page=)[^&]*/g, '').replace('&', '?')),
    targets,
  );
  for (const request of gitlab.requests) {
    assert.is(request.field('private-token'), TOKEN);
    assert.is(request.field('host'), 'gitlab.example.com');
    assert.is(request.serverName, 'gitlab.example.com');
    assert.not.match(request.head, KEY);
  }
}

const python = `
import sys, gitlab
client = gitlab.Gitlab(sys.argv[1], private_token=sys.argv[2])
print([group.id for group in client.groups.list(iterator=True, per_page=2)])
if len(sys.argv) > 3: print(client.projects.get('grp/app').id)
`;

/** Where a client ends up that follows a link to GitLab itself. */
async function startOutside(scope: Scope): Promise<{ env: NodeJS.ProcessEnv; outside: Recorder }> {
  const outside = await startRecorder({ answer: { status: 502 } });
  scope.defer(() => outside.close());
  return { outside, env: { ...process.env, https_proxy: `http://127.0.0.1:${outside.port}`, no_proxy: '' } };
}

const pages = ['/api/v4/groups', '/api/v4/groups?page=2', '/api/v4/groups?page=3'];

for (const engine of proxyEngines) {
  test(
    `python-gitlab reads three pages through ${engine} and stays there`,
    scoped(async (scope) => {
      const world = await start(engine, scope);
      const { env, outside } = await startOutside(scope);
      const said = await mustRun(engines['python-gitlab'].path, ['-c', python, world.url, KEY, 'project'], { env });
      assert.is(said, '[1, 2, 3, 4, 5, 6]\n7\n');
      assert.equal(outside.requests, []);
      assertProxied(world, [...pages, '/api/v4/projects/grp%2Fapp']);
    }),
  );

  test(
    `gitbeaker reads three pages through ${engine} and stays there`,
    scoped(async (scope) => {
      const world = await start(engine, scope);
      const asked: string[] = [];
      const { fetch } = globalThis;
      globalThis.fetch = (input, init) => {
        asked.push(new URL(input instanceof Request ? input.url : input).origin);
        return fetch(input, init);
      };
      scope.defer(async () => {
        globalThis.fetch = fetch;
      });
      const client = new Gitlab({ host: world.url, token: KEY });
      assert.equal(
        (await client.Groups.all({ perPage: 2 })).map(({ id }) => id),
        [1, 2, 3, 4, 5, 6],
      );
      assert.is((await client.Projects.show('grp/app')).id, 7);
      assert.equal(asked, Array(4).fill(world.url));
      assertProxied(world, [...pages, '/api/v4/projects/grp%2Fapp']);
    }),
  );
}

test(
  'python-gitlab leaves a server whose links were not mapped, so staying is not its own doing',
  scoped(async (scope) => {
    const { env, outside } = await startOutside(scope);
    const server = await startRecorder({ answer: asGitlab });
    scope.defer(() => server.close());
    const leaving = mustRun(engines['python-gitlab'].path, ['-c', python, `http://127.0.0.1:${server.port}`, KEY], {
      env,
    });
    assert.instance(await leaving.catch((error: unknown) => error), Error);
    assert.is(outside.requests[0]?.target, 'gitlab.example.com:443');
  }),
);

test.run();
