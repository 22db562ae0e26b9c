import { mkdirSync, writeFileSync } from 'node:fs';
import { startServer } from '../../src/verify/process.ts';
import type { Scope } from '../../src/verify/scope.ts';
import { type Outcome, run } from '../engines/run.ts';

interface Programs {
  readonly containerd: string;
  readonly ctr: string;
  /** Of both; that of this process where absent. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts containerd with all that it keeps in a folder, which is made, and returns its client. */
export async function startContainerd(
  { containerd, ctr, env }: Programs,
  home: string,
  scope: Scope,
): Promise<(...args: readonly string[]) => Promise<Outcome>> {
  const socket = `${home}/containerd.sock`;
  const config = `${home}/config.toml`;
  mkdirSync(home, { recursive: true });
  writeFileSync(
    config,
    `version = 2
root = "${home}/root"
state = "${home}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
[grpc]
address = "${socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "${home}/opt"
`,
  );
  const ask = (...args: readonly string[]) =>
    run(ctr, ['--address', socket, ...args], { cwd: home, ...(env && { env }) });
  const server = await startServer({
    command: containerd,
    args: ['--config', config],
    cwd: home,
    ...(env && { env }),
    ready: async () => (await ask('version')).code === 0,
  });
  scope.defer(() => server.stop());
  return ask;
}
