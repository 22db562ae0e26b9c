import { chmodSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fromKubernetes, fromSops } from '../../src/secrets/programs.ts';
import { mustRun } from '../engines/run.ts';
import { engineSuite } from '../engines/suite.ts';
import { inWorkspace, type Workspace } from '../support/workspace.ts';
import { KEY, secretSpec } from './spec.ts';

const TOKEN = 'glpat-the-token-of-this-test';
// Made for this test alone: it opens nothing but what the test itself encrypts.
const AGE = {
  recipient: 'age1w3t0q98het7hxevze759ya70gz38aywhrzk2es489m23jajfhagsk057mw',
  identity: 'AGE-SECRET-KEY-1MV7ACGFXVDSMR5SYD74CZYW00X8ALPNQXAJK5UMRCLUW40R45XFQWZ279K',
};

/** Renders with these programs on the PATH; gives what was said, which must not hold the secret. */
async function render({ run, write }: Workspace, token: string, env: Record<string, string>) {
  write('postern.yaml', secretSpec({ token }));
  const said = await run('secrets render', { env: { PARTNER_KEY: KEY, ...env } });
  assert.not.ok(`${said.stdout}${said.stderr}`.includes(TOKEN));
  return said;
}

async function takes(workspace: Workspace, token: string, env: Record<string, string>): Promise<void> {
  const { status, stderr } = await render(workspace, token, env);
  assert.is(status, 0, stderr);
  assert.ok(workspace.read('generated/caddy/secrets/keys').includes(TOKEN));
}

async function refuses(workspace: Workspace, token: string, env: Record<string, string>, words: RegExp): Promise<void> {
  const { status, stderr } = await render(workspace, token, env);
  assert.is(status, 2);
  assert.match(stderr, words);
}

const { test: sops, engines: withSops } = await engineSuite('secrets in sops', ['sops']);

sops('fields of an encrypted file, however deep, by the program that decrypts it', () =>
  inWorkspace(async (workspace) => {
    const { path, write } = workspace;
    const program = withSops.sops.path;
    const env = { PATH: [dirname(program), process.env['PATH']].join(delimiter), SOPS_AGE_KEY: AGE.identity };
    write('plain.yaml', `gitlab:\n  token: ${TOKEN}\nother: 7\n`);
    const encrypted = await mustRun(program, ['encrypt', '--age', AGE.recipient, join(path, 'plain.yaml')]);
    assert.not.ok(encrypted.includes(TOKEN));
    write('team/secrets.yaml', encrypted);
    await takes(workspace, 'sops:team/secrets.yaml#gitlab/token', env);
    await refuses(workspace, 'sops:team/secrets.yaml#gitlab', env, /secret\/no-field/);
    await refuses(workspace, 'sops:team/secrets.yaml#other', env, /secret\/no-field/);
    await refuses(workspace, 'sops:team/nothing.yaml#a', env, /sops could not get it: there is no such file/);
    const locked = { ...env, SOPS_AGE_KEY: '' };
    await refuses(workspace, 'sops:team/secrets.yaml#gitlab/token', locked, /it did not decrypt the file/);
    const without = { PATH: join(path, 'nothing') };
    await refuses(workspace, 'sops:team/secrets.yaml#gitlab/token', without, /needs sops, which is not on the PATH/);
  }),
);
sops.run();

const { test: kubernetes, engines: withKubectl } = await engineSuite('secrets in Kubernetes', ['kubectl']);

kubernetes('keys of a Secret, by kubectl and the account that it has', () =>
  inWorkspace(async (workspace) => {
    const server = createServer(({ url = '' }, response) => {
      const [status, body] = answerOf(url);
      response.writeHead(status, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify(body));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    workspace.write('kubeconfig', kubeconfig(`http://127.0.0.1:${port}`));
    const env = {
      PATH: [dirname(withKubectl.kubectl.path), process.env['PATH']].join(delimiter),
      KUBECONFIG: join(workspace.path, 'kubeconfig'),
      HOME: workspace.path,
    };
    try {
      await takes(workspace, 'k8s:ci/gitlab#token', env);
      await refuses(workspace, 'k8s:ci/gitlab#nothing', env, /secret\/no-field/);
      await refuses(workspace, 'k8s:ci/other#token', env, /the cluster answers NotFound/);
      await refuses(workspace, 'k8s:secret/gitlab#token', env, /the cluster answers Forbidden/);
    } finally {
      await new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      });
    }
    await refuses(workspace, 'k8s:ci/gitlab#token', env, /it did not reach the cluster/);
  }),
);
kubernetes.run();

