import type { Scope } from '../../src/verify/scope.ts';
import type { Engine } from '../engines/engine.ts';
import type { Outcome } from '../engines/run.ts';
import { startContainerd } from '../support/containerd.ts';
import { CREDENTIALS, type RegistryWorld } from './registryWorld.ts';

export interface NodePrograms {
  readonly containerd: Engine;
  readonly ctr: Engine;
}

/** A node of a cluster, as far as it pulls images. */
export interface ClusterNode {
  pull(image: string, hosts?: string): Promise<Outcome>;
  /** The digest of an image that it has. */
  digest(image: string): Promise<string | undefined>;
}

/** Starts containerd in the world's namespace with what was generated for nodes. */
export async function startNode(world: RegistryWorld, programs: NodePrograms, scope: Scope): Promise<ClusterNode> {
  const { folder, enter, generated } = world;
  // What trusts the sites is in the generated files.
  const env = { ...world.env, SSL_CERT_FILE: '/dev/null', SSL_CERT_DIR: `${folder.path}/nowhere` };
  const [containerd, ctr] = [await enter(programs.containerd.path), await enter(programs.ctr.path)];
  const ask = await startContainerd({ containerd, ctr, env }, `${folder.path}/containerd`, scope);
  // Layers are put one upon the other by copying, which works on every file system but which only the client can ask for.
  const how = ['--snapshotter', 'native', ...(programs.ctr.version.startsWith('1.') ? [] : ['--local'])];
  return {
    pull: (image, hosts = `${generated.path}/containerd/certs.d`) =>
      ask('images', 'pull', '--hosts-dir', hosts, '--user', CREDENTIALS, ...how, image),
    async digest(image) {
      const { text } = await ask('images', 'list');
      const line = text.split('\n').find((line) => line.startsWith(`${image} `));
      return /sha256:[0-9a-f]{64}/.exec(line ?? '')?.[0];
    },
  };
}
