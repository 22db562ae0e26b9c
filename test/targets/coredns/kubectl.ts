import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';

/** As much of an API server as kubectl asks before it sends anything: what kinds of objects there are. */
const DISCOVERY: Readonly<Record<string, object>> = {
  '/api': { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': {
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: [
      { name: 'configmaps', singularName: 'configmap', namespaced: true, kind: 'ConfigMap', verbs: ['create'] },
    ],
  },
};

export interface Kubectl {
  /** What `kubectl create --dry-run=client` prints to standard output. */
  create(args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** A real kubectl that sees an empty cluster on the loopback interface and nothing of the user's own settings. */
export async function startKubectl(program: string, home: string): Promise<Kubectl> {
  const server = createServer(({ url = '', method }, response) => {
    const known = method === 'GET' ? DISCOVERY[url.replace(/\?.*/, '')] : undefined;
    response.writeHead(known ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ?? { kind: 'Status', status: 'Failure', code: 404 }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const env = { PATH: process.env['PATH'], HOME: home, KUBECONFIG: '/dev/null' };
  const create = ['--server', `http://127.0.0.1:${port}`, 'create', '--dry-run=client'];
  return {
    async create(args) {
      const { stdout } = await promisify(execFile)(program, [...create, ...args], { cwd: home, env });
      return stdout;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