const hostile = suite('programs that are not what they should be');

for (const [text, name, source] of [
  ['sops:secrets.yaml#token', 'sops', fromSops],
  ['k8s:ci/gitlab#token', 'kubectl', fromKubernetes],
] as const) {
  hostile(`${name} that prints rubbish, too much, or a secret where it fails`, () =>
    inWorkspace(async ({ path, write }) => {
      const program = join(path, 'bin', name);
      const reference = { scheme: name === 'sops' ? 'sops' : 'k8s', text, origin: [] } as const;
      const says = async (words: string) => {
        const context = { folder: path, env: { PATH: join(path, 'bin') }, patience: 3000 };
        const answers = await source([reference], context);
        const said = JSON.stringify([...answers]);
        assert.ok(said.includes(words) && !said.includes(TOKEN), said);
      };
      const become = (script: string) => {
        write(`bin/${name}`, `#!${process.execPath}\n${script}\n`);
        chmodSync(program, 0o755);
      };
      await says('secret/no-program');
      become(`console.log('<html>${TOKEN}')`);
      await says('what it printed is not JSON');
      become(`console.log(JSON.stringify(['${TOKEN}', { data: 7 }]))`);
      await says('secret/no-field');
      become(`console.error('cannot decode ${TOKEN}'); process.exitCode = 1`);
      await says('secret/program');
      become(`const more = () => process.stdout.write('${TOKEN}'.repeat(10_000), more); more()`);
      await says('it printed too much');
      // What it has started holds its output open too.
      const long = 'setTimeout(() => {}, 20_000)';
      become(
        `require('node:child_process').spawn(process.execPath, ['-e', '${long}'], { stdio: 'inherit' }); setInterval(() => {}, 1000)`,
      );
      await says('it took too long');
      become(`process.stdin.on('data', () => {}).on('end', () => console.error('no password'))`);
      await says('what it printed is not JSON');
      chmodSync(program, 0o644);
      await says('secret/program');
    }),
  );
}

hostile('a reference is no option of the program', () =>
  inWorkspace(async ({ run, write }) => {
    for (const token of ['k8s:ci/--watch#token', 'k8s:--all-namespaces/gitlab#token', 'k8s:ci/-h#token']) {
      write('postern.yaml', secretSpec({ token }));
      const { status, stderr } = await run('secrets render');
      assert.is(status, 2);
      assert.match(stderr, /spec\/bad-secret-reference/);
    }
  }),
);
hostile.run();

/** As an API server answers that has one Secret and one namespace that nobody may look into. */
function answerOf(url: string): readonly [status: number, body: unknown] {
  const path = url.split('?', 1)[0];
  if (path === '/api') return [200, { kind: 'APIVersions', versions: ['v1'] }];
  if (path === '/apis') return [200, { kind: 'APIGroupList', apiVersion: 'v1', groups: [] }];
  const resources = [{ name: 'secrets', singularName: 'secret', namespaced: true, kind: 'Secret', verbs: ['get'] }];
  if (path === '/api/v1') return [200, { kind: 'APIResourceList', groupVersion: 'v1', resources }];
  const metadata = { name: 'gitlab', namespace: 'ci' };
  const data = { token: Buffer.from(`${TOKEN}\n`).toString('base64') };
  if (path === '/api/v1/namespaces/ci/secrets/gitlab')
    return [200, { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data }];
  const reason = path?.startsWith('/api/v1/namespaces/secret/') ? 'Forbidden' : 'NotFound';
  const code = reason === 'Forbidden' ? 403 : 404;
  return [code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code, message: 'no' }];
}

function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server } }],
    users: [{ name: 'test', user: {} }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}
