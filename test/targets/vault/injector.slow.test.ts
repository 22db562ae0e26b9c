import { chmodSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { freePort } from '../../../src/verify/ports.ts';
import { accepts, type Server, startServer } from '../../../src/verify/process.ts';
import { startRecorder } from '../../../src/verify/recorder.ts';
import { mustRun } from '../../engines/run.ts';
import { engineSuite } from '../../engines/suite.ts';
import { OWN_USER } from '../../engines/table.ts';
import { type Plugged, startBaoWithPlugin } from '../../secrets/plugged.ts';
import { allowAccounts, jwtOf, type Reviewer, startReviewer } from '../../secrets/reviewer.ts';
import { scoped } from '../../support/scoped.ts';
import { inWorkspace, type Workspace } from '../../support/workspace.ts';
import { proxyTarget } from '../../verify/proxyTargets.ts';
import { agentOf, annotationsIn } from './injected.ts';

const names = ['openbao', 'nginx', 'caddy', 'namespaces'] as const;
const { test, engines } = await engineSuite('the Agent that the injector makes of the annotations', names);
const KEY = 'kV3yMuch-Random_and.Not~Guessed+0';
let vault: Plugged;
let reviewer: Reviewer;
test.before(async () => {
  vault = await startBaoWithPlugin(engines.openbao.path);
  reviewer = await startReviewer();
  await vault.bao('kv', 'put', '-mount=secret', 'partner', `key=${KEY}`);
  await inWorkspace(({ path }) => allowAccounts(vault, reviewer, path));
});
test.after(async () => {
  await reviewer.stop();
  await vault.stop();
});

interface Given {
  readonly engine: 'nginx' | 'caddy';
  readonly port: number;
  readonly upstream: number;
  readonly folder: string;
}

const specFor = ({ engine, port, upstream, folder }: Given) => `version: 1
name: injected
upstreams: { gitlab: { url: "http://127.0.0.1:${upstream}" } }
routes: { read: { upstream: gitlab, allow: [GET /api/v4/user] } }
apiKeys: { partner: { key: "vault:secret/partner#key", token: "vault:gitlab/token/partner#token" } }
vault:
  gitlab:
    configs: { main: { url: "${vault.gitlab}", type: self-managed } }
    roles:
      partner: { config: main, type: group, path: partners, name: "{{ .role_name }}-{{ .unix_timestamp_utc }}", accessLevel: reporter, scopes: [read_api], ttl: 1h }
proxies: { api: { listen: "127.0.0.1:${port}", ipRanges: [127.0.0.1] } }
targets:
  ${engine}: {}
  vault:
    address: ${vault.url}
    stores: { secret: 2 }
    login: { kubernetes: { serviceAccount: postern, namespace: access } }
    injector: { ${engine}: ${folder} }
`;

const issue = (token: string) => vault.issues('partner', token, 2);

/** Generates, and lets the service account log in with what was generated. */
async function prepare({ run, read, write, path }: Workspace, given: Given): Promise<Readonly<Record<string, string>>> {
  write('postern.yaml', specFor(given));
  const { status, stderr } = await run('generate');
  assert.is(status, 0, stderr);
  const env = { PATH: process.env['PATH'], ...vault.env, VAULT: engines.openbao.path };
  const bao = { BAO_ADDR: vault.url, BAO_TOKEN: vault.env['VAULT_TOKEN'] };
  await vault.write('gitlab/config/main', JSON.parse(read('generated/vault/config/gitlab/main.json')));
  await mustRun('sh', [join(path, 'generated/vault/apply.sh')], { env: { ...env, ...bao } });
  write('jwt', jwtOf('access', 'postern'));
  return annotationsIn(readFileSync(join(path, `generated/vault/injector-${given.engine}.yaml`), 'utf8'));
}

/**
 * Returns a program that bears the engine's name as a process. The tests' own nginx is started by the loader of the
 * libraries that it was unpacked with, whose name the process would have.
 */
function named(engine: Given['engine'], { path, write }: Workspace): string {
  const [, loader] =
    /^#!\/bin\/sh\nexec '([^']+)'/.exec(readFileSync(engines[engine].path).subarray(0, 1000).toString('latin1')) ?? [];
  if (loader === undefined) return engines[engine].path;
  symlinkSync(loader, join(path, engine));
  write(
    'start',
    readFileSync(engines[engine].path, 'utf8').replace(`exec '${loader}'`, `exec '${join(path, engine)}'`),
  );
  chmodSync(join(path, 'start'), 0o755);
  return join(path, 'start');
}

/** Starts an engine and the Agent beside it, which sees its processes and no others. */
function startPod(workspace: Workspace, engine: Given['engine'], port: number): Promise<Server> {
  const { path } = workspace;
  const folder = join(path, 'generated', engine);
  const words = [named(engine, workspace), ...proxyTarget(engine).run.args(folder)].map((word) => `'${word}'`);
  const start = `cd '${folder}'; ${words.join(' ')} & exec "$@"`;
  const agent = [engines.openbao.path, 'agent', `-config=${join(path, 'beside.json')}`];
  return startServer({
    command: 'unshare',
    args: [...OWN_USER, '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', start, 'sh', ...agent],
    cwd: path,
    env: { PATH: process.env['PATH'], HOME: path, XDG_CONFIG_HOME: path, XDG_DATA_HOME: path },
    ready: () => accepts(port),
  });
}

const FILES = { nginx: 'tokens.conf', caddy: 'keys' } as const;

for (const engine of ['nginx', 'caddy'] as const)
  test(`${engine} has its secrets when it starts, and is told of new ones`, () =>
    inWorkspace((workspace) =>
      scoped(async (scope) => {
        const { path, write, run } = workspace;
        const upstream = await startRecorder({});
        scope.defer(() => upstream.close());
        const port = await freePort();
        const folder = join(path, 'generated', engine, 'secrets');
        await issue('glpat-the-first-token');
        const annotations = await prepare(workspace, { engine, port, upstream: upstream.port, folder });
        // The one file that no template can make.
        if (engine === 'nginx') {
          const keys = await run('secrets render --keys', { env: vault.env });
          assert.is(keys.status, 0, keys.stderr);
        }
        const account = join(path, 'jwt');
        const configs = { init: true, beside: false };
        for (const [name, isInit] of Object.entries(configs))
          write(`${name}.json`, JSON.stringify(agentOf(annotations, { isInit, home: path, account })));

        const env = { PATH: process.env['PATH'], HOME: path };
        await mustRun(engines.openbao.path, ['agent', `-config=${join(path, 'init.json')}`], { env });
        const file = join(folder, FILES[engine]);
        assert.match(readFileSync(file, 'utf8'), 'glpat-the-first-token');
        assert.is(statSync(file).mode & 0o777, 0o600);

        const server = await startPod(workspace, engine, port);
        scope.defer(() => server.stop());
        const ask = () => fetch(`http://127.0.0.1:${port}/api/v4/user`, { headers: { 'PRIVATE-TOKEN': KEY } });
        const sent = async () => {
          // A reload may end a kept connection as the request is sent; HTTP has it sent again.
          const answer = await ask().catch(ask);
          assert.is(answer.status, 200, server.output());
          return upstream.requests.at(-1)?.field('private-token');
        };
        assert.is(await sent(), 'glpat-the-first-token');
        await issue('glpat-the-next-token');
        const end = Date.now() + 30_000;
        while ((await sent()) !== 'glpat-the-next-token') {
          assert.ok(Date.now() < end, server.output());
          await pause(100);
        }
      })(),
    ));

test.run();
