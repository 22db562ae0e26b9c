import { temporaryFolder } from '../../src/verify/folder.ts';
import { freePort } from '../../src/verify/ports.ts';
import { startServer } from '../../src/verify/process.ts';
import { mustRun } from '../engines/run.ts';

/** A real OpenBao that keeps everything in memory, on loopback. */
export interface Bao {
  readonly url: string;
  /** What its clients read; the token is the root's. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs the `bao` command; gives what it printed. */
  bao(...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

const ROOT = 'root-token-of-this-test-only';

/** `plugins` is a folder of plugins that it may run. */
export async function startBao(program: string, plugins?: string): Promise<Bao> {
  const folder = await temporaryFolder();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = { VAULT_ADDR: url, VAULT_TOKEN: ROOT, HOME: folder.path };
  const server = await startServer({
    command: program,
    args: [
      'server',
      '-dev',
      '-dev-no-store-token',
      `-dev-root-token-id=${ROOT}`,
      `-dev-listen-address=127.0.0.1:${port}`,
      ...(plugins === undefined ? [] : [`-dev-plugin-dir=${plugins}`]),
    ],
    cwd: folder.path,
    env: { ...process.env, HOME: folder.path },
    ready: { port },
    patience: 60_000,
  });
  const bao = (...args: string[]) =>
    mustRun(program, args, { env: { PATH: process.env['PATH'], HOME: folder.path, BAO_ADDR: url, BAO_TOKEN: ROOT } });
  return {
    url,
    env,
    bao,
    stop: async () => {
      await server.stop();
      await folder.remove();
    },
  };
}
