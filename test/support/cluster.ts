import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../src/verify/folder.ts';
import { freePorts } from '../../src/verify/ports.ts';
import { type Server, startServer } from '../../src/verify/process.ts';
import { mustRun, type Outcome, run } from '../engines/run.ts';

/** A real API server with nothing behind it: objects are checked and kept, and no pod ever runs. */
export interface Cluster {
  readonly url: string;
  /** File with the certificate of the server. */
  readonly authority: string;
  /** Runs kubectl as the administrator. */
  kubectl(...args: string[]): Promise<Outcome>;
  /** As `kubectl`, and must succeed; gives what it printed. */
  mustKubectl(...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

const TOKEN = 'administrator-of-this-test-only';

/** `apiServer` is the program of ours that holds the store as well. */
export async function startCluster(apiServer: string, kubectlProgram: string): Promise<Cluster> {
  const folder = await temporaryFolder();
  const started: Server[] = [];
  const stop = async () => {
    for (const server of started.reverse()) await server.stop();
    await folder.remove();
  };
  try {
    const [store = 0, peers = 0, secure = 0] = await freePorts(3);
    started.push(await startStore(apiServer, folder.path, { store, peers }));
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const args = [
      `--etcd-servers=http://127.0.0.1:${store}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      `--secure-port=${secure}`,
      `--cert-dir=${join(folder.path, 'certificates')}`,
      `--service-account-signing-key-file=${await folder.write('accounts.key', privateKey)}`,
      `--service-account-key-file=${await folder.write('accounts.pub', publicKey)}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--token-auth-file=${await folder.write('tokens.csv', `${TOKEN},admin,admin,system:masters\n`)}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.0.0.0/24',
      // There are neither nodes nor a controller that makes service accounts.
      '--endpoint-reconciler-type=none',
      '--disable-admission-plugins=ServiceAccount',
    ];
    const kubectl = async (...words: string[]) =>
      run(kubectlProgram, [...(await login(folder.path, secure)), ...words], quiet(folder.path));
    const ready = async () => (await kubectl('get', '--raw', '/readyz')).code === 0;
    started.push(await startServer({ command: apiServer, args, cwd: folder.path, ready, patience: 120_000 }));
    const mustKubectl = async (...words: string[]) =>
      mustRun(kubectlProgram, [...(await login(folder.path, secure)), ...words], quiet(folder.path));
    const [url, authority] = [`https://127.0.0.1:${secure}`, join(folder.path, 'certificates/apiserver.crt')];
    return { url, authority, kubectl, mustKubectl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startStore(
  program: string,
  cwd: string,
  { store, peers }: Readonly<Record<'store' | 'peers', number>>,
): Promise<Server> {
  const [client, peer] = [`http://127.0.0.1:${store}`, `http://127.0.0.1:${peers}`];
  const args = [
    'etcd',
    `--data-dir=${join(cwd, 'store')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=error',
  ];
  return startServer({ command: program, args, cwd, ready: { port: store }, patience: 60_000 });
}

/** The server signs its own certificate, which is there once it listens. */
async function login(folder: string, port: number): Promise<string[]> {
  const authority = join(folder, 'certificates/apiserver.crt');
  const isThere = await readFile(authority).then(
    () => true,
    () => false,
  );
  return [
    `--server=https://127.0.0.1:${port}`,
    `--token=${TOKEN}`,
    ...(isThere ? [`--certificate-authority=${authority}`] : ['--insecure-skip-tls-verify']),
  ];
}

/** Nothing of the user's own settings, nor of a cluster that this happens to run in. */
function quiet(folder: string) {
  return { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: join(folder, 'none') } };
}
