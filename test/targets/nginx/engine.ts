import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Policy } from '../../../src/policy/types.ts';
import { nginx } from '../../../src/targets/nginx/index.ts';
import { startEngine } from '../../../src/verify/engines.ts';
import { temporaryFolder } from '../../../src/verify/folder.ts';
import { accepts, type Server } from '../../../src/verify/process.ts';
import type { Scope } from '../../../src/verify/scope.ts';
import { proxyTarget } from '../../verify/proxyTargets.ts';

export interface Running {
  /** What holds `nginx/`. */
  readonly folder: string;
  readonly server: Server;
  /** Ends nginx and reads what it has logged. */
  log(): Promise<readonly Record<string, unknown>[]>;
}

export interface RunOptions {
  readonly policy: Policy;
  readonly program: string;
  readonly options?: object;
  /** Secrets by reference; no secrets files where absent. */
  readonly values?: ReadonlyMap<string, string>;
  readonly ports: readonly number[];
}

/** Writes what the target makes of a policy into a folder of its own and starts nginx there. */
export async function runNginx(
  { policy, program, options = {}, values, ports }: RunOptions,
  scope: Scope,
): Promise<Running> {
  const input = { policy, options: nginx.options.parse(options), at: ['targets', 'nginx'], read: () => undefined };
  const { value: files, diagnostics } = nginx.emit(input);
  if (!files) throw new Error(JSON.stringify(diagnostics));
  const secretFiles = values ? (nginx.secrets?.({ policy, values }).value ?? []) : [];
  const folder = await temporaryFolder();
  scope.defer(() => folder.remove());
  // Started by root, nginx works as somebody else, who must get to the folders below.
  await chmod(folder.path, 0o711);
  for (const { path, text } of [...files, ...secretFiles]) await folder.write(path, text);
  const ready = async () => (await Promise.all(ports.map(accepts))).every(Boolean);
  const server = await startEngine(proxyTarget('nginx'), { program, folder: folder.path, ready });
  scope.defer(() => server.stop());
  const log = async () => {
    await server.stop();
    const text = await readFile(join(folder.path, 'nginx/access.log'), 'utf8');
    return text
      .trimEnd()
      .split('\n')
      .map((line): Record<string, unknown> => JSON.parse(line));
  };
  return { folder: folder.path, server, log };
}
